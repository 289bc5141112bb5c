"""Settings of the detector's training."""

from dataclasses import dataclass, field

from remix_track.errors import InputError
from remix_track.settings import check, setting

MULTIPLE = 32
"""Both sides of the network's images are multiples of this."""


@dataclass(frozen=True, slots=True)
class MaterialSettings:
    """What images are put together from.

    Attributes:
        footage: videos and GIFs of people; the teacher labels them.
        held_out: of them, those that are only measured on.
        every: of a video's frames, one in so many is used.
        teacher: YOLO weights.
        photographs: folders of photographs without people.
        things: folders of images with transparency, cut-out things that are no people.
        drawn_places: drawn places without people.
        streets: drawn streets, of which a few frames each are taken.
        held_out_streets: likewise, that are only measured on.
        drawn_people: drawn on nothing, to be pasted.
        cut_people: at most so many cut out of the footage.

    Raises:
        InputError: a value that does not fit its field.
    """

    footage: tuple[str, ...] = setting((), "videos and GIFs of people, labelled by the teacher")
    held_out: tuple[str, ...] = setting((), "videos that are only measured on")
    every: int = setting(3, "of a video's frames, one in so many is used", low=1, high=10_000)
    teacher: str = setting("yolo11n.pt", "YOLO weights whose boxes are the labels of footage")
    photographs: tuple[str, ...] = setting((), "folders of photographs without people")
    things: tuple[str, ...] = setting((), "folders of cut-out things that are no people, with transparency")
    drawn_places: int = setting(60, "drawn places without people", low=1, high=100_000)
    streets: int = setting(90, "drawn streets", low=1, high=100_000)
    held_out_streets: int = setting(8, "drawn streets that are only measured on", low=1, high=100_000)
    drawn_people: int = setting(1500, "drawn people to be pasted", low=1, high=1_000_000)
    cut_people: int = setting(400, "cut out of the footage, an equal share of each video", low=0, high=1_000_000)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class ComposeSettings:
    """How images to train on are put together.

    Attributes:
        height, width: in pixels, multiples of 32.
        shortest, tallest: people's heights in pixels.
        footage_share: of images that begin with a frame of footage; `street_share`: with one of a drawn street; the
            others begin with a place without people.
        empty_share: of the latter, how many stay without people.
        most_people: pasted into one image.
        things_share: of images into which things are pasted that are no people.

    Raises:
        InputError: a value that does not fit its field.
    """

    height: int = setting(256, "height of the images, a multiple of 32", low=64, high=2048)
    width: int = setting(320, "width of the images, a multiple of 32", low=64, high=2048)
    shortest: float = setting(20.0, "height in pixels of the smallest people", low=8, high=2048)
    tallest: float = setting(250.0, "height in pixels of the largest people", low=8, high=4096)
    footage_share: float = setting(0.3, "share of images that begin with a frame of footage", low=0, high=1)
    street_share: float = setting(0.25, "share of images that begin with a drawn street", low=0, high=1)
    empty_share: float = setting(0.15, "share of the others without people", low=0, high=1)
    most_people: int = setting(10, "people pasted into one image, at most", low=1, high=100)
    things_share: float = setting(0.6, "share of images with things that are no people", low=0, high=1)

    def __post_init__(self) -> None:
        check(self)
        for name, side in (("height", self.height), ("width", self.width)):
            if side % MULTIPLE:
                near = round(side / MULTIPLE) * MULTIPLE
                raise InputError(f"{name} = {side}; expected a multiple of {MULTIPLE}, such as {near}")


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """The descent.

    Attributes:
        steps: in all.
        batch: images in a step.
        rate: learning rate of pyramid and head; the backbone has `backbone_rate` times that.
        warmup: steps until the rate is reached; then it falls to zero along a cosine.
        decay: of weights, per step and rate.
        box_share: weight of the box loss against that of the score.
        average: share of the mean weights, which are what is kept, that stays in a step.

    Raises:
        InputError: a value that does not fit its field.
    """

    steps: int = setting(4000, "steps in all", low=1, high=10_000_000)
    batch: int = setting(12, "images in a step", low=1, high=1024)
    rate: float = setting(1e-3, "learning rate of pyramid and head", low=0, high=1)
    backbone_rate: float = setting(0.2, "that of the backbone, as a share", low=0, high=10)
    warmup: int = setting(100, "steps until the rate is reached", low=1, high=1_000_000)
    decay: float = setting(0.02, "decay of weights", low=0, high=1)
    box_share: float = setting(2.0, "weight of the box loss", low=0, high=100)
    average: float = setting(0.998, "share of the mean weights that stays in a step", low=0, high=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class DetectorTraining:
    """All settings of a training.

    Attributes:
        material, compose, optimiser: the sections.
        seed: decides everything but rounding.
        int8_images: so many composed images give the ranges of 8-bit integers; 0: the file is in float16.
        checkpoint_every: steps between two checkpoints.
    """

    material: MaterialSettings = field(default_factory=MaterialSettings)
    compose: ComposeSettings = field(default_factory=ComposeSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    seed: int = setting(0, "same seed, same images", low=0, high=2**32 - 1)
    int8_images: int = setting(150, "composed images to find 8-bit ranges on; 0: float16", low=0, high=100_000)
    checkpoint_every: int = setting(200, "steps between two checkpoints", low=1, high=1_000_000)

    def __post_init__(self) -> None:
        check(self)

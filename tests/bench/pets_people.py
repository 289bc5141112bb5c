"""Who is who in PETS 2009 S2L1: its truth numbers a person anew who leaves the picture and comes back.

The 19 numbers are ten people, of whom at most eight are to be seen at a time. Found by looking at their crops; no two
numbers of a person are ever in one frame, and by the shipped weights and by OSNet (MSMT17) alike the mean vectors of
the numbers of one person are nearer to each other than to those of others (but for one pair by OSNet, 4 and 12, seen
before grass and before asphalt).
"""

import numpy as np
from numpy.typing import NDArray

PERSON = {9: 5, 10: 6, 11: 3, 12: 4, 13: 2, 14: 8, 15: 8, 18: 8, 19: 1}
"""The person of those numbers of the truth that are not the person's own."""


def pets_people(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The people of numbers of the truth."""
    return np.array([PERSON.get(number, number) for number in numbers.tolist()], np.int64)

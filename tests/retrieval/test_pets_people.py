"""The people behind the numbers of PETS' truth."""

import numpy as np

from remix_track import mot_text
from tests.bench.pets_people import pets_people


def test_two_numbers_of_one_person_are_never_in_one_frame(shared):
    truth = mot_text.read(shared("data/pets09-s2l1/gt/gt.txt"))
    people = pets_people(truth.id)
    assert len(np.unique(truth.id)) == 19
    assert len(np.unique(people)) == 10
    assert len(np.unique(np.stack([truth.frame, people]), axis=1).T) == len(truth)

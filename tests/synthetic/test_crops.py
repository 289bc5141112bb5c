"""Crops of one walk: boxes as a detector's, companions, and backgrounds, with people drawn as blocks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import Artist, tracklet
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import HEIGHT, WIDTH
from remix_track.synthetic.sprites import Sprite

PERSON, *OTHERS = crowd(np.random.default_rng(0), 4, lookalikes=0.0, any_colour=0.0)
RED, BLUE = (0, 0, 255), (255, 0, 0)
CLEAR = replace(
    CropCamera.sample(np.random.default_rng(1)),
    resolution=500.0,
    blur=0.0,
    gain=(1.0, 1.0, 1.0),
    gamma=1.0,
    contrast=1.0,
    haze=0.0,
    saturation=1.0,
    noise=0.0,
    sun_from_right=False,
)
"""A camera that changes next to nothing."""


def flat(level):
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def block(aspect):
    """Draws people as upright blocks, red for `PERSON` and blue for others; `calls` keeps who was drawn where."""
    calls = []

    def draw(person, stance):
        foot_xy, tall = stance.foot_xy, stance.height_px
        calls.append((person, foot_xy, tall))
        height, width = round(tall), max(round(aspect * tall), 1)
        colour = RED if person is PERSON else BLUE
        opaque = np.full((height, width), 255, np.uint8)
        left, top = round(foot_xy[0] - width / 2), round(foot_xy[1] - height)
        return Sprite(left, top, np.full((height, width, 3), colour, np.uint8), opaque)

    return draw, calls


def crops(count=40, aspect=0.4, passers=(), places=(), seed=0, **artist):
    draw, calls = block(aspect)
    rng = np.random.default_rng(seed)
    made = tracklet(PERSON, CLEAR, flat(90), passers, count, rng, Artist(draw, **artist), other_places=places)
    return list(made), calls


def red(crop):
    """Columns and rows of the crop that the person takes, as shares: first and last of each."""
    mask = (crop[..., 2] > 180) & (crop[..., 0] < 80)
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return columns[0] / 64, (columns[-1] + 1) / 64, rows[0] / 128, (rows[-1] + 1) / 128


def test_tight_boxes_end_where_the_person_ends_and_loose_ones_leave_space():
    tight, loose = (np.array([red(crop) for crop in crops(tight=tight)[0]]) for tight in (True, False))
    wide, narrow = tight[:, 1] - tight[:, 0], loose[:, 1] - loose[:, 0]
    assert np.median(wide) > 0.9
    assert np.median(narrow) < 0.8
    assert 0.01 < tight[:, 0].mean() < 0.08, "sides are off, to either side"


def test_a_slim_person_s_box_is_not_slimmer_than_three_tenths_of_its_height():
    slim = np.array([red(crop) for crop in crops(tight=True, aspect=0.1)[0]])
    assert np.median(slim[:, 1] - slim[:, 0]) == pytest.approx(0.1 / 0.3, abs=0.05)
    middle = (slim[:, 0] + slim[:, 1]) / 2
    assert middle.mean() == pytest.approx(0.5, abs=0.05), "space is left on both sides"


@pytest.mark.parametrize("seed", range(4))
def test_a_companion_stays_for_the_whole_walk_and_is_another_person(seed):
    drawn, calls = crops(12, companions=1.0, passers=(PERSON, OTHERS[0]), seed=seed)
    beside = [
        (one, other)
        for one, other in pairwise(calls)
        if {one[0] is PERSON, other[0] is PERSON} == {True, False} and 0.9 < other[2] / one[2] < 1.1
    ]
    assert len(drawn) == 12
    assert len(beside) >= 12
    assert {id(two[0]) for pair in beside for two in pair} == {id(PERSON), id(OTHERS[0])}


def test_a_companion_is_close_beside_and_the_nearer_one_hides_the_other():
    shown: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(120):
        (crop,), calls = crops(1, companions=1.0, passers=OTHERS[:1], seed=seed)
        if len(calls) > 2:
            continue  # a passer, too
        (_, (x, y), tall), (_, (other_x, other_y), _) = calls
        assert 0.12 <= abs(other_x - x) / tall <= 0.3
        shown[other_y > y].append(float(((crop[..., 2] > 180) & (crop[..., 0] < 80)).mean()))
    assert np.median(shown[True]) < 0.8 * np.median(shown[False])


def test_companions_come_in_the_share_of_walks_asked_for():
    alone = sum(len(crops(1, companions=0.3, passers=OTHERS, seed=seed)[1]) == 1 for seed in range(400))
    never = sum(len(crops(1, companions=0.0, passers=OTHERS, seed=seed)[1]) == 1 for seed in range(400))
    assert alone / never == pytest.approx(0.7, abs=0.06)


def test_without_other_people_there_is_no_companion():
    _, calls = crops(12, companions=1.0, passers=())
    assert all(who is PERSON for who, _, _ in calls)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_other_places_stand_behind_the_share_of_crops_asked_for(share):
    made, _ = crops(300, places=(flat(200),), aspect=0.2, random_backgrounds=share)
    corners = np.array([crop[2, [1, -2]].mean() for crop in made])
    assert (np.abs(corners - 90) > 4).mean() == pytest.approx(share, abs=0.08)


def test_other_places_have_a_light_of_their_own():
    made, _ = crops(200, places=(flat(120),), aspect=0.2, random_backgrounds=1.0)
    corners = np.array([crop[2, 1].mean() for crop in made])
    assert corners.min() < 60 < 180 < corners.max()

import math

import cv2
import numpy as np
import pytest

from remix_track.synthetic.figure import Stance, cast_shadow, figure
from remix_track.synthetic.people import Person
from remix_track.synthetic.pose import LEFT, walking_pose
from remix_track.synthetic.sprites import paste

RIGHT_WARDS, AWAY, TOWARDS = 0.0, math.pi / 2, 1.5 * math.pi


def somebody(seed=0):
    return Person.sample(np.random.default_rng(seed))


def on_plain(grey, person, **changes):
    canvas = np.full((200, 160, 3), grey, np.uint8)
    stance = Stance((80.3, 180.6), 150.0, **{"heading": RIGHT_WARDS, "gait_phase": 0.4} | changes)
    return canvas, drawn_on(canvas, person, stance)


def drawn_on(canvas, person, stance):
    sprite = figure(person, stance)
    paste(canvas, sprite)
    return sprite


def test_the_same_generator_gives_the_same_person_and_the_same_pixels():
    assert somebody(4) == somebody(4)
    assert somebody(4) != somebody(5)
    first, second = (figure(somebody(4), Stance((50.5, 150.25), 120.0, 0.7, 1.1)) for _ in range(2))
    assert first.bgr.tobytes() == second.bgr.tobytes()
    assert first.alpha.tobytes() == second.alpha.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_box_is_the_extent_of_what_was_drawn(seed):
    # Over black and over white the images differ by what shows through, whatever the sprite says of itself.
    person = somebody(seed)
    black, sprite = on_plain(0, person, heading=seed)
    white, _ = on_plain(255, person, heading=seed)
    through = white[..., 0].astype(int) - black[..., 0]
    found = [(x, y) for y in range(200) for x in range(160) if 255 - through[y, x] >= 128]
    columns, rows = {x for x, _ in found}, {y for _, y in found}
    box = min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1
    assert sprite.tlwh() == box
    assert sprite.mask.sum() == len(found)


@pytest.mark.parametrize("heading", [RIGHT_WARDS, AWAY, TOWARDS, 2.4])
def test_feet_stand_on_the_foot_point_and_the_head_is_a_stature_above(heading):
    for seed in range(6):
        _, sprite = on_plain(0, somebody(seed), heading=heading, pitch=0.0)
        left, top, width, height = sprite.tlwh()
        assert abs(top + height - 180.6) < 2
        assert 0.97 * 150 < height < 1.1 * 150, "hair and hats come on top"
        assert left < 80.3 < left + width


def test_looks_depend_on_the_side_one_sees():
    person = somebody(1)
    seen = [on_plain(90, person, heading=heading)[0] for heading in (RIGHT_WARDS, AWAY, math.pi, TOWARDS)]
    for i, first in enumerate(seen):
        for second in seen[i + 1 :]:
            assert cv2.absdiff(first, second).max() > 60


def test_a_walker_is_wider_from_the_side_than_one_who_stands():
    walking = on_plain(0, somebody(2), gait_phase=0.0)[1].tlwh()[2]
    standing = on_plain(0, somebody(2), gait_phase=0.0, stride=0.0)[1].tlwh()[2]
    assert walking > 1.4 * standing


def test_a_shadow_darkens_the_ground_and_nothing_else():
    bare, _ = on_plain(200, somebody(3))
    shaded = np.full_like(bare, 200)
    cast_shadow(shaded, (80.3, 180.6), 150.0, 0.4)
    drawn_on(shaded, somebody(3), Stance((80.3, 180.6), 150.0, RIGHT_WARDS, 0.4))
    assert shaded[181:184, 70:100].mean() < bare[181:184, 70:100].mean() - 20
    assert (shaded <= bare).all()


def test_a_person_may_be_cut_by_the_picture_or_lie_outside():
    person = somebody(6)
    for foot in ((0.0, 100.0), (159.0, 20.0), (80.0, 230.0), (-500.0, 100.0), (80.0, 5000.0)):
        canvas = np.full((200, 160, 3), 128, np.uint8)
        sprite = drawn_on(canvas, person, Stance(foot, 150.0, 0.3, 0.0))
        whole = figure(person, Stance((foot[0] + 1000, foot[1]), 150.0, 0.3, 0.0))
        assert sprite.tlwh()[2:] == whole.tlwh()[2:], "the box is that of the whole body"
    assert (canvas == 128).all()


def test_every_kind_of_looks_can_be_drawn():
    people = [somebody(seed) for seed in range(120)]
    for name in ("hair_style", "hat", "top", "pattern", "bottom", "bag", "boots", "beard", "tights"):
        assert len({getattr(person, name) for person in people}) >= 2, name
    for i, person in enumerate(people):
        sprite = figure(person, Stance((0.0, 0.0), 40.0, 0.5 * i, 0.3 * i))
        assert sprite.mask.sum() > 150


def test_a_lookalike_wears_the_same_and_is_another():
    person = somebody(7)
    other = person.lookalike(np.random.default_rng(1))
    assert (other.top, other.pattern, other.bottom) == (person.top, person.pattern, person.bottom)
    assert np.abs(np.subtract(other.top_colour, person.top_colour)).max() <= 12
    assert other.fabric != person.fabric


def test_the_standing_foot_stays_where_it_is():
    # What the body covers per cycle is set in paths; the foot on the ground must move back by as much.
    from remix_track.synthetic.paths import _STRIDE_PER_STATURE

    cycles = np.linspace(0.12, 0.42, 13)
    poses = [walking_pose(2 * math.pi * cycle, 1.0, (1, 1), 0.1, 0.05) for cycle in cycles]
    ankle = np.array([pose.ankle[LEFT, 0] for pose in poses]) + cycles * _STRIDE_PER_STATURE
    assert np.ptp(ankle) < 0.06, "in statures"


def test_no_foot_sinks_into_the_ground_and_one_always_stands():
    for phase in np.linspace(0, 2 * math.pi, 40):
        pose = walking_pose(phase, 1.0, (1, 1), 0.1, 0.05)
        soles = []
        for side in (0, 1):
            along = np.array([math.cos(pose.foot_pitch[side]), 0, math.sin(pose.foot_pitch[side])])
            soles += [pose.toe[side][2], (pose.toe[side] - 0.145 * along)[2]]
        assert min(soles) == pytest.approx(0, abs=1e-9)

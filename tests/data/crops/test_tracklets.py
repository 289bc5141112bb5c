"""Tracklets end where two people could be exchanged, and their crops are few and sure."""

import numpy as np
import pytest

from remix_track.data.crops.tracklets import HarvestSettings, Tracklet, TrackletCutter, covered, is_steady, meets
from remix_track.errors import InputError

IMAGE = np.zeros((200, 400, 3), np.uint8)
NOBODY = np.empty((0, 4), np.float32)


def person(left, top=50.0, width=30.0, height=80.0):
    return [left, top, left + width, top + height]


def cut(frames, settings=None, others=None, fps=10.0, patience=0.5):
    """Tracklets of `frames`, a {id: box} each; crops are encoded as their size."""
    cutter = TrackletCutter(settings or HarvestSettings(), patience, lambda crop: b"%dx%d" % crop.shape[1::-1])
    found: list[Tracklet] = []
    for number, boxes in enumerate(frames, 1):
        xyxy = np.array(list(boxes.values()), np.float32).reshape(-1, 4)
        other = np.array((others or {}).get(number, NOBODY), np.float32).reshape(-1, 4)
        found += cutter.update(number, (number - 1) / fps, IMAGE, np.array(list(boxes), np.int64), xyxy, other)
    return found + list(cutter.finish())


def spans(tracklets):
    return sorted((one.first, one.last) for one in tracklets)


def test_a_walk_is_one_tracklet_with_a_crop_every_half_second():
    (one,) = cut([{7: person(20 + 3 * step)} for step in range(31)])
    assert (one.first, one.last) == (1, 31)
    assert [frame for frame, _, _ in one.crops] == [1, 6, 11, 16, 21, 26, 31]
    assert one.crops[0][2] == b"30x80"


def test_where_two_meet_both_tracklets_end_and_new_ones_begin():
    #  A ->        <- B     they pass each other in the middle, where either could get the other's id
    frames = [{1: person(10 + 4 * step), 2: person(330 - 4 * step, top=60)} for step in range(80)]
    meeting = [number for number, boxes in enumerate(frames, 1) if meets(np.array([*boxes.values()]), 0.3).any()]
    found = cut(frames)
    assert spans(found) == [(1, meeting[0] - 1)] * 2 + [(meeting[-1] + 1, 80)] * 2
    assert len(cut(frames, HarvestSettings(meeting=1.0))) == 2


def test_where_somebody_vanishes_beside_another_the_other_ends_too():
    frames = [{1: person(100), 2: person(118)} for _ in range(30)] + [{1: person(104)} for _ in range(40)]
    close = HarvestSettings(max_covered=0.45, meeting=1.0)  # they cover 12 of 30 columns, and of the one who is left 16
    found = cut(frames, close)
    assert spans(found) == [(1, 30), (1, 30), (36, 70)]  # five frames are the half second after which it is forgotten
    far = [{1: person(100), 2: person(250)} for _ in range(30)] + [{1: person(100)} for _ in range(40)]
    assert spans(cut(far, close)) == [(1, 30), (1, 70)]


def test_a_jump_or_another_height_or_a_long_pause_ends_a_tracklet():
    still = [{1: person(100)}] * 30
    assert spans(cut(still + [{1: person(130)}] * 30)) == [(1, 30), (31, 60)]
    assert spans(cut(still + [{1: person(100, height=110)}] * 30)) == [(1, 30), (31, 60)]
    assert spans(cut(still + [{}] * 3 + still)) == [(1, 63)]
    assert spans(cut(still + [{}] * 7 + still)) == [(1, 30), (38, 67)]


def test_at_the_border_there_is_no_tracklet():
    leaving = [{1: person(300 + 3 * step)} for step in range(30)]
    (one,) = cut(leaving)
    assert one.last == max(number for number, boxes in enumerate(leaving, 1) if boxes[1][2] <= 399.2)
    assert cut([{1: person(100, top=119.5)}] * 30) == []
    assert len(cut([{1: person(100, top=119.0)}] * 30)) == 1


def test_crops_are_whole_large_and_uncovered_and_unsure_boxes_cover_too():
    frames = [{1: person(100)}] * 31
    assert cut([{1: person(100, height=63)}] * 31) == []
    assert cut([{1: person(100, width=23)}] * 31) == []
    half = {number: [person(115)] for number in range(1, 22)}
    (one,) = cut(frames, HarvestSettings(min_crops=2), half)
    assert [frame for frame, _, _ in one.crops] == [22, 27]
    assert cut(frames, others=half) == []


def test_a_long_tracklet_keeps_few_crops_spread_over_it():
    (one,) = cut([{1: person(100)}] * 601)
    frames = [frame for frame, _, _ in one.crops]
    assert 8 <= len(frames) <= 16
    assert len(set(np.diff(frames))) == 1
    assert frames[0] == 1
    assert frames[-1] > 500


@pytest.mark.parametrize("most", range(4, 8))
@pytest.mark.parametrize("seconds", [1.5, 2, 2.5, 3, 4, 5, 8, 16])
def test_who_is_seen_for_longer_is_not_dropped_for_it(most, seconds):
    walk = [{1: person(100)} for _ in range(round(10 * seconds) + 1)]
    (one,) = cut(walk, HarvestSettings(min_crops=4, crops_per_tracklet=most))
    assert 4 <= len(one.crops) <= most
    assert one.crops[0][0] == 1
    assert len({frame for frame, _, _ in one.crops}) == len(one.crops)


def test_a_tracklet_with_few_crops_is_dropped():
    assert cut([{1: person(100)}] * 15) == []
    assert len(cut([{1: person(100)}] * 16)) == 1


def test_covered_and_meets_against_pixels():
    generator = np.random.default_rng(0)
    corner = generator.integers(0, 20, (12, 2))
    boxes = np.concatenate([corner, corner + generator.integers(1, 20, (12, 2))], axis=1).astype(np.float32)
    masks = np.zeros((12, 40, 40), bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int).tolist(), strict=True):
        mask[top:bottom, left:right] = True
    shares = [[(a & b).sum() / a.sum() for b in masks[6:]] for a in masks[:6]]
    np.testing.assert_allclose(covered(boxes[:6], boxes[6:]), np.max(shares, axis=1))
    ious = [
        max((masks[i] & masks[j]).sum() / (masks[i] | masks[j]).sum() for j in range(12) if j != i) for i in range(12)
    ]
    for limit in (0.1, 0.3, 0.6):
        np.testing.assert_array_equal(meets(boxes, limit), np.array(ious) > limit)
    assert covered(NOBODY, boxes).shape == (0,)
    np.testing.assert_array_equal(covered(boxes, NOBODY), 0)


def test_steady():
    box = np.array(person(100), np.float32)
    assert is_steady(box, np.array(person(114), np.float32))
    assert not is_steady(box, np.array(person(117), np.float32))
    assert is_steady(box, np.array(person(100, height=98), np.float32))
    assert not is_steady(np.array(person(100, height=102), np.float32), box)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_score": 1.5}, "min_score = 1.5; expected 0 to 1"),
        ({"start": 0}, "start = 0; expected 1 to"),
        ({"min_crops": 20}, "min_crops = 20 is more than crops_per_tracklet 16"),
    ],
)
def test_settings_out_of_range(values, message):
    with pytest.raises(InputError, match=message):
        HarvestSettings(**values)

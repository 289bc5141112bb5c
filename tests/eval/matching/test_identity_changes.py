"""Identity changes between two runs, against a loop over frames and dictionaries."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from remix_track.errors import InputError
from remix_track.eval.matching.identity_changes import compare_runs
from remix_track.mot_text import MotRows


def rows_of(boxes):
    """MotRows of (frame, id, left) boxes of 20x50 pixels."""
    frame, id_, left = (np.array(column) for column in zip(*boxes, strict=True)) if boxes else (np.empty(0),) * 3
    count = len(frame)
    tlwh = np.column_stack([left, np.zeros(count), np.full(count, 20.0), np.full(count, 50.0)]).astype(float)
    whole = np.full(count, -1)
    return MotRows(
        frame.astype(np.int64), id_.astype(np.int64), tlwh, np.zeros(count), whole, whole.astype(float), whole
    )


def line(ids, left=0):
    """One person who stands still, by the id in each frame; 0: no box."""
    return [(frame, id_, left) for frame, id_ in enumerate(ids, 1) if id_]


def told(changes):
    return [(one.frame, one.since, one.kept, one.old, one.new) for one in changes]


def test_the_drawn_case():
    found = compare_runs(rows_of(line([1, 1, 1, 1, 0, 1])), rows_of(line([7, 7, 9, 9, 0, 9])), 6)
    assert told(found.in_b) == [(3, 2, 1, 7, 9)]
    assert found.in_a == ()
    assert found.in_b[0].row == 2, "the third row of B"
    assert (found.matched, found.only_a, found.only_b) == (5, 0, 0)


def test_the_reverse_is_the_other_list():
    a, b = rows_of(line([1, 1, 1, 1, 0, 1])), rows_of(line([7, 7, 9, 9, 0, 9]))
    assert told(compare_runs(b, a, 6).in_a) == told(compare_runs(a, b, 6).in_b)


def test_a_change_in_both_at_once_is_no_difference():
    found = compare_runs(rows_of(line([1, 1, 2, 2])), rows_of(line([5, 5, 6, 6])), 4)
    assert (found.in_a, found.in_b) == ((), ())


def test_a_swap_is_in_both_lists():
    still = rows_of([*line([1] * 4), *line([2] * 4, 100)])
    swapped = rows_of([*line([1, 1, 2, 2]), *line([2, 2, 1, 1], 100)])
    found = compare_runs(still, swapped, 4)
    assert [one[:3] for one in told(found.in_b)] == [(3, 2, 1), (3, 2, 2)]
    assert [one[:3] for one in told(found.in_a)] == [(3, 2, 1), (3, 2, 2)]


@pytest.mark.parametrize(("shift", "matched"), [(6, 4), (7, 0)])
def test_boxes_match_from_half_their_union_on(shift, matched):
    """20 wide: 6 apart share 14 of 26 (0.54), 7 apart 13 of 27 (0.48)."""
    found = compare_runs(rows_of(line([1] * 4)), rows_of(line([1] * 4, shift)), 4)
    assert (found.matched, found.only_a) == (matched, 4 - matched)


def test_no_rows_are_no_changes():
    found = compare_runs(rows_of([]), rows_of(line([1, 2])), 2)
    assert (found.in_a, found.in_b, found.only_b) == ((), (), 2)


def test_an_id_twice_in_a_frame_is_refused():
    with pytest.raises(InputError, match="twice"):
        compare_runs(rows_of([(1, 1, 0), (1, 1, 100)]), rows_of(line([1])), 1)


def drawn(rng, frames):
    """People at places 60 apart, whose ids change now and then, and who are missed now and then."""
    boxes = []
    for person in range(5):
        id_ = person + 1
        for frame in range(1, frames + 1):
            if rng.random() < 0.1:
                id_ += 10
            if rng.random() < 0.8:
                boxes.append((frame, id_, 60 * person + rng.integers(-4, 5)))
    return boxes


def naive(a, b, frames, keep, change):
    """Frame by frame: the best assignment, then what each id was matched with last."""
    last: dict[int, tuple[int, int]] = {}
    found = []
    for frame in range(1, frames + 1):
        here = [[box for box in run if box[0] == frame] for run in (a, b)]
        overlap = np.array([[max(0, 20 - abs(p[2] - q[2])) for q in here[1]] for p in here[0]], float)
        overlap = overlap.reshape(len(here[0]), len(here[1]))
        iou = overlap / (40 - overlap)
        for i, j in zip(*linear_sum_assignment(-np.where(iou >= 0.5, iou, 0)), strict=True):
            if iou[i, j] < 0.5:
                continue
            ids = here[0][i][1], here[1][j][1]
            since, old = last.get(ids[keep], (0, ids[change]))
            if old != ids[change]:
                found.append((frame, since, ids[keep], old, ids[change]))
            last[ids[keep]] = frame, ids[change]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_against_a_loop(seed):
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, 60), drawn(rng, 60)
    # Shuffled, as files need not be in order.
    mixed_a, mixed_b = (rows_of([run[place] for place in rng.permutation(len(run))]) for run in (a, b))
    found = compare_runs(mixed_a, mixed_b, 60)
    assert len(found.in_b) > 10
    assert sorted(told(found.in_b)) == sorted(naive(a, b, 60, 0, 1))
    assert sorted(told(found.in_a)) == sorted(naive(a, b, 60, 1, 0))
    assert [one.frame for one in found.in_b] == sorted(one.frame for one in found.in_b)

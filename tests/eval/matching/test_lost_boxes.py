"""Why people were missed: a drawn scene for each reason, both sides of each number, and a naive loop."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.matching.lost_boxes import NEXT_FRAMES, REASONS, LostBoxes, lost_boxes
from remix_track.eval.matching.match import Match
from remix_track.eval.matching.pairs import CommonFrames, choose, overlapping_pairs
from remix_track.eval.metrics.score import score_sequence
from remix_track.mot_text import MotRows
from tests.mot_scenes import mot_rows, scene

# A box is (left, height): all are 100 wide and begin at the top, so that of two at the same left the IoU is the ratio
# of their heights. A person is 100 high.
PLACE = {"here": 0.0, "there": 1000.0}


def rows(boxes: Sequence[tuple[int, int, str, float]], class_id: list[int] | None = None) -> MotRows:
    """`MotRows` from (frame, id, place, height), by frame."""
    order = sorted(range(len(boxes)), key=lambda number: boxes[number][0])
    boxes = [boxes[number] for number in order]
    tlwh = [(PLACE[place], 0, 100, height) for _, _, place, height in boxes]
    return mot_rows([box[0] for box in boxes], [box[1] for box in boxes], tlwh, None, class_id)


def detected(boxes: Sequence[tuple[int, float, str, float]]) -> MotRows:
    """Detections from (frame, score, place, height)."""
    found = rows([(frame, -1, place, height) for frame, _, place, height in boxes])
    found.score[:] = [score for _, score, _, _ in sorted(boxes, key=lambda box: box[0])]
    return found


def lost(truth, results, detections=None, *, sure=0.5, rules="data") -> tuple[Match, LostBoxes]:
    frames = int(truth.frame.max())
    match = score_sequence(truth, results, PRESETS[rules], PROTOCOLS["devkit"], frames).match
    return match, lost_boxes(match, detections, sure)


def reasons(truth, results, detections=None, **how) -> dict[tuple[int, int], str]:
    """(frame, person) -> reason, of the missed ones."""
    match, found = lost(truth, results, detections, **how)
    names, gt = list(REASONS), match.gt[found.row]
    keys = zip(gt.frame.tolist(), gt.id.tolist(), strict=True)
    return {key: names[number] for key, number in zip(keys, found.reason.tolist(), strict=True)}


ONE = rows([(1, 1, "here", 100)])
NOTHING = ONE[:0]


@pytest.mark.parametrize(("height", "reason"), [(50, "never tracked"), (49, "no detection")])
def test_a_detection_lies_on_a_person_from_half_an_iou_on(height, reason):
    assert reasons(ONE, NOTHING, detected([(1, 0.9, "here", height)])) == {(1, 1): reason}


@pytest.mark.parametrize(("score", "sure", "reason"), [
    (0.5, 0.5, "never tracked"), (0.49, 0.5, "unsure detection"),
    (0.7, 0.7, "never tracked"), (0.69, 0.7, "unsure detection"),
])  # fmt: skip
def test_a_detection_is_sure_from_a_score_on(score, sure, reason):
    boxes = detected([(1, score, "here", 100)])
    assert reasons(ONE, NOTHING, boxes, sure=sure) == {(1, 1): reason}
    assert lost(ONE, NOTHING, boxes, sure=sure)[1].beside_sure.tolist() == [reason == "never tracked"]


def test_without_detections_their_reasons_are_not_given():
    assert reasons(ONE, NOTHING) == {(1, 1): "never tracked"}
    found = lost(ONE, NOTHING)[1]
    assert not found.detections_known
    assert np.isnan(found.detection_score).all()
    assert not found.beside_sure.any()
    assert not found.with_own_sure.any()


def test_one_detection_is_that_of_one_person():
    two = rows([(1, 1, "here", 100), (1, 2, "here", 80)])
    first = rows([(1, 5, "here", 100)])
    shared = detected([(1, 0.9, "here", 100)])
    assert reasons(two, first, shared) == {(1, 2): "shared detection"}
    found = lost(two, first, shared)[1]
    assert found.beside_sure.tolist() == [True]
    assert found.with_own_sure.tolist() == [False]
    assert found.detection_score.tolist() == [0.9]
    # With a detection of their own, sure or not, they are not a neighbour's shadow.
    own = detected([(1, 0.9, "here", 100), (1, 0.3, "here", 80)])
    assert reasons(two, first, own) == {(1, 2): "unsure detection"}
    assert lost(two, first, own)[1].beside_sure.tolist() == [True]
    own = detected([(1, 0.9, "here", 100), (1, 0.6, "here", 80)])
    assert reasons(two, first, own) == {(1, 2): "shared box"}
    assert lost(two, first, own)[1].with_own_sure.tolist() == [True]


def test_sure_detections_are_dealt_out_first():
    boxes = detected([(1, 0.2, "here", 100), (1, 0.9, "here", 80)])
    assert reasons(ONE, NOTHING, boxes) == {(1, 1): "never tracked"}, "not the unsure one, which fits better"
    assert lost(ONE, NOTHING, boxes)[1].detection_score.tolist() == [0.9]
    assert lost(ONE, NOTHING, boxes)[1].detection_iou.tolist() == [0.8]


SURE = detected([(1, 0.9, "here", 100)])


@pytest.mark.parametrize(("height", "reason"), [(49, "box drifted"), (10, "box drifted"), (9, "never tracked")])
def test_a_box_on_nobody_has_drifted_down_to_a_tenth(height, reason):
    results = rows([(1, 5, "here", height)])
    assert reasons(ONE, results, SURE) == {(1, 1): reason}
    found = lost(ONE, results, SURE)[1]
    assert found.result_id.tolist() == [5 if reason == "box drifted" else -1]
    np.testing.assert_allclose(found.result_iou, [height / 100 if reason == "box drifted" else math.nan])


def test_of_drifted_boxes_the_persons_own_explains():
    truth = rows([(1, 1, "here", 100), (2, 1, "here", 100)])
    results = rows([(1, 5, "here", 100), (2, 4, "here", 40), (2, 5, "here", 20), (2, 6, "here", 30)])
    assert lost(truth, results)[1].result_id.tolist() == [5]
    others = results[results.id != 5]
    assert lost(truth, others)[1].result_id.tolist() == [-1, 4], "else the nearest"


@pytest.mark.parametrize(("height", "reason"), [(50, "shared box"), (49, "never tracked")])
def test_a_box_that_counts_for_a_neighbour(height, reason):
    truth = rows([(1, 1, "here", 100), (1, 2, "here", height)])
    boxes = detected([(1, 0.9, "here", 100), (1, 0.9, "here", height)])
    results = rows([(1, 5, "here", height)])
    assert reasons(truth, results, boxes) == {(1, 1): reason}
    if reason == "shared box":
        assert lost(truth, results, boxes)[1].result_id.tolist() == [5]


def test_a_box_that_counts_for_a_distractor():
    truth = rows([(1, 1, "here", 100), (1, 2, "here", 60)], [1, 8])
    assert reasons(truth, rows([(1, 5, "here", 60)]), rules="mot16") == {(1, 1): "shared box"}


@pytest.mark.parametrize(("height", "reason"), [(40, "suppressed"), (39, "never tracked")])
def test_a_detection_covered_by_a_neighbours_box(height, reason):
    truth = rows([(1, 1, "here", 100), (1, 2, "here", height)])
    boxes = detected([(1, 0.9, "here", 80), (1, 0.9, "here", height)])
    results = rows([(1, 5, "here", height)])
    assert reasons(truth, results, boxes) == {(1, 1): reason}
    if reason == "suppressed":
        found = lost(truth, results, boxes)[1]
        assert (found.result_id.tolist(), found.result_iou.tolist()) == ([5], [0.4]), "IoU with the person"


def test_a_new_id_is_late_within_the_next_frames():
    last = NEXT_FRAMES + 2
    truth = rows([(frame, 1, "here", 100) for frame in range(1, last + 1)])
    found = reasons(truth, rows([(last, 5, "here", 100)]))
    assert found == {(1, 1): "never tracked"} | {(frame, 1): "late birth" for frame in range(2, last)}
    # An id that was there already is no birth.
    known = rows([(1, 5, "there", 100), (last, 5, "here", 100)])
    assert set(reasons(truth, known).values()) == {"never tracked"}
    # From the frame on in which the new id is reported elsewhere, it is no longer to be born.
    early = reasons(truth, rows([(5, 5, "there", 100), (last, 5, "here", 100)]))
    assert [early[frame, 1] for frame in (4, 5)] == ["late birth", "never tracked"]


def test_an_id_that_is_elsewhere():
    """Id 5 leaves person 1 for person 2 in frame 2; person 1 gets a new id in frame `born`."""
    born = NEXT_FRAMES + 3
    truth = rows(
        [(frame, person, place, 100) for frame in range(1, born + 1) for person, place in ((1, "here"), (2, "there"))]
    )
    results = [(1, 5, "here", 100)] + [(frame, 5, "there", 100) for frame in range(2, born + 1)]
    found = reasons(truth, rows([*results, (born, 9, "here", 100)]))
    assert found.pop((1, 2)) == "never tracked", "id 5 is not new"
    # Just after, the id that left explains it; later the new one does.
    assert {frame: why for (frame, _), why in found.items()} == {
        frame: "track elsewhere" if frame <= NEXT_FRAMES + 1 else "late birth" for frame in range(2, born)
    }
    never = reasons(truth, rows(results))
    assert {never[frame, 1] for frame in range(2, born + 1)} == {"track elsewhere"}
    elsewhere = lost(truth, rows(results))[1]
    assert elsewhere.result_id.tolist() == [-1, *[5] * (born - 1)]
    assert elsewhere.result_iou[1:].tolist() == [0.0] * (born - 1)


def test_an_id_that_is_not_reported():
    truth = rows([(frame, 1, "here", 100) for frame in range(1, 5)])
    back = rows([(1, 5, "here", 100), (4, 5, "here", 100)])
    assert reasons(truth, back) == {(2, 1): "track interrupted", (3, 1): "track interrupted"}
    gone = reasons(truth, rows([(1, 5, "here", 100)]))
    assert gone == {(frame, 1): "track ended" for frame in (2, 3, 4)}
    other = rows([(1, 5, "here", 100), (1, 7, "there", 100), (4, 7, "here", 100)])
    assert reasons(truth, other) == {(2, 1): "track ended", (3, 1): "track ended"}
    found = lost(truth, other)[1]
    assert (found.id_before.tolist(), found.since.tolist()) == ([5, 5], [1, 2])
    assert (found.id_after.tolist(), found.until.tolist()) == ([7, 7], [2, 1])


def test_people_are_told_apart():
    """What another person had before or has after explains nothing."""
    truth = rows([(1, 1, "here", 100), (2, 2, "here", 100), (3, 3, "here", 100)])
    found = lost(truth, rows([(1, 5, "here", 100), (3, 6, "here", 100)]))[1]
    assert (found.id_before.tolist(), found.id_after.tolist()) == ([-1], [-1])
    assert (found.since.tolist(), found.until.tolist()) == ([-1], [-1])


def test_nothing_is_lost_of_nothing():
    for truth, results in ((ONE, rows([(1, 5, "here", 100)])), (NOTHING, ONE), (NOTHING, NOTHING)):
        match = score_sequence(truth, results, PRESETS["data"], PROTOCOLS["devkit"], 1).match
        for boxes in (None, SURE, SURE[:0]):
            found = lost_boxes(match, boxes)
            assert len(found.row) == 0
            assert set(found.counts().values()) == {0}


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return float(shared / (one[2] * one[3] + other[2] * other[3] - shared))


def _naive(match: Match, detections: MotRows, sure: float) -> list[str]:
    """The reasons box by box, as the docstrings say them."""
    pairs = overlapping_pairs(match.gt, detections)
    pairs = pairs[pairs.iou >= 0.5]
    dealt = choose(
        pairs, pairs.iou + 1000 * (detections.score[pairs.result] >= sure), CommonFrames.of(match.gt, detections)
    )
    own_of = dict(zip(pairs.gt[dealt].tolist(), pairs.result[dealt].tolist(), strict=True))
    boxes = [(match.results, row, match.gt_of_result[row] < 0) for row in range(len(match.results))]
    boxes += [(match.removed, row, False) for row in range(len(match.removed))]
    made = []
    for row in np.flatnonzero(match.match < 0):
        frame, box = match.gt.frame[row], match.gt.tlwh[row]
        mine = np.flatnonzero((match.person == match.person[row]) & (match.match >= 0))
        before, after = mine[match.gt.frame[mine] < frame], mine[match.gt.frame[mine] > frame]
        had = match.results.id[match.match[before[-1]]] if len(before) else None
        has = match.results.id[match.match[after[0]]] if len(after) else None
        here = [
            (rows_.id[k], _iou(rows_.tlwh[k], box), free, k, rows_)
            for rows_, k, free in boxes
            if rows_.frame[k] == frame
        ]
        on_it = [k for k in np.flatnonzero(detections.frame == frame) if _iou(detections.tlwh[k], box) >= 0.5 - 1e-12]
        own = own_of.get(int(row))
        covered = own is not None and any(_iou(rows_.tlwh[k], detections.tlwh[own]) >= 0.5 for *_, k, rows_ in here)
        away = had is not None and any(id_ == had for id_, *_ in here)
        begins = min((rows_.frame[k] for rows_, k, _ in boxes if rows_.id[k] == has), default=0)
        made.append(
            "no detection" if not on_it
            else "shared detection" if own is None
            else "unsure detection" if detections.score[own] < sure
            else "box drifted" if any(free and iou >= 0.1 for _, iou, free, *_ in here)
            else "shared box" if any(not free and iou >= 0.5 for _, iou, free, *_ in here)
            else "track elsewhere" if away and frame - match.gt.frame[before[-1]] <= NEXT_FRAMES
            else "suppressed" if covered
            else "late birth" if len(after) and begins > frame and match.gt.frame[after[0]] - frame <= NEXT_FRAMES
            else "track elsewhere" if away
            else "track interrupted" if had is not None and had == has
            else "track ended" if had is not None
            else "never tracked"
        )  # fmt: skip
    return made


def test_random_scenes_agree_with_a_loop():
    names, seen = list(REASONS), set()
    for seed in range(60):
        truth, results, frames = scene(seed, distractors=seed % 2 == 0)
        if len(truth) == 0:
            continue
        rules, protocol = "mot17" if seed % 2 == 0 else "data", ("devkit", "motmetrics", "raw")[seed % 3]
        match = score_sequence(truth, results, PRESETS[rules], PROTOCOLS[protocol], frames).match
        rng = np.random.default_rng(seed)
        boxes = truth[np.sort(rng.permutation(len(truth))[: len(truth) * 3 // 4])]
        boxes = boxes[np.argsort(boxes.frame, kind="stable")]
        boxes = mot_rows(boxes.frame, boxes.id, boxes.tlwh + rng.normal(0, 2, boxes.tlwh.shape), rng.random(len(boxes)))
        found = [names[number] for number in lost_boxes(match, boxes, 0.5).reason]
        assert found == _naive(match, boxes, 0.5), f"scene {seed}"
        seen |= set(found)
    assert len(seen) > 8

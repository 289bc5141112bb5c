"""What a matched sequence says: drawn by hand, and the rules that no outside tool checks."""

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.matching.pairs import AmbiguousFrames, CommonFrames, choose, overlapping_pairs
from remix_track.eval.matching.preprocess import prepare, split_range, split_rows
from remix_track.eval.metrics.identity import count_identity
from remix_track.eval.metrics.score import Score, as_dict, combine, public_detector, score_sequence
from tests.mot_scenes import mot_rows, our_fields, scene

DEVKIT = PROTOCOLS["devkit"]


def _score(gt, results, frames, preset="data", protocol="devkit"):
    return score_sequence(gt, results, PRESETS[preset], PROTOCOLS[protocol], frames)


def test_drawn_scene():
    """One person, two tracks, a gap and a switch.

    frame        1 2 3 4 5 6 7
    person 40    A A A A A . A
    track        5 5 . 8 8 . 8      and a false alarm of track 9 in frame 3
    """
    box = [10.0, 20.0, 30.0, 60.0]
    gt = mot_rows([1, 2, 3, 4, 5, 7], [40] * 6, [box] * 6)
    results = mot_rows([7, 1, 2, 3, 4, 5], [8, 5, 5, 9, 8, 8], [box, box, box, [500, 0, 30, 60], box, box])
    found = _score(gt, results, 7)
    match = found.match
    assert match.match.tolist() == [0, 1, -1, 3, 4, 5]
    assert match.gt_of_result.tolist() == [0, 1, -1, 3, 4, 5]
    assert match.before.tolist() == [-1, 0, -1, 1, 3, 4]
    (switch,) = match.switches()
    assert (switch.frame, switch.person, switch.old, switch.new, switch.gap) == (4, 40, 5, 8, 1)
    assert match.gt.frame[switch.last_gt_row] == 2
    numbers = as_dict(found.score)
    assert [numbers[name] for name in ("TP", "FP", "FN", "IDsw", "Frag", "MT", "PT", "ML")] == [5, 1, 1, 1, 1, 1, 0, 0]
    assert numbers["MOTA"] == pytest.approx(100 * (1 - 3 / 6))
    assert (numbers["IDTP"], numbers["IDFP"], numbers["IDFN"]) == (3, 3, 3)
    assert list(numbers)[:4] == ["MOTA", "IDF1", "IDsw", "HOTA"]


def test_pairs_are_those_of_a_naive_loop():
    for seed in range(24):
        gt, results, frames = scene(seed)
        prepared = prepare(gt, results, PRESETS["data"], DEVKIT, frames)
        expected = []
        for i, (frame, box) in enumerate(zip(prepared.gt.frame, prepared.gt.tlwh, strict=True)):
            for j, (other, rival) in enumerate(zip(prepared.results.frame, prepared.results.tlwh, strict=True)):
                width = min(box[0] + box[2], rival[0] + rival[2]) - max(box[0], rival[0])
                height = min(box[1] + box[3], rival[1] + rival[3]) - max(box[1], rival[1])
                if frame == other and width > 0 and height > 0:
                    shared = width * height
                    expected.append((i, j, shared / (box[2] * box[3] + rival[2] * rival[3] - shared)))
        pairs = prepared.pairs
        assert list(zip(pairs.gt, pairs.result, strict=True)) == [(i, j) for i, j, _ in expected]
        np.testing.assert_allclose(pairs.iou, [iou for *_, iou in expected], rtol=1e-12)


def test_pairs_do_not_depend_on_how_many_are_looked_at_at_once(monkeypatch):
    gt, results, frames = scene(2)
    whole = prepare(gt, results, PRESETS["data"], DEVKIT, frames).pairs
    monkeypatch.setattr("remix_track.eval.matching.pairs._BOXES_AT_ONCE", 3)
    parts = prepare(gt, results, PRESETS["data"], DEVKIT, frames).pairs
    assert len(whole) > 100
    for name in ("gt", "result", "iou"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_frames_without_rivalry_need_no_solver(monkeypatch):
    gt, results, frames = scene(3)
    prepared = prepare(gt, results, PRESETS["data"], DEVKIT, frames)
    common = CommonFrames.of(prepared.gt, prepared.results)
    free = prepared.pairs[AmbiguousFrames.among(prepared.pairs, common).free]
    monkeypatch.setattr("remix_track.eval.matching.pairs.linear_sum_assignment", None)
    assert len(free) > 0
    assert choose(free, free.iou, common).all()


@pytest.mark.parametrize("protocol", ["devkit", "motmetrics"])
def test_ids_of_any_size_change_nothing(protocol):
    for seed in range(16):
        gt, results, frames = scene(seed)
        plain = our_fields(_score(gt, results, frames, protocol=protocol).score)
        far_gt = mot_rows(gt.frame, gt.id * 200_000_000 - 300_000_000, gt.tlwh)
        far_results = mot_rows(results.frame, results.id - 2**52, results.tlwh)
        far = our_fields(_score(far_gt, far_results, frames, protocol=protocol).score)
        for name, value in plain.items():
            np.testing.assert_array_equal(value, far[name], err_msg=name)


def test_frame_numbers_in_the_millions_cost_nothing():
    gt = mot_rows([1, 5_000_000], [1, 1], [[0, 0, 9, 9]] * 2)
    assert _score(gt, gt, 1_000_000_000).score.clear.tp == 2


def test_order_of_lines_changes_nothing():
    gt, results, frames = scene(9)
    order = np.random.default_rng(0).permutation(len(results))
    assert as_dict(_score(gt, results, frames).score) == pytest.approx(
        as_dict(_score(gt, results[order], frames).score)
    )


def test_a_crowd_needs_memory_for_what_overlaps():
    """3,000 boxes against 3,000, apart from one another: nine million pairs looked at, three thousand kept."""
    place = np.arange(3000) * 20.0
    gt = mot_rows([1] * 3000, range(3000), np.stack([place, place * 0, place * 0 + 10, place * 0 + 10], 1))
    assert len(overlapping_pairs(gt, gt)) == 3000


def test_too_many_boxes_in_a_frame():
    rows = mot_rows([3] * 6000, range(6000), [[0, 0, 1, 1]] * 6000)
    with pytest.raises(InputError) as error:
        CommonFrames.of(rows, rows)
    assert str(error.value) == (
        "frame 3: 6,000 ground-truth boxes against 6,000 results are too many to match; correct the file"
    )


def test_distractors_take_results_with_them_and_raw_keeps_them():
    """A person, a static person (class 7), a car (class 3), a vehicle (class 6), and a result on each."""
    boxes = [[100.0 * i, 0, 50, 50] for i in range(4)]
    gt = mot_rows([1] * 4, [1, 2, 3, 4], boxes, flag=[1, 0, 0, 0], class_id=[1, 7, 3, 6])
    results = mot_rows([1] * 4, [1, 2, 3, 4], boxes)
    found = _score(gt, results, 1, "mot17")
    assert found.match.removed.id.tolist() == [2]
    assert (found.score.clear.tp, found.score.clear.fp, found.score.clear.fn) == (1, 2, 0)
    assert _score(gt, results, 1, "mot20").match.removed.id.tolist() == [2, 4]
    assert _score(gt, results, 1, "mot17", "raw").score.clear.fp == 3
    assert _score(gt, results, 1, "mot17", "motmetrics").match.removed.id.tolist() == [2]
    assert _score(gt, results, 1, "mot15").score.clear.fp == 3


def test_negative_and_empty_boxes_match_nothing():
    gt = mot_rows([1, 1], [1, 2], [[0, 0, 10, 10], [50, 50, -10, -10]])
    results = mot_rows([1, 1, 1], [1, 2, 3], [[0, 0, 0, 10], [50, 50, -10, -10], [0, 0, 10, 10]])
    assert _score(gt, results, 1).score.clear.tp == 1


def test_nothing_divided_by_nothing_is_nan():
    nothing = mot_rows([], [], [])
    someone = mot_rows([1], [1], [[0, 0, 10, 10]])
    missed, alarm, empty = _score(someone, nothing, 1), _score(nothing, someone, 1), _score(nothing, nothing, 1)
    numbers = as_dict(missed.score)
    assert (numbers["MOTA"], numbers["IDF1"], numbers["HOTA"], numbers["FN"], numbers["ML"]) == (0, 0, 0, 1, 1)
    assert all(math.isnan(numbers[name]) for name in ("MOTP", "IDP", "AssA", "LocA"))
    numbers = as_dict(alarm.score)
    assert (numbers["IDF1"], numbers["HOTA"], numbers["IDP"], numbers["FP"]) == (0, 0, 0, 1)
    assert all(math.isnan(numbers[name]) for name in ("MOTA", "MOTP", "IDR", "AssA"))
    assert math.isnan(as_dict(empty.score)["HOTA"])
    assert math.isnan(as_dict(combine([]))["MOTA"])


def test_combined_is_the_sum_of_counts():
    scores = [_score(*scene(seed)).score for seed in (0, 1, 2)]
    together = combine(scores)
    assert isinstance(together, Score)
    assert together.clear.fn == sum(score.clear.fn for score in scores)
    weights = np.array([score.hota.tp for score in scores])
    assa = np.array([score.hota.assa for score in scores])
    np.testing.assert_allclose(together.hota.assa, (assa * weights).sum(0) / weights.sum(0))


@pytest.mark.parametrize(
    ("frames", "train_half", "val_half"),
    [(600, (1, 301), (302, 600)), (525, (1, 263), (264, 525)), (1, (1, 1), (2, 1))],
)
def test_halves_are_the_published_ones(frames, train_half, val_half):
    assert split_range("train-half", frames) == train_half
    assert split_range("val-half", frames) == val_half
    assert split_range("all", frames) == (1, frames)


def test_split_rows_renumbers_from_one():
    rows = mot_rows(range(1, 8), range(11, 18), [[0, 0, 1, 1]] * 7)
    val = split_rows(rows, "val-half", 7)
    assert val.frame.tolist() == [1, 2, 3]
    assert val.id.tolist() == [15, 16, 17]
    assert val.line.tolist() == [5, 6, 7]
    assert split_rows(rows, "train-half", 7).frame.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("gt", "results", "message"),
    [
        (
            mot_rows([1], [1], [[0, 0, 1, 1]]),
            mot_rows([2, 0], [1, 1], [[0, 0, 1, 1]] * 2),
            "results, line 2: frame 0 is outside the sequence, 1 to 3; correct the file",
        ),
        (
            mot_rows([1, 4], [1, 1], [[0, 0, 1, 1]] * 2),
            mot_rows([], [], []),
            "ground truth, line 2: frame 4 is outside the sequence, 1 to 3; correct the file",
        ),
        (
            mot_rows([1], [1], [[0, 0, 1, 1]]),
            mot_rows([3, 1, 3], [5, 5, 5], [[0, 0, 1, 1]] * 3),
            "results, lines 1 and 3: id 5 is twice in frame 3; a person has one box per frame",
        ),
        (
            mot_rows([1], [1], [[0, 0, 1, 1]], class_id=[-4]),
            mot_rows([], [], []),
            "ground truth, line 1: class -4 in column 8 is none of MOT17's classes 1 to 13; "
            "if column 8 is no class, use `data`",
        ),
    ],
)
def test_what_cannot_be_scored_is_named(gt, results, message):
    with pytest.raises(InputError) as error:
        _score(gt, results, 3, "mot17")
    assert str(error.value) == message


def test_public_detector():
    assert [public_detector(name) for name in ("MOT17-02-FRCNN", "MOT17-02-DPM", "x-sdp", "MOT20-01", "FRCNN")] == [
        "FRCNN", "DPM", "SDP", None, "FRCNN",
    ]  # fmt: skip


def test_people_and_tracks_that_never_meet_are_solved_apart():
    """Identity over many separate groups is what one big table gives."""
    for seed in range(18):
        gt, results, frames = scene(seed)
        match = _score(gt, results, frames).match
        close = match.pairs[match.pairs.iou >= 0.5]
        table = np.zeros((len(match.person_ids), len(match.track_ids)))
        np.add.at(table, (match.person[close.gt], match.track[close.result]), 1)
        assert count_identity(match).idtp == table[linear_sum_assignment(table, maximize=True)].sum()

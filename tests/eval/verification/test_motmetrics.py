"""Under `--protocol motmetrics` our counts are those of motmetrics 1.4.0's accumulator, on random scenes."""

import math

import numpy as np
import pytest

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import score_sequence
from tests.mot_scenes import mot_rows, scene

mm = pytest.importorskip("motmetrics")

METRICS = {
    "num_detections": "tp", "num_false_positives": "fp", "num_misses": "fn", "num_switches": "switches",
    "mostly_tracked": "mostly_tracked", "partially_tracked": "partly_tracked", "mostly_lost": "mostly_lost",
    "num_fragmentations": "fragments", "mota": "mota", "motp": "motp", "idtp": "idtp", "idfp": "idfp", "idfn": "idfn",
    "idf1": "idf1", "idp": "idp", "idr": "idr",
}  # fmt: skip


def _motmetrics(gt, results, frames):
    """The accumulator and measures of motmetrics; only its IoU, which numpy 2 broke, is computed here."""
    accumulator = mm.MOTAccumulator()
    for frame in range(1, frames + 1):
        here, there = gt[gt.frame == frame], results[results.frame == frame]
        if not len(here) and not len(there):
            continue
        distance = 1 - mm.distances.boxiou(here.tlwh[:, None], there.tlwh[None])
        distance = np.where(distance > 0.5, np.nan, distance)
        accumulator.update(here.id, there.id, distance if distance.size else np.empty((0, 0)), frameid=frame)
    with mm.lap.set_default_solver("scipy"):
        return mm.metrics.create().compute(accumulator, metrics=list(METRICS), return_dataframe=False)


@pytest.mark.parametrize("start", range(0, 64, 16))
def test_random_scenes_agree(start):
    for seed in range(start, start + 16):
        gt, results, frames = scene(seed)
        if not len(gt) or not len(results):
            continue  # its pandas tables need at least one of each
        with mm.lap.set_default_solver("scipy"):
            expected = _motmetrics(gt, results, frames)
        ours = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["motmetrics"], frames).score
        for theirs, name in METRICS.items():
            value = getattr(ours.clear if hasattr(ours.clear, name) else ours.identity, name)
            wanted = 1 - expected[theirs] if theirs == "motp" else expected[theirs]
            if math.isnan(wanted):
                assert math.isnan(value), f"scene {seed}: {theirs}"
            else:
                assert value == pytest.approx(wanted, abs=1e-10), f"scene {seed}: {theirs}"


def test_an_earlier_match_is_kept_over_a_gap_only_by_motmetrics():
    """A person is lost for a frame; the old track comes back a little worse than a new one.

    frame       1     2     3
    person      A     A     A
    track 5     IoU 1       IoU 0.6
    track 8                 IoU 1
    """
    gt = mot_rows([1, 2, 3], [1, 1, 1], [[0, 0, 100, 100]] * 3)
    results = mot_rows(
        [1, 2, 3, 3], [5, 9, 5, 8], [[0, 0, 100, 100], [900, 0, 9, 9], [0, 0, 60, 100], [0, 0, 100, 100]]
    )
    devkit = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], 3).score
    motmetrics = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["motmetrics"], 3).score
    assert (devkit.clear.switches, motmetrics.clear.switches) == (1, 0)
    assert devkit.clear.motp == 1.0
    assert motmetrics.clear.motp == pytest.approx(0.8)


def test_more_matches_beat_a_greater_sum_only_in_motmetrics():
    """Four people and four results in a row, each box 3 wide: on the same place IoU 1, one place further 0.5.

    people      1 2 3 4
    results       2 3 4 5        three pairs of IoU 1, or four of 0.5
    """
    gt = mot_rows([1] * 4, [1, 2, 3, 4], [[left, 0, 3, 1] for left in (1, 2, 3, 4)])
    results = mot_rows([1] * 4, [1, 2, 3, 4], [[left, 0, 3, 1] for left in (2, 3, 4, 5)])
    devkit = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], 1).score.clear
    motmetrics = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["motmetrics"], 1).score.clear
    assert (devkit.tp, devkit.motp) == (3, 1.0)
    assert (motmetrics.tp, motmetrics.motp) == (4, 0.5)


@pytest.mark.parametrize(("matched", "devkit", "motmetrics"), [(4, (0, 1, 0), (1, 0, 0)), (5, (1, 0, 0), (1, 0, 0))])
def test_exactly_80_percent_is_mostly_tracked_only_for_motmetrics(matched, devkit, motmetrics):
    gt = mot_rows(range(1, 6), [1] * 5, [[0, 0, 10, 10]] * 5)
    results = mot_rows(range(1, matched + 1), [1] * matched, [[0, 0, 10, 10]] * matched)
    for name, expected in (("devkit", devkit), ("motmetrics", motmetrics)):
        clear = score_sequence(gt, results, PRESETS["data"], PROTOCOLS[name], 5).score.clear
        assert (clear.mostly_tracked, clear.partly_tracked, clear.mostly_lost) == expected

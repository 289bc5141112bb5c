"""The given trackers on MOT17: every count and every decimal of the reference tables."""

import csv

import pytest

from remix_track import mot_text
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import as_dict, combine, combine_by_detector, score_sequence
from remix_track.mot_sequence import SequenceInfo

DEVKIT = {"CLR_TP": "TP", "CLR_FP": "FP", "CLR_FN": "FN", "IDSW": "IDsw"}
MOTMETRICS = {
    "mota": "MOTA", "motp": "MOTP", "idf1": "IDF1", "idp": "IDP", "idr": "IDR", "idtp": "IDTP", "idfp": "IDFP",
    "idfn": "IDFN", "num_detections": "TP", "num_false_positives": "FP", "num_misses": "FN", "num_switches": "IDsw",
    "mostly_tracked": "MT", "partially_tracked": "PT", "mostly_lost": "ML", "num_fragmentations": "Frag",
    "num_objects": "GT_Dets", "num_predictions": "Dets", "num_unique_objects": "GT_IDs", "num_frames": "Frames",
}  # fmt: skip


def _numbers(shared, tracker, sequence, protocol):
    folder = shared("data/mot17/train") / sequence
    frames = SequenceInfo.read(folder / "seqinfo.ini").frames or 0
    gt = mot_text.read(folder / "gt" / "gt.txt")
    results = mot_text.read(shared("data/mot17-results") / tracker / f"{sequence}.txt")
    return score_sequence(gt, results, PRESETS["mot17"], PROTOCOLS[protocol], frames).score


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_devkit_equals_trackeval_in_every_decimal(shared):
    rows = _rows(shared("data/mot17-results/trackeval_1.3.0.csv"))
    assert len(rows) == 10
    for row in rows:
        numbers = as_dict(_numbers(shared, row["tracker"], row["seq"], "devkit"))
        for name in list(row)[3:]:
            assert round(numbers[DEVKIT.get(name, name)], 5) == float(row[name]), (row["tracker"], row["seq"], name)


def test_motmetrics_equals_motmetrics_in_every_decimal(shared):
    for row in _rows(shared("data/mot17-results/motmetrics_1.4.0.csv")):
        numbers = as_dict(_numbers(shared, row["tracker"], row["seq"], "motmetrics"))
        for name, ours in MOTMETRICS.items():
            value = numbers[ours]
            if name in {"mota", "idf1", "idp", "idr"}:
                value /= 100
            elif name == "motp":
                value = 1 - value / 100
            assert round(value, 8) == float(row[name]), (row["tracker"], row["seq"], name)


def test_counts_add_up_per_detector(shared):
    names = ["MOT17-09-DPM", "MOT17-09-FRCNN", "MOT17-09-SDP", "MOT17-02-FRCNN"]
    scores = {name: _numbers(shared, "lif_t", name, "devkit") for name in names}
    groups = combine_by_detector(scores)
    assert list(groups) == ["DPM", "FRCNN", "SDP"]
    assert groups["FRCNN"].clear.tp == 3874 + 8925
    assert groups["SDP"].identity.idtp == 3417
    everything = as_dict(combine(scores.values()))
    assert everything["FN"] == 1370 + 1451 + 1356 + 9656
    assert everything["MOTA"] == pytest.approx(100 * (1 - (13833 + 58 + 54 + 69 + 89 + 15 + 10 + 12 + 26) / 34556))


def test_a_file_with_world_coordinates_scores_as_own_data(shared):
    """PETS: the eighth column is a place in the world, no class; 174 of 4,650 boxes are flagged 0."""
    folder = shared("data/pets09-s2l1")
    gt = mot_text.read(folder / "gt" / "gt.txt")
    score = score_sequence(gt, gt, PRESETS["data"], PROTOCOLS["devkit"], 795).score
    assert (score.counts.gt_dets, score.counts.gt_ids, score.clear.tp) == (4476, 19, 4476)
    assert score.clear.fp == 174

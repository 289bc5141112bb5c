"""Two evaluations side by side."""

import math
from typing import Any

import numpy as np
import pytest

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.matching.match import match_sequence
from remix_track.eval.matching.preprocess import prepare
from remix_track.eval.report import compare as comparing
from remix_track.eval.report.compare import compare, people_tracked, to_markdown, to_rich
from remix_track.mot_text import MotRows
from tests.eval.report.test_tables import printed


def evaluation(mota: float, switches: int, people: dict[str, float], **changes: Any) -> dict[str, Any]:
    numbers = {"MOTA": mota, "IDF1": 50.0, "IDsw": switches, "PT": 3, "GT_Dets": 100}
    made = {"protocol": {"name": "devkit"}, "sequences": {"S1": numbers}, "COMBINED": numbers, "people": {"S1": people}}
    return made | changes


def test_differences_are_second_minus_first():
    made = compare(evaluation(50, 9, {}), evaluation(48.5, 4, {}))
    assert [change.name for change in made.changes] == ["S1", "COMBINED"]
    assert made.changes[0].difference("MOTA") == -1.5
    assert made.changes[0].difference("IDsw") == -5
    assert math.isnan(made.changes[0].difference("HOTA"))
    assert made.warnings == ()


def test_people_gained_and_lost():
    first = {"1": 0.8, "2": 0.81, "3": 0.1, "4": 0.9, "5": 0.2}
    second = {"1": 0.81, "2": 0.8, "3": 0.95, "4": 0.85, "5": 0.79}
    change = compare(evaluation(1, 1, first), evaluation(1, 1, second)).changes[0]
    assert [(p.person, p.before, p.after) for p in change.gained] == [("3", 0.1, 0.95), ("1", 0.8, 0.81)]
    assert [p.person for p in change.lost] == ["2"]


def test_motmetrics_counts_80_percent_as_mostly():
    protocol = {"name": "motmetrics"}
    made = compare(evaluation(1, 1, {"1": 0.79}, protocol=protocol), evaluation(1, 1, {"1": 0.8}, protocol=protocol))
    assert [p.person for p in made.changes[0].gained] == ["1"]


def test_what_is_not_comparable_is_said():
    first = evaluation(1, 1, {"1": 0.5, "2": 1.0})
    other = first["sequences"]["S1"] | {"GT_Dets": 99}
    second = evaluation(1, 1, {"1": 0.5}, protocol={"name": "raw"}, sequences={"S1": other, "S2": other})
    made = compare(first, second, ("old", "new"))
    assert made.warnings == (
        "scored differently: old by protocol devkit; new by protocol raw",
        "only in new, so COMBINED is not of the same sequences: S2",
        "S1: the two were scored against different ground truth",
    )
    assert math.isnan(made.changes[-1].difference("MOTA")), "COMBINED of other sequences says nothing"


def test_in_the_terminal():
    made = compare(evaluation(50, 9, {"7": 0.1}), evaluation(48.5, 4, {"7": 0.9}), ("old", "new"))
    lines = [line.split() for line in printed(to_rich(made)).splitlines() if line.strip()]
    assert lines[2][:5] == ["S1", "old", "50.0", "50.0", "9"]
    assert lines[3][:4] == ["new", "48.5", "50.0", "4"]
    assert lines[4][:4] == ["difference", "-1.5", "0.0", "-5"]
    assert " ".join(lines[-1]) == "S1: people mostly tracked: gained 1 (7: 10 -> 90 %)"


@pytest.mark.parametrize(
    ("metric", "difference", "colour"),
    [("MOTA", 1.0, "green"), ("MOTA", -1.0, "red"), ("IDsw", 1, "red"), ("IDsw", -1, "green"), ("PT", 5, ""),
     ("MOTA", 0.01, ""), ("MOTA", math.nan, "")],
)  # fmt: skip
def test_green_is_better(metric, difference, colour):
    assert comparing._colour(metric, difference) == colour


def test_markdown():
    made = compare(evaluation(50, 9, {"<b>": 0.1}), evaluation(48.5, 4, {"<b>": 0.9}), ("a_b", "new"))
    lines = to_markdown(made).splitlines()
    assert lines[2].startswith("| S1 a\\_b | 50.0 | 50.0 | 9 |")
    assert lines[3].startswith("| new | 48.5 | 50.0 | 4 |")
    assert lines[4].startswith("| difference | -1.5 | 0.0 | -5 |")
    assert "- S1: people mostly tracked: gained 1 (&lt;b>: 10 -> 90 %)" in lines


def test_people_tracked_is_the_share_of_boxes_matched():
    def rows(frame_id: list[tuple[int, int]]) -> MotRows:
        frame, id_ = np.array(frame_id).T
        tlwh = np.column_stack([100.0 * id_, 0 * id_, 0 * id_ + 50, 0 * id_ + 50])
        ones = np.ones(len(frame), np.int64)
        return MotRows(frame, id_, tlwh, ones.astype(float), ones, ones.astype(float), np.arange(1, len(frame) + 1))

    gt = rows([(1, 3), (2, 3), (3, 3), (4, 3), (1, 200_000_000)])
    results = rows([(1, 3), (2, 3), (4, 3), (4, 9)])
    protocol = PROTOCOLS["devkit"]
    match = match_sequence(prepare(gt, results, PRESETS["data"], protocol, 4), protocol, 4)
    assert people_tracked(match) == {"3": 0.75, "200000000": 0.0}

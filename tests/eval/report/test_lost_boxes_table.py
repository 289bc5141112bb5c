"""Missed boxes by reason in the terminal, and as CSV."""

import csv
import io
from pathlib import Path

from rich.console import Console

from remix_track.eval.matching.lost_boxes import lost_boxes
from remix_track.eval.report import lost_boxes_table
from tests.eval.matching.test_lost_boxes import detected, lost, rows

TRUTH = rows([(frame, 1, "here", 100) for frame in range(1, 5)] + [(1, 2, "there", 100)])
RESULTS = rows([(1, 5, "here", 100), (3, 5, "here", 40)])
DETECTIONS = detected([(frame, 0.9, "here", 100) for frame in (1, 3, 4)] + [(1, 0.3, "there", 100)])


def shown(matches, found, width=100) -> list[list[str]]:
    output = io.StringIO()
    Console(file=output, width=width).print(lost_boxes_table.to_table(matches, found, width))
    return [line.rsplit(None, 2) for line in output.getvalue().splitlines()]


def test_the_table():
    match, found = lost(TRUTH, RESULTS, DETECTIONS)
    lines = shown({"one": match}, {"one": found})
    for line in (
        ["no detection", "1", "20.0"], ["unsure detection", "1", "20.0"], ["box drifted", "1", "20.0"],
        ["track ended", "1", "20.0"], ["never tracked", "0", "0.0"], ["missed", "4", "80.0"],
        ["beside a sure detection", "2", "40.0"], ["with its own", "2", "40.0"], ["truth boxes", "5", "100.0"],
    ):  # fmt: skip
        assert line in lines


def test_several_sequences_add_up_as_far_as_fits():
    match, found = lost(TRUTH, RESULTS, DETECTIONS)
    unknown = lost_boxes(match, None)
    both = {"one": match, "other": match}, {"one": found, "other": unknown}
    wide = [" ".join(line).split() for line in shown(*both)]
    assert ["why", "missed", "boxes", "%", "one", "other"] in wide
    assert ["missed", "8", "80.0", "4", "4"] in wide
    assert ["beside", "a", "sure", "detection", "2", "20.0", "2", "0"] in wide
    assert ["box", "drifted", "2", "20.0", "1", "1"] in wide
    text = " ".join(" ".join(line) for line in shown(*both, width=45))
    assert "no room for other" in text
    assert "detections are not known of other" in text
    assert "a score of 0.5 at least" in text


def test_every_missed_box_is_a_line():
    match, found = lost(TRUTH, RESULTS, DETECTIONS)
    lines = list(csv.DictReader(io.StringIO(lost_boxes_table.to_csv({"one": match}, {"one": found}))))
    assert [(line["frame"], line["person"], line["reason"]) for line in lines] == [
        ("1", "2", "unsure detection"), ("2", "1", "no detection"), ("3", "1", "box drifted"),
        ("4", "1", "track ended"),
    ]  # fmt: skip
    assert lines[0] == {
        "sequence": "one", "frame": "1", "person": "2", "left": "1000", "top": "0", "width": "100", "height": "100",
        "reason": "unsure detection", "detection_score": "0.3", "detection_iou": "1", "result_id": "",
        "result_iou": "", "id_before": "", "frames_since": "", "id_after": "", "frames_until": "",
    }  # fmt: skip
    drifted = lines[2]
    assert (drifted["result_id"], drifted["result_iou"], drifted["id_before"], drifted["frames_since"]) == (
        "5", "0.4", "5", "2",
    )  # fmt: skip
    empty = lost_boxes_table.to_csv({}, {})
    assert empty.strip() == ",".join(lost_boxes_table.COLUMNS)


def test_the_file_beside_the_page():
    assert lost_boxes_table.beside(Path("out/errors.html")) == Path("out/errors-missed.csv")

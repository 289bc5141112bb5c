"""Errors as plain numbers: what the page of errors counts, numbered as the sequence is."""

import numpy as np

from remix_track import mot_text
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import score_sequence
from remix_track.eval.report.error_marks import error_marks


def rows(*lines):
    return mot_text.read_data("".join(f"{f},{i},{x},10,20,40,1,-1,-1,-1\n" for f, i, x in lines).encode(), "scene")


def test_marks_are_the_stretches_and_switches_of_the_match():
    truth = rows(*((f, 1, 10) for f in range(1, 21)), *((f, 2, 200) for f in range(1, 21)))
    found = rows(
        *((f, 1, 10) for f in range(1, 9)), *((f, 3, 10) for f in range(9, 21)), *((f, 4, 400) for f in range(5, 8))
    )
    match = score_sequence(truth, found, PRESETS["data"], PROTOCOLS["devkit"], 20).match
    assert error_marks(match) == {"missed": [[2, 1, 20]], "alarms": [[4, 5, 7]], "switches": [[9, 1, 1, 3]]}
    assert error_marks(match, skipped=100)["switches"] == [[109, 1, 1, 3]]
    assert all(
        isinstance(value, int) and not isinstance(value, np.integer) for value in error_marks(match)["missed"][0]
    )

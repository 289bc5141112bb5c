"""How far a reader has to follow a frame through association: files of ours, and calls of ours inside one another."""

import pytest

from tests.bench.bench_hops import drawn_street, files_of_a_run, hops_of_a_frame


@pytest.mark.parametrize("changes", [{}, {"reid": "when-ambiguous"}, {"tracker": "deep-sort"}])
def test_a_frame_is_associated_in_few_files_and_at_most_nine_calls_deep(changes):
    files, chain = hops_of_a_frame(**changes)
    assert chain[0] == "tracker.Tracker.update"
    assert len(chain) <= 9, " > ".join(chain)
    assert len(files) <= 17, sorted(files)


def test_a_frame_of_a_whole_run_passes_through_no_more_files_than_now(tmp_path):
    """A ratchet: the aim is 25, and a lower number becomes the new bound."""
    pytest.importorskip("openvino")
    files = files_of_a_run(*drawn_street(tmp_path), tmp_path / "out")
    assert {"trackers/sources/decoding.py", "trackers/tracker.py", "trackers/sinks/mot_text.py"} <= set(files)
    assert len(files) <= 36, sorted(files)

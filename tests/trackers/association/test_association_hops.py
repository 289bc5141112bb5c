"""How far a reader has to follow a frame through association: files of ours, and calls of ours inside one another."""

import pytest

from tests.bench.bench_hops import hops_of_a_frame


@pytest.mark.parametrize("changes", [{}, {"reid": "when-ambiguous"}, {"tracker": "deep-sort"}])
def test_a_frame_is_associated_in_few_files_and_at_most_nine_calls_deep(changes):
    files, chain = hops_of_a_frame(**changes)
    assert chain[0] == "tracker.Tracker.update"
    assert len(chain) <= 9, " > ".join(chain)
    assert len(files) <= 18, sorted(files)

"""The exact tracks of a drawn street: no rule of tracking changes unnoticed.

Where a change is meant, `python -m tests.golden.tracks` writes the files anew, and the commit says why.
"""

import itertools

import pytest

from tests.golden.street import FRAMES, HERE, draw
from tests.golden.tracks import cases, text


@pytest.mark.parametrize(("name", "make"), [pytest.param(name, make, id=name) for name, make in cases()])
def test_tracks_are_the_golden_ones(name, make):
    golden, now = ((HERE / f"{name}.txt").read_text("ascii"), text(make()))
    pairs = itertools.zip_longest(golden.splitlines(), now.splitlines())
    first = next((f"golden {was}, now {is_}" for was, is_ in pairs if was != is_), None)
    assert first is None


@pytest.mark.parametrize(("number", "name"), list(enumerate(FRAMES, 1)))
def test_the_street_is_the_one_that_the_script_draws(number, name):
    assert (HERE / f"{name}.txt").read_text("ascii") == "".join(draw(name, number))


def test_golden_files_differ_where_the_trackers_do():
    files = {path.name: path.read_bytes() for path in HERE.glob("*.txt")}
    alike = [pair for pair in itertools.combinations(sorted(files), 2) if files[pair[0]] == files[pair[1]]]
    assert not alike

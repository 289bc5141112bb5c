"""The search for settings: the defaults first, trials that are kept, and a search that goes on."""

import pytest

from remix_track.errors import InputError
from remix_track.settings import build
from remix_track.trackers.settings import TrackSettings
from remix_track.tuning.search import Trial, search
from remix_track.tuning.space import as_sections, space

pytest.importorskip("optuna")
PARAMETERS = space(appearance=False)


def scored(values):
    """Best at a maximal age of 30."""
    return {"IDF1": -abs(values["max_age"] - 30.0), "HOTA": 1.0}


def run(tmp_path, trials, **changed):
    seen: list[Trial] = []
    options = {"trials": trials, "storage": tmp_path / "t.sqlite", "facts": {"clips": ["a"]}} | changed
    return search(scored, PARAMETERS, "IDF1", on_trial=seen.append, **options), seen


@pytest.mark.parametrize("appearance", [True, False])
def test_the_space_holds_the_defaults_of_the_settings_and_every_end_of_it_is_one(appearance):
    made = TrackSettings()
    for one in space(appearance=appearance):
        default = getattr(getattr(made, one.section), one.key)
        assert default in (one.default, None)
        assert one.low <= one.default <= one.high
        for value in (one.low, one.high):
            build(TrackSettings, as_sections({one.key: value}, [one]), "here")


def test_the_defaults_come_first_and_the_best_is_found(tmp_path):
    trials, seen = run(tmp_path, 25)
    assert [one.number for one in trials] == list(range(25))
    assert seen == trials
    assert trials[0].values == {one.key: one.default for one in PARAMETERS}
    assert trials[0].numbers == {"IDF1": -60.0, "HOTA": 1.0}
    assert max(one.score for one in trials) > -10


def test_a_search_goes_on_where_it_was_left_and_repeats_nothing(tmp_path):
    first, _ = run(tmp_path, 4)
    second, seen = run(tmp_path, 7)
    assert second[:4] == first
    assert len(seen) == 3
    assert len({tuple(one.values.values()) for one in second}) == 7
    assert run(tmp_path, 7)[1] == []


def test_a_search_over_something_else_and_a_file_of_another_kind_are_refused(tmp_path):
    run(tmp_path, 2)
    with pytest.raises(InputError, match="a search over other clips or settings"):
        run(tmp_path, 3, facts={"clips": ["b"]})
    (tmp_path / "x.sqlite").write_text("no data base" * 100)
    with pytest.raises(InputError, match="not a search of remix-track"):
        run(tmp_path, 3, storage=tmp_path / "x.sqlite")

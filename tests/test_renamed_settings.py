"""Old names of flags, keys and keywords: each goes on working, and one line says the new one."""

from pathlib import Path

import pytest

import remix_track
from remix_track import renamed_settings, settings
from remix_track.cli import track as track_command
from remix_track.cli.flags_from_settings import collect_sections
from remix_track.errors import InputError
from remix_track.renamed_settings import RENAMED
from remix_track.trackers.api import _changed
from remix_track.trackers.settings import TrackSettings

TABLE = [
    ("reid", "appearance", "auto", "when-ambiguous"),
    ("max_embedding_age", "max_look_age", 7, 7),
    ("appearance_weight", "look_weight", 0.5, 0.5),
    ("gate_scale", "look_reach", 2.0, 2.0),
    ("appearance_memory", "looks", "both", "both"),
    ("relink_reentries", "link_across_sides", True, True),
]


@pytest.fixture(autouse=True)
def _said_anew():
    renamed_settings._say.cache_clear()


def flagged(*words: str) -> TrackSettings:
    return collect_sections(track_command.parser().parse_intermixed_args(words), TrackSettings)


def value_of(chosen: TrackSettings, name: str) -> object:
    sections = (getattr(chosen, section) for section in ("tracker", "association", "offline"))
    return next(getattr(section, name) for section in sections if hasattr(section, name))


@pytest.mark.parametrize(("new", "old", "given", "value"), TABLE)
def test_a_keyword_of_old_is_the_new_one(new, old, given, value, caplog):
    assert value_of(_changed(TrackSettings(), {old: given}, "track()"), new) == value
    said = f"{old} {given} is {new} {value}" if given != value else f"{old} is {new}"
    assert caplog.messages == [f"track(): {said} now; the old name works in this version only"]
    caplog.clear()
    assert value_of(_changed(TrackSettings(), {new: value}, "track()"), new) == value
    assert not caplog.messages


@pytest.mark.parametrize(("new", "old", "given", "value"), TABLE)
def test_a_key_of_old_is_the_new_one(new, old, given, value, caplog, tmp_path):
    path = tmp_path / "run.toml"
    section = next(name for name in ("tracker", "association", "offline") if new in _names(name))
    text = str(given).lower() if isinstance(given, bool) else repr(given)
    path.write_text(f"[{section}]\n{old} = {text}\n")
    chosen = settings.build(TrackSettings, settings.read_toml(path), str(path))
    assert value_of(chosen, new) == value
    assert len(caplog.messages) == 1
    assert new in caplog.messages[0]
    caplog.clear()
    # A file is read several times in a run; the line comes once.
    settings.build(TrackSettings, settings.read_toml(path), str(path))
    assert not caplog.messages


def _names(section: str) -> set[str]:
    return set(getattr(TrackSettings(), section).__dataclass_fields__)


@pytest.mark.parametrize(
    ("words", "new", "value", "said"),
    [
        (["--appearance", "auto"], "reid", "when-ambiguous", "--appearance auto is --reid when-ambiguous"),
        (["--appearance=auto"], "reid", "when-ambiguous", "--appearance auto is --reid when-ambiguous"),
        (["--appearance", "always"], "reid", "always", "--appearance is --reid"),
        (["--look-weight", "0.5"], "appearance_weight", 0.5, "--look-weight is --appearance-weight"),
        (["--look-reach=2"], "gate_scale", 2.0, "--look-reach is --gate-scale"),
        (["--max-look-age", "7"], "max_embedding_age", 7, "--max-look-age is --max-embedding-age"),
        (["--link-across-sides"], "relink_reentries", True, "--link-across-sides is --relink-reentries"),
        (["--no-link-across-sides"], "relink_reentries", False, "--no-link-across-sides is --no-relink-reentries"),
    ],
)
def test_a_flag_of_old_is_the_new_one(words, new, value, said, caplog):
    assert value_of(flagged("a.mp4", *words), new) == value
    assert caplog.messages == [f"{said} now; the old name works in this version only"]


def test_the_names_of_today_are_not_said_and_words_behind_two_dashes_are_none_of_them(caplog):
    assert flagged("--reid", "when-ambiguous", "a.mp4").tracker.reid == "when-ambiguous"
    arguments = track_command.parser().parse_args(["--", "--appearance", "auto"])
    assert arguments.sources == ["--appearance", "auto"]
    assert not caplog.messages


def test_a_flag_that_became_a_key_says_so():
    with pytest.raises(InputError, match=r"^--score-noise: no flag but a key of settings files, \[association\] sc"):
        flagged("a.mp4", "--score-noise")


def test_both_names_at_once_are_one_too_many():
    with pytest.raises(InputError, match=r"track\(\): looks is appearance_memory now, and both are given; leave looks"):
        _changed(TrackSettings(), {"looks": "mean", "appearance_memory": "mean"}, "track()")


def test_a_tracker_of_one_s_own_takes_old_keywords(caplog):
    tracker = remix_track.Tracker("none", appearance="auto", look_reach=2)
    assert tracker.settings.reid == "when-ambiguous"
    assert len(caplog.messages) == 2


def test_the_split_that_means_all_frames_says_so(caplog):
    from remix_track.cli.eval_flags import parser

    assert parser().parse_args(["--mot17", "--split", "train"]).split == "all"
    assert caplog.messages == ["--split train is --split all now; the old name works in this version only"]
    caplog.clear()
    assert parser().parse_args(["--mot17", "--split", "val-half"]).split == "val-half"
    assert renamed_settings.current_value("split", "train", "evaluate()") == "all"
    assert renamed_settings.current_value("split", "all", "evaluate()") == "all"
    assert len(caplog.messages) == 1


def test_each_row_of_the_table_leads_to_a_setting_that_there_is():
    names = {name for section in TrackSettings.__dataclass_fields__ for name in _names(section)}
    assert {renamed.name for renamed in RENAMED.values()} <= names | {"split"}
    assert not set(RENAMED) & names
    assert {old for _, old, _, _ in TABLE} | {"split"} == set(RENAMED)


def test_old_words_stand_nowhere_in_the_documents():
    root = Path(__file__).parents[1]
    pages = [root / "README.md", *(root / "docs").rglob("*.md"), *(root / "configs").glob("*.toml")]
    for page in pages:
        text = page.read_text("utf-8")
        for old in set(RENAMED) - {"appearance", "split", "looks"}:
            assert old not in text, (page, old)
            assert f"--{old.replace('_', '-')}" not in text, (page, old)
        assert "--appearance " not in text, page

"""Which command is meant: a line each in the tables, and what is said of words that are none."""

import importlib

import pytest

from remix_track.cli import commands
from remix_track.cli.main import main
from remix_track.cli.train import main as train

PROGRAMS = {"remix-track": main, "remix-train": train}


@pytest.mark.parametrize("table", [commands.REMIX_TRACK, commands.REMIX_TRAIN])
def test_every_command_has_a_module_that_runs_it_and_a_line_that_fits(table):
    for name, command in table.items():
        assert callable(importlib.import_module(f"remix_track.cli.{command.module}").run)
        assert name == "track" or command.usage.split()[0] == name
    lines = commands.help_lines("remix-track", table).splitlines()
    assert max(map(len, lines)) <= 100
    assert len({line.index(command.about) for line, command in zip(lines, table.values(), strict=False)}) == 1


@pytest.mark.parametrize(
    ("program", "word", "meant"),
    [
        ("remix-track", "evl", "remix-track eval"),
        ("remix-track", "val", "remix-track eval"),
        ("remix-track", "predict", "remix-track track"),
        ("remix-track", "train", "remix-train"),
        ("remix-track", "harvest", "remix-train harvest"),
        ("remix-train", "trian", "remix-train"),
        ("remix-train", "track", "remix-track track"),
        ("remix-train", "evl", "remix-train eval"),
    ],
)
def test_an_unknown_command_is_answered_with_the_one_that_is_meant(program, word, meant, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert PROGRAMS[program]([word, "x"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{program}: unknown command {word}, and no file is called so; did you mean {meant}? see")
    assert said.count("\n") == 1


def test_a_word_that_is_near_no_command_and_a_file_are_not_taken_for_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["qqqqqq"]) == 2
    assert "did you mean" not in capsys.readouterr().err
    (tmp_path / "evaluate").mkdir()
    assert main(["evaluate"]) == 2
    assert "unknown command" not in capsys.readouterr().err
    assert main(["video.mp4"]) == 2
    assert "unknown command" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["x.mp4", "--tracker", "remx"], "remix"),
        (["x.mp4", "--reid", "allways"], "always"),
        (["x.mp4", "--box", "Kalman"], "kalman"),
        (["export", "x", "--to", "cvta"], "cvat"),
        (["search", "x", "--tpo", "1"], "--top"),
        (["x.mp4", "--modle", "y"], "--model"),
        (["x.mp4", "--SORCE", "y"], "--source"),
        (["eval", "--tracker-dri", "y"], "--tracker-dir"),
    ],
)
def test_an_unknown_flag_or_choice_is_answered_with_the_nearest(words, near, capsys):
    assert main(words) == 2
    assert f"did you mean {near}?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["x.mp4", "--tracker", "qqq"], ["eval", "--bootstrap"], ["x.mp4", "--xyz"]])
def test_a_word_that_is_near_nothing_gets_no_hint(words, capsys):
    assert main(words) == 2
    assert "did you mean" not in capsys.readouterr().err

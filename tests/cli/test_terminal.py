"""What reaches the terminal: one line, that no terminal acts on."""

import ast
import logging
import sys
from pathlib import Path

import pytest

from remix_track.cli import terminal
from remix_track.cli.live_line import LiveLine
from remix_track.cli.main import main
from remix_track.cli.train import main as train
from remix_track.terminal_text import printable

CLI = Path(terminal.__file__).parent
HOSTILE = "a\x1b]0;owned\x07b\nremix-track: all is well\r\x9b31m\u202e\udcff\u2028[red]x[/red]"


def test_what_is_written_instead_of_a_letter_that_steers_a_terminal():
    assert printable(HOSTILE) == (r"a\x1b]0;owned\x07b\nremix-track: all is well\r\x9b31m\u202e\xff\u2028[red]x[/red]")
    assert printable("\ud800") == r"\ud800"
    assert printable(printable(HOSTILE)) == printable(HOSTILE)
    assert printable("Straße 人　ö.mp4") == "Straße 人　ö.mp4"
    assert printable(Path("x")) == "x"


@pytest.mark.parametrize(
    "words",
    [
        [HOSTILE],
        ["track", HOSTILE],
        [f"http://u:hunter2@127.0.0.1:9/{HOSTILE}"],
        ["x.mp4", f"--{HOSTILE}".replace(" ", "")],
        ["x.mp4", "--start", HOSTILE],
        ["x.mp4", "--reid", HOSTILE],
        ["x.mp4", "--max-age", HOSTILE],
        ["x.mp4", "--config", HOSTILE],
        ["x.mp4", "--input-size", f"{'9' * 5_000}x128"],
        ["x.mp4", "--start", "9" * 5_000],
        ["x.mp4", "--fps", "nan"],
        ["x.mp4", "--fps", "1e999"],
        ["x.mp4", "--max-age", "9" * 5_000],
        ["x.mp4", "--detector", HOSTILE],
        ["x.mp4", "--weights", HOSTILE],
        ["--sources", HOSTILE],
        ["eval", "--data", HOSTILE],
        ["eval", f"--{HOSTILE}".replace(" ", "")],
        ["search", HOSTILE, "--like", HOSTILE],
        ["calibrate", HOSTILE],
        ["rtsp://u:hunter2/x@h/y", "--nosuchflag", "rtsp://u:hun#ter2@h/y"],
        ["x.mp4", "--sources", "rtsp://u:hunter2@h/y"],
    ],
)
def test_the_error_of_hostile_words_is_one_printable_line(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    _check_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "words",
    [
        ["--config", HOSTILE],
        ["--set", HOSTILE],
        ["--set", f"run.{HOSTILE}=1"],
        ["--set", f"run.epochs={HOSTILE}"],
        [f"--{HOSTILE}"],
        ["eval", "--weights", HOSTILE, "--folder", HOSTILE],
        ["export", HOSTILE],
        ["grid", HOSTILE],
        ["harvest", HOSTILE, HOSTILE],
        ["harvest", "out", "rtsp://u:hunter2@h/y"],
    ],
)
def test_so_are_those_of_the_training(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(words) == 2
    _check_line(capsys.readouterr().err)


def test_keys_of_a_settings_file_are_printed_escaped(capsys, tmp_path):
    path = tmp_path / "a.toml"
    for text in ('"x\\u001b[31m\\nfoo" = 1', '[tracker]\nmax_age = "\\u009b\\u202e"', '["\\u001bx"]\na = 1'):
        path.write_text(text)
        assert main(["x.mp4", "--config", str(path)]) == 2
        _check_line(capsys.readouterr().err)
    assert train(["--print-config", "--set", "data.target=market1501:\x9b\u202ex\ud800"]) == 0
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


def test_the_log_is_lines(capsys, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    terminal.begin("remix-track")
    logging.getLogger("x").warning("%s: broken", HOSTILE)
    logging.getLogger("x").warning("rtsp://u:hunter2@h/x: broken")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["remix-track"] * 2
    assert all(line.isprintable() and "hunter2" not in line for line in lines)


def test_tables_and_live_lines_leave_brackets_and_escape_the_rest(capsys, monkeypatch):
    from rich.table import Table

    table = Table("name")
    terminal.add_rows(table, [["[red]\x1b[31m"]])
    terminal.show_table(table, 80)
    assert r"[red]\x1b[31m" in capsys.readouterr().out
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with LiveLine("[red]\x1b]0;a\x07", 3, quiet=False) as line:
        line.show("[red]\x1b]0;b\x07", 1, 3, "[blue]\n", "")
    said = capsys.readouterr().err
    assert r"[red]\x1b]0;b" in said
    assert "\x1b]0" not in said


def test_only_one_module_of_the_command_lines_writes():
    for path in CLI.glob("*.py"):
        if path.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "sys.stdout.write", "sys.stderr.write"), f"{path.name}:{node.lineno}"


def _check_line(said: str) -> None:
    assert said.endswith("\n")
    assert said.count("\n") == 1
    assert said[:-1].isprintable()
    assert len(said) < 500
    assert "hunter2" not in said
    assert "ter2" not in said
    assert said.startswith("remix-tra")

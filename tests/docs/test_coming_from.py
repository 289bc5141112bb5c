"""Each row of `coming-from.md` does what it says, on a tiny input of its own."""

import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import remix_track
from remix_track.cli import commands, track
from remix_track.cli.eval_flags import parser as eval_parser
from remix_track.cli.habits import EVAL, TRACK, ours
from remix_track.cli.main import main
from remix_track.errors import InputError
from tests.cli.test_eval import write_sequence
from tests.footage import write_video

PAGE = Path(__file__).parents[2] / "docs/guide/coming-from.md"
# The wheel's tests run beside a copy of the README alone.
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documents are not beside the tests")
TEXT = PAGE.read_text("utf-8") if PAGE.is_file() else ""


def rows(first: str) -> list[tuple[str, str]]:
    """The rows of all tables whose first column is called so: the text of both cells."""
    found, inside = [], False
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        inside = bool(cells) and (inside or cells[0] == first)
        if inside and cells[0] != first and not cells[0].startswith("---"):
            found.append((cells[0], cells[1].strip("`")))
    return found


HERE = [here for _, here in rows("there")]
ABSENT = re.compile(
    "remix-train |remix-track (rtsp|search)|.*(bicycle|mqtt:)"
)  # cameras, data sets, a detector of classes


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Whatever the commands name: a video, a benchmark, own data, results of a tracker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_sequence(tmp_path / "MOT17" / "train", "MOT17-02-FRCNN")
    shutil.copytree(folder, tmp_path / "own" / "MOT17-02-FRCNN")
    for name in ("results", "other"):
        (tmp_path / name).mkdir()
        shutil.copyfile(folder / "gt" / "gt.txt", tmp_path / name / "MOT17-02-FRCNN.txt")
    shutil.copyfile(folder / "det" / "det.txt", tmp_path / "det.txt")
    write_video(tmp_path / "video.mp4", frames=6)
    return tmp_path


def test_there_are_rows_for_every_tool():
    titles = re.findall(r"^## (.+)$", TEXT, re.M)
    tools = {"ultralytics", "BoxMOT", "supervision", "trackers", "TrackEval", "torchreid", "Frigate"}
    assert tools <= set(titles)
    assert len(HERE) > 40


@pytest.mark.parametrize(("typed", "taken"), rows("typed"))
def test_a_flag_is_taken_as_ours(typed, taken):
    known = track.parser()._option_string_actions
    assert ours(shlex.split(typed.strip("`")), TRACK, known) == shlex.split(taken)
    # Ours are flags that there are.
    assert all(word in known for word in shlex.split(taken) if word.startswith("--"))


@pytest.mark.parametrize("here", [here for here in HERE if here.startswith("remix-track ") and not ABSENT.match(here)])
def test_a_command_runs(here, inputs, capsys):
    words = shlex.split(here)[1:]
    # No network is here: what is found is said by a file, whatever detector and weights the row names.
    plain = ["--detector", "public" if "eval" in words else "det.txt", "--weights", "none", "--quiet"]
    assert main([*words, *([] if words[:1] == ["export"] else plain)]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert "remix-track: " not in said.err.replace("remix-track: note: ", "")


@pytest.mark.parametrize("here", [here for here in HERE if ABSENT.match(here)])
def test_a_command_of_things_that_are_not_here_parses(here):
    program, *words = shlex.split(here)
    table = commands.REMIX_TRACK if program == "remix-track" else commands.REMIX_TRAIN
    own = commands.Command("track" if program == "remix-track" else "train", "", "")
    command = table.get(words[0], own)
    module = import_module(f"remix_track.cli.{command.module}")
    parser = getattr(module, "parser", None) or module._parser
    assert vars(parser().parse_args(words[1:] if words[0] in table else words))


@pytest.mark.parametrize("here", [here for here in HERE if not here.startswith("remix-tra")])
def test_an_expression_is_python_that_runs(here, inputs):
    video = cv2.VideoCapture("video.mp4")
    _, image = video.read()
    video.release()
    tracker = remix_track.Tracker(fps=25, weights="none")
    names: dict[str, Any] = {
        "remix_track": remix_track, "tracker": tracker, "image": image,
        "boxes": np.array([[10, 10, 60, 90, 0.9, 0]], np.float32),
    }  # fmt: skip
    code = here.replace('"video.mp4"', '"video.mp4", detector="det.txt", weights="none"')
    made = eval(compile(code, "coming-from.md", "eval"), names)  # noqa: S307 (a line of our own page)
    assert list(made) if isinstance(made, remix_track.Run) else made is not None


def test_every_row_is_in_one_of_the_tests():
    """A row is a command of ours or an expression, and none is empty."""
    assert all(re.match(r"remix-tra(ck|in)\b|remix_track\.|tracker\.|\[", here) for here in HERE)


@pytest.mark.parametrize(("parser", "habits"), [(track.parser, TRACK), (eval_parser, EVAL)])
def test_no_habit_hides_a_flag_of_ours_and_ours_are_flags_that_there_are(parser, habits):
    known = parser()._option_string_actions
    for flag, habit in habits.items():
        assert flag not in known
        for word in getattr(habit, "words", ()):
            assert not word.startswith("--") or word in known, f"{flag}: {word}"


@pytest.mark.parametrize("name", ["bytetrack", "botsort.yaml", "OC-SORT", "strong_sort", "DeepOCSORT", "deepsort"])
def test_a_tracker_of_others_is_answered_with_what_remix_has_of_it(name):
    for habits, parser in ((TRACK, track.parser), (EVAL, eval_parser)):
        with pytest.raises(InputError, match=rf"^--tracker {re.escape(name)}: .*leave --tracker out for remix$"):
            ours(["x.mp4", "--tracker", name], habits, parser()._option_string_actions)

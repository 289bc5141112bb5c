"""What people type out of habit: taken as ours, said to be needless, or answered in a line."""

import json
import subprocess

import pytest

from remix_track.cli import track
from remix_track.cli.habits import EVAL, TRACK, ours
from remix_track.cli.main import main
from remix_track.errors import InputError
from tests.footage import write_video

KNOWN = track.parser()._option_string_actions


def taken(*words: str) -> list[str]:
    return ours(words, TRACK, KNOWN)


def test_a_source_behind_a_list_is_no_item_of_it():
    assert taken("--classes", "0", "--source", "x.mp4") == ["x.mp4", "--classes", "0"]
    assert taken("classes=[0,2]", "source=x.mp4", "conf=0.4") == [
        "x.mp4", "--classes", "0", "2", "--min-confidence", "0.4",
    ]  # fmt: skip


def test_pairs_are_flags_where_there_is_such_a_flag_and_no_such_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert taken("max_age=30", "show=True", "half=False", "foo=1") == ["--max-age", "30", "--show", "foo=1"]
    (tmp_path / "max_age=30").touch()
    assert taken("max_age=30") == ["max_age=30"]
    assert taken("--", "max_age=31", "--source") == ["--", "max_age=31", "--source"]
    assert taken("rtsp://h/?conf=1", "--config=a=b.toml") == ["rtsp://h/?conf=1", "--config=a=b.toml"]


def test_a_switch_that_is_turned_off_is_the_opposite_flag():
    assert taken("people=False", "match_classes=False") == ["--no-people", "--no-match-classes"]
    assert taken("save=False", "verbose=False", "--save-vid=false") == ["--no-video", "--quiet", "--no-video"]
    assert taken("show_labels=False", "hide_labels=False") == ["--no-labels", "--labels"]
    assert taken("persist=False", "half=False", "save_txt=False", "device=None") == [], "as it is without"


def test_a_comma_is_part_of_a_name_unless_a_list_is_asked_for():
    assert taken("--source=a,b.gif") == ["a,b.gif"]
    assert taken("mean=0.5,0.5,0.5") == ["--mean", "0.5", "0.5", "0.5"]
    assert ours(["sequences=a,b"], EVAL, {"--sequences"}) == ["--sequences", "a", "b"]
    assert taken("source=a,b.gif", "classes=0,2") == ["a,b.gif", "--classes", "0", "2"]


def test_what_is_needless_is_left_out_with_its_values_and_said(capsys):
    assert taken("x.mp4", "--save-txt", "--save", "--csv") == ["x.mp4", "--csv"]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "remix-track: note: --save-txt is not needed: tracks.txt is always written"
    assert len(said) == 2


def test_what_is_nothing_of_ours_is_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"^--batch: frames are tracked one after another"):
        taken("x.mp4", "--batch", "16")
    with pytest.raises(InputError, match=r"^--max-det: up to 2,000"):
        taken("x.mp4", "max_det=300")


def test_reid_is_a_file_elsewhere_and_a_choice_here():
    assert taken("--reid", "osnet_x0_25.onnx") == ["--weights", "osnet_x0_25.onnx"]
    assert taken("--reid", "when-ambiguous") == ["--reid", "when-ambiguous"]


def test_folders_are_numbered_within_a_project_and_the_second_run_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "gate.mp4", frames=3)
    (tmp_path / "det.txt").write_text("1,-1,5,5,20,40,0.9\n")
    words = ["gate.mp4", "--detector", "det.txt", "--weights", "none", "--no-video"]
    for _ in range(2):
        assert main(words) == 0
    said = capsys.readouterr().err
    assert said.count("holds a result already") == 1
    assert "remix-track: runs/track/gate holds a result already, so this one goes to runs/track/gate-2\n" in said
    for _ in range(2):
        assert main([*words, "--project", "p", "--name", "n", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["n", "n-2"]
    assert main([*words, "--project", "p", "--name", "n", "--exist-ok", "--quiet"]) == 0
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["n", "n-2"]
    assert main([*words, "--project", "p", "--quiet"]) == 0
    assert json.loads((tmp_path / "p" / "gate" / "summary.json").read_text())["ended"] == "complete"
    assert main([*words, *words[:1], "--name", "two", "--quiet"]) == 0
    assert sorted(path.name for path in (tmp_path / "runs/track/two").iterdir()) == ["gate", "gate-2"]


def test_a_folder_is_not_called_like_a_video(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["x.mp4", "--output", "out.mp4"]) == 2
    assert "--output is a folder, in which video.mp4 is written" in capsys.readouterr().err
    assert main(["x.mp4", "--project", "p", "--output", "out"]) == 2
    assert "--project and --name number folders" in capsys.readouterr().err


BASH = """
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); {function}; echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("remix-track ev", "eval"),
        ("remix-track eval --split v", "val-half"),
        ("remix-track eval --spl", "--split"),
        ("remix-track x.mp4 --tracker ''", "deep-sort remix"),
        ("remix-track x.mp4 --crops-in", "--crops-in-all"),
        ("remix-track --conf-t", "--conf-thres"),
        ("remix-track draw run --blur ''", "people heads"),
        ("remix-track x.mp4 y", ""),
        ("remix-track export x --to k", "kitti"),
        ("remix-train synth", "synthesize"),
    ],
)
def test_bash_completes_commands_flags_and_choices(words, completed, capsys):
    assert main(["completion", "bash"]) == 0
    function = f"_{words.split()[0].replace('-', '_')}"
    script = capsys.readouterr().out + BASH.format(words=words, function=function)
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == (completed, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_flag(shell, capsys):
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert all(flag.lstrip("-") in said for flag in KNOWN)

"""Names of files are bytes on Linux. Those that are not UTF-8 reach every file that is written, written out."""

import json
import os
import tomllib

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.json_text import json_text
from remix_track.settings_text import to_toml
from remix_track.text_files import utf8, write_text
from remix_track.trackers.pipeline.recorder import write_summary
from remix_track.trackers.sinks.embeddings import EmbeddingSink
from remix_track.training.train_settings import DataSettings, TrainSettings
from tests.footage import write_video

NAME = os.fsdecode(b"a\xff")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("street.avi", "street.avi"),
        ("Straße 東京 👤", "Straße 東京 👤"),
        (os.fsdecode(b"a\xff.avi"), r"a\xff.avi"),
        (os.fsdecode(b"\x80\xc3"), r"\x80\xc3"),
        ("\ud800x\udc7f", r"\ud800x\udc7f"),
        ("", ""),
    ],
)
def test_what_utf_8_has_no_letters_for_is_written_out(text, written):
    assert utf8(text) == written


def test_every_kind_of_file_is_utf_8(tmp_path):
    folder = tmp_path / NAME
    write_text(folder / f"{NAME}.md", f"# {NAME}")
    assert (folder / f"{NAME}.md").read_text("utf-8") == r"# a\xff"
    assert json.loads(json_text({NAME: [NAME, folder, {"deep": (NAME, float("nan"))}]})) == {
        r"a\xff": [r"a\xff", rf"{tmp_path}/a\xff", {"deep": [r"a\xff", None]}]
    }
    write_summary(folder / "summary.json", {"path": folder, "list": [NAME], "n": np.float32(2)})
    assert json.loads((folder / "summary.json").read_text("utf-8"))["list"] == [r"a\xff"]
    settings = TrainSettings(data=DataSettings(target=f"synthetic-target:{NAME}"))
    assert tomllib.loads(to_toml(settings))["data"]["target"] == r"synthetic-target:a\xff"
    EmbeddingSink(folder / "embeddings.npz", {"name": NAME}).close()
    with np.load(folder / "embeddings.npz") as file:
        assert str(file["weights"]) == r"a\xff"


def test_a_video_a_detector_and_a_folder_of_such_names(tmp_path, capsys):
    video = write_video(tmp_path / "street.avi", frames=5).rename(tmp_path / f"{NAME}.avi")
    boxes = tmp_path / f"{NAME}.txt"
    boxes.write_text("".join(f"{i},-1,20,30,20,40,0.9\n" for i in range(1, 6)))
    out = tmp_path / f"o{NAME}"
    words = ["--detector", str(boxes), "--weights", "none", "--n-init", "1", "--csv", "--jsonl", "--crops"]
    assert main([str(video), *words, "--output", str(out)]) == 0
    for name in ("tracks.txt", "tracks.csv", "tracks.jsonl", "summary.json"):
        assert (out / name).read_text("utf-8")
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert (summary["ended"], summary["source"]["path"]) == ("complete", rf"{tmp_path}/a\xff.avi")
    assert "Traceback" not in capsys.readouterr().err

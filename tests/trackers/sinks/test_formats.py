"""Output formats: one declaration makes a flag, a keyword, a file and its checks."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from remix_track import InputError, track
from remix_track.cli.track import parser
from remix_track.cli.tracking_output import wanted_outputs
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.sinks.formats import MOT_TEXT, Format, OutputSettings, RunFacts

FORMATS = {one.name: one.metadata["format"] for one in dataclasses.fields(OutputSettings) if "format" in one.metadata}
IMAGES = [np.full((60, 80, 3), 50, np.uint8)] * 3


def wanted(*names):
    chosen: dict[str, Any] = {name: name in names for name in FORMATS}
    return OutputSettings(**chosen)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_what_its_field_declares_and_nothing_else_is_written(name):
    assert isinstance(FORMATS[name], Format)
    assert wanted(name).formats() == [MOT_TEXT, FORMATS[name]]
    assert wanted(name).needs_images == FORMATS[name].shows_images
    flag = wanted_outputs(parser().parse_args(["gate", "--no-video", "--no-people", f"--{name}"]))
    assert flag == wanted(name)


def test_without_a_wish_there_is_a_video_and_text():
    assert [one.file for one in OutputSettings().formats()] == ["tracks.txt", "video.mp4", "people.html"]
    assert OutputSettings().needs_images
    assert wanted().formats() == [MOT_TEXT]
    assert not wanted().needs_images


def test_what_is_once_in_a_run_is_no_file_of_a_part(tmp_path):
    outputs = Outputs(tmp_path, 0.0)
    outputs.open(wanted("csv", "crops"), RunFacts(fps=5, draw=lambda frame: frame.image))
    assert outputs.parts.names == ["tracks.txt", "tracks.csv"]
    assert outputs.names == ["tracks.txt", "tracks.csv", "crops"]
    assert [path.name for path in tmp_path.iterdir()] == ["crops"], "files of parts are made with their first frame"


def test_what_is_made_of_vectors_needs_appearance():
    assert FORMATS["embeddings"].from_vectors
    for name, one in FORMATS.items():
        if one.from_vectors:
            with pytest.raises(InputError, match=f"`{name}` needs appearance; give `weights` other than none"):
                wanted(name).check(appearance=False)
            wanted(name).check(appearance=True)
    wanted("csv").check(appearance=False)


def test_an_unknown_keyword_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "det.txt").write_text("1,-1,10,5,20,40,0.9\n")
    run = track(IMAGES, fps=5, detector=str(tmp_path / "det.txt"), weights="none")
    with pytest.raises(InputError, match=r"record\(\): unknown key 'vidio'; did you mean 'video'\?"):
        run.record(tmp_path / "out", vidio=False)
    assert not (tmp_path / "out").exists()

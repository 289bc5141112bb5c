"""`remix-track draw`: a run drawn once more from its rows and its source, and people hidden in it."""

import json

import av
import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.id_colours import colour_of
from remix_track.trackers.drawing.hiding import covers, hide
from remix_track.trackers.pipeline.redraw import covered
from tests.footage import write_video

WIDTH, HEIGHT, FRAMES = 160, 96, 30


def picture(number):
    """Fine stripes, and below them a grey that says the frame's number."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, ::2] = 200
    image[80:] = 40 + 6 * number
    return image


@pytest.fixture
def run_folder(tmp_path):
    """Person 1 in frames 1 to 10 and 16 to 30, person 2 in all; both stand still."""
    write_video(tmp_path / "a.mp4", frames=FRAMES, images=[picture(n) for n in range(1, FRAMES + 1)])
    lines = [f"{n},-1,10,10,20,60,0.9" for n in range(1, FRAMES + 1) if not 11 <= n <= 15]
    lines += [f"{n},-1,100,10,20,60,0.9" for n in range(1, FRAMES + 1)]
    (tmp_path / "det.txt").write_text("\n".join(lines) + "\n")
    words = ["--detector", str(tmp_path / "det.txt"), "--weights", "none", "--n-init", "1", "--quiet", "--no-video"]
    assert main([str(tmp_path / "a.mp4"), *words, "--no-people", "--output", str(tmp_path / "run")]) == 0
    return tmp_path / "run"


def frames_of(path):
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="bgr24")).astype(int) for frame in container.decode(video=0)]


BARE = ["--no-boxes", "--no-labels", "--no-trails", "--quiet"]


def contrast(image, left, right):
    """How far neighbouring columns differ."""
    return float(np.abs(np.diff(image[20:60, left:right, 0], axis=1)).mean())


def test_the_same_frames_with_the_boxes_of_some(run_folder):
    assert main(["draw", str(run_folder), "--only", "2", "--no-trails", "--no-labels", "--quiet"]) == 0
    images = frames_of(run_folder / "redrawn.mp4")
    assert len(images) == FRAMES
    colour = np.array(colour_of(2))
    for image, read in zip(images, frames_of(run_folder.parent / "a.mp4"), strict=True):
        assert abs(image[85:92, 60:90].mean() - read[85:92, 60:90].mean()) < 3, "the next one is lighter by 6"
        assert np.abs(image[10:70, 99:102] - colour).sum(axis=2).min() < 120
        assert np.abs(image[30:50, 9:12] - np.array(colour_of(1))).sum(axis=2).min() > 120


@pytest.mark.parametrize("squares", [[], ["--pixelate"]])
def test_people_are_hidden_also_in_short_gaps(run_folder, squares):
    assert main(["draw", str(run_folder), "--blur", "people", *squares, *BARE]) == 0
    for image in frames_of(run_folder / "redrawn.mp4"):
        assert contrast(image, 10, 30) < 30, "person 1, also where the track was lost"
        assert contrast(image, 100, 120) < 30
        assert contrast(image, 50, 80) > 100, "what is no person stays"


def test_gaps_that_are_longer_are_not_hidden(run_folder):
    words = ["--blur", "people", "--hide-gap", "0.1", "--hide-before", "0", *BARE]
    assert main(["draw", str(run_folder / "tracks.txt"), *words, "--output", str(run_folder / "b.mp4")]) == 0
    images = frames_of(run_folder / "b.mp4")
    assert [contrast(image, 10, 30) > 100 for image in images] == [11 <= n <= 15 for n in range(1, FRAMES + 1)]


def test_heads_are_the_upper_end():
    people = np.array([[10, 10, 30, 70], [10, 10, 50, 40]], float)
    assert covers(people, "people").tolist() == [[8, 4, 32, 76], [6, 7, 54, 43]]
    assert covers(people, "heads")[:, 3].tolist() == pytest.approx([10 + 0.27 * 60, 10 + 0.6 * 40])


def test_what_is_hidden_holds_five_means_across_and_no_more():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (100, 100, 3), np.uint8)
    before = image.copy()
    hide(image, np.array([[20, 10, 60, 90], [95, 95, 200, 200], [-50, -50, -10, -10]], float), squares=True)
    assert len(np.unique(image[10:90, 20:60].reshape(-1, 3), axis=0)) <= 5 * 10
    outside = np.ones((100, 100), bool)
    outside[10:90, 20:60] = outside[95:, 95:] = False
    assert (image[outside] == before[outside]).all()
    other = before.copy()
    other[10:90, 20:60] = cv2.blur(before[10:90, 20:60], (1, 1))
    blurred = before.copy()
    hide(blurred, np.array([[20, 10, 60, 90]], float))
    assert contrast(blurred.astype(int), 22, 58) < 12 < contrast(before.astype(int), 22, 58)


def test_where_a_track_may_have_been():
    frame, id_ = np.array([5, 9, 30, 6]), np.array([1, 1, 1, 2])
    xyxy = np.array([[0, 0, 10, 10], [4, 8, 14, 18], [50, 0, 60, 10], [1, 1, 2, 2]], float)
    parts = list(covered(frame, id_, xyxy, gap=4, beyond=2, step=1))
    assert [part.tolist() for part, _ in parts] == [[*range(3, 12)], [28, 29, 30, 31, 32], [4, 5, 6, 7, 8]]
    assert parts[0][1][0].tolist() == [0, 0, 10, 10]
    assert parts[0][1][4].tolist() == [2, 4, 12, 14], "half-way"
    assert list(covered(frame[:0], id_[:0], xyxy[:0], gap=4, beyond=2, step=1)) == []


def test_what_cannot_be_drawn_gets_one_line(run_folder, tmp_path, capsys):
    def said(*words):
        assert main(["draw", *words, "--quiet"]) == 2
        return capsys.readouterr().err

    assert "has no such id" in said(str(run_folder), "--only", "7")
    assert "give the folder of a run, or its MOT text" in said(str(tmp_path))
    assert "a camera does not show again" in said(str(run_folder), "--source", "0")
    (run_folder / "summary.json").rename(run_folder / "s")
    assert "no summary.json, so give the --source" in said(str(run_folder))
    assert main(["draw", str(run_folder), "--source", str(tmp_path / "a.mp4"), "--quiet"]) == 0
    assert "there is something already" in said(str(run_folder), "--source", str(tmp_path / "a.mp4"))


def test_a_source_of_another_size_is_refused_and_leaves_nothing(run_folder, tmp_path, capsys):
    small = [np.zeros((48, 80, 3), np.uint8)] * FRAMES
    write_video(tmp_path / "b.mp4", frames=FRAMES, images=small)
    assert main(["draw", str(run_folder), "--source", str(tmp_path / "b.mp4"), "--quiet"]) == 2
    assert "images of 80x48, where the run has 160x96; give its --source" in capsys.readouterr().err
    assert not (run_folder / "redrawn.mp4").exists()


def test_a_killed_run_is_drawn_to_its_last_row(run_folder, tmp_path):
    """Behind it people were not found, so that nothing would hide them."""
    (run_folder / "summary.json").unlink()
    rows = (run_folder / "tracks.txt").read_text().splitlines(keepends=True)
    (run_folder / "tracks.txt").write_text("".join(row for row in rows if int(row.split(",")[0]) <= 20))
    assert main(["draw", str(run_folder), "--source", str(tmp_path / "a.mp4"), "--blur", "people", *BARE]) == 0
    assert len(frames_of(run_folder / "redrawn.mp4")) == 20


def test_people_are_hidden_in_the_footage_of_the_run_only(run_folder, tmp_path, capsys):
    others = [picture(FRAMES + 1 - n) for n in range(1, FRAMES + 1)]
    write_video(tmp_path / "b.mp4", frames=FRAMES, images=others)
    words = ["draw", str(run_folder), "--source", str(tmp_path / "b.mp4"), "--quiet"]
    assert main([*words, "--blur", "people"]) == 2
    assert "another file than the run was tracked from" in capsys.readouterr().err
    assert not (run_folder / "redrawn.mp4").exists()
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    assert main([*words[:3], str(tmp_path / "copy.mp4"), "--quiet", "--blur", "people"]) == 0, "a copy is the same"
    assert main([*words, "--output", str(tmp_path / "boxes.mp4")]) == 0, "boxes alone reveal nothing"
    summary = json.loads((run_folder / "summary.json").read_text())
    del summary["source"]["digest"]
    (run_folder / "summary.json").write_text(json.dumps(summary))
    assert main([*words, "--blur", "people", "--output", str(tmp_path / "old.mp4")]) == 0, "of runs that have none"


def test_a_page_of_a_run_is_no_run(run_folder, capsys):
    (run_folder / "people.html").write_text("<p>")
    assert main(["draw", str(run_folder / "people.html"), "--quiet"]) == 2
    assert f"people.html: not the MOT text of a run; give its folder, {run_folder}" in capsys.readouterr().err

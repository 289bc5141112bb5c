"""`remix-track export` and `import`: from a run to a tool, and back as truth that scores the run."""

import json
import shutil

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.interop.formats import FORMATS, READABLE, read_annotations
from remix_track.interop.run_folder import read_run
from tests.footage import write_video

FRAMES = 20


@pytest.fixture
def run_folder(tmp_path, capsys):
    """A run of two people over twenty frames."""
    lines = [f"{n},-1,{10 + 2 * n},5,20,40,0.9\n{n},-1,{100 - 2 * n},60,22,44,0.8\n" for n in range(1, FRAMES + 1)]
    (tmp_path / "det.txt").write_text("".join(lines))
    video = write_video(tmp_path / "street.avi", frames=FRAMES, rate=10)
    out = tmp_path / "runs" / "street"
    plain = ["--weights", "none", "--n-init", "1", "--no-video", "--quiet"]
    assert main([str(video), *plain, "--detector", str(tmp_path / "det.txt"), "--output", str(out)]) == 0
    capsys.readouterr()
    return out


def rows(path):
    found = mot_text.read(path)
    order = np.lexsort((found.id, found.frame))
    return found.frame[order].tolist(), found.id[order].tolist(), found.tlwh[order].round(2).tolist()


@pytest.mark.parametrize("kind", READABLE)
def test_a_round_trip_gives_the_tracks_as_truth(run_folder, tmp_path, capsys, kind):
    path = run_folder / f"street{FORMATS[kind].ending}"
    assert main(["export", str(run_folder), "--to", kind]) == 0
    said = f"{path}: {FORMATS[kind].title}, 2 tracks, {2 * FRAMES} boxes in {FRAMES} frames\n"
    assert capsys.readouterr().out == said
    back = tmp_path / "truth"
    assert main(["import", str(path), "--run", str(run_folder), "--output", str(back)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{back / 'street'}: 2 tracks, {2 * FRAMES} boxes in {FRAMES} frames"
    assert rows(back / "street" / "gt" / "gt.txt") == rows(run_folder / "tracks.txt")
    assert (back / "street" / "gt" / "labels.txt").read_text() == "person\n"
    assert (back / "street" / "seqinfo.ini").read_text() == (
        f"[Sequence]\nname=street\nframeRate=10\nseqLength={FRAMES}\nimWidth=160\nimHeight=96\n"
    )
    # The command that it names is one, and the run is perfect by its own tracks.
    words = out[1].partition("remix-track ")[2].split()
    assert main([*words, "--json", str(tmp_path / "scores.json")]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())["COMBINED"]
    assert (scores["MOTA"], scores["IDF1"], scores["IDsw"]) == (100, 100, 0)


def test_corrected_tracks_tell_a_run_what_it_got_wrong(run_folder, tmp_path, capsys):
    path = run_folder / "street.kitti.txt"
    assert main(["export", str(run_folder), "--to", "kitti"]) == 0
    # An annotator finds that the two were exchanged from frame 11 on.
    lines = [line.split() for line in path.read_text().splitlines()]
    for line in lines:
        if int(line[0]) >= 10:
            line[1] = {"1": "2", "2": "1"}[line[1]]
    (tmp_path / "corrected.txt").write_text("".join(" ".join(line) + "\n" for line in lines))
    words = ["import", str(tmp_path / "corrected.txt"), "--from", "kitti", "--run", str(run_folder)]
    assert main([*words, "--output", str(tmp_path / "truth")]) == 0
    results = ["--results", str(run_folder / "tracks.txt"), "--json", str(tmp_path / "scores.json")]
    assert main(["eval", "--data", str(tmp_path / "truth"), *results]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())["COMBINED"]
    assert (scores["IDsw"], scores["IDF1"]) == (2, 50)


def test_of_what_the_file_says_the_run_says_nothing(run_folder, tmp_path):
    # A run of the first frames alone, and truth of all.
    assert main(["export", str(run_folder), "--to", "cvat-xml"]) == 0
    short = tmp_path / "short" / "street"
    shutil.copytree(run_folder, short)
    summary = json.loads((short / "summary.json").read_text())
    for part in summary["parts"]:
        part["frames"] = part["last_frame"] = 3
    (short / "summary.json").write_text(json.dumps(summary))
    kept = [line for line in (run_folder / "tracks.txt").read_text().splitlines() if int(line.split(",")[0]) <= 3]
    (short / "tracks.txt").write_text("\n".join(kept) + "\n")
    words = ["import", str(run_folder / f"street{FORMATS['cvat-xml'].ending}"), "--run", str(short)]
    assert main([*words, "--output", str(tmp_path / "truth")]) == 0
    assert f"seqLength={FRAMES}" in (tmp_path / "truth" / "street" / "seqinfo.ini").read_text()
    assert main(["eval", "--data", str(tmp_path / "truth"), "--results", str(run_folder / "tracks.txt")]) == 0


def test_people_are_class_1_of_truth_whatever_came_first(tmp_path, capsys):
    row = "0 {} {} -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n"
    (tmp_path / "square.txt").write_text(row.format(0, "Car") + row.format(1, "Pedestrian"))
    assert main(["import", str(tmp_path / "square.txt"), "--output", str(tmp_path / "truth")]) == 0
    folder = tmp_path / "truth" / "square"
    assert mot_text.read(folder / "gt" / "gt.txt").class_id.tolist() == [2, 1]
    assert (folder / "gt" / "labels.txt").read_text() == "person\nCar\n"
    assert (folder / "seqinfo.ini").read_text() == "[Sequence]\nname=square\n"
    assert "--results RUN" in capsys.readouterr().out


def test_mot_text_alone_is_exported_where_the_format_can_do_without_the_rest(run_folder, tmp_path, capsys):
    text = tmp_path / "other.txt"
    text.write_bytes((run_folder / "tracks.txt").read_bytes())
    assert main(["export", str(text), "--to", "cvat", "--label", "pedestrian"]) == 0
    (back,) = read_annotations(tmp_path / "other.cvat.zip")
    assert back.labels == ("pedestrian",)
    capsys.readouterr()
    assert main(["export", str(text), "--to", "coco"]) == 2
    assert capsys.readouterr().err == (
        "remix-track: other: COCO needs the size of the images; give --size WIDTHxHEIGHT\n"
    )
    assert main(["export", str(text), "--to", "coco", "--size", "160x96", "--fps", "10"]) == 0
    (back,) = read_annotations(tmp_path / "other.coco.json")
    assert (back.width, back.height, back.fps) == (160, 96, 10)


def test_nothing_is_overwritten(run_folder, tmp_path, capsys):
    words = ["export", str(run_folder), "--to", "cvat", "--output", str(tmp_path / "a.zip")]
    assert main(words) == 0
    before = (tmp_path / "a.zip").read_bytes()
    assert main(words) == 2
    assert "there is something already; give another --output" in capsys.readouterr().err
    assert (tmp_path / "a.zip").read_bytes() == before
    for number in ("a", "a-2"):
        assert main(["import", str(tmp_path / "a.zip"), "--output", str(tmp_path / "truth")]) == 0
        assert (tmp_path / "truth" / number / "gt" / "gt.txt").is_file()


def test_parts_of_a_run_are_one_video(run_folder, tmp_path):
    whole = read_run(run_folder)
    summary = json.loads((run_folder / "summary.json").read_text())
    lines = (run_folder / "tracks.txt").read_text().splitlines(keepends=True)
    parts = []
    for number, (first, last) in enumerate(((1, 12), (13, FRAMES)), 1):
        own = [line for line in lines if first <= int(line.split(",")[0]) <= last]
        (run_folder / f"tracks-{number:04d}.txt").write_text("".join(own))
        parts.append(summary["parts"][0] | {"last_frame": last, "files": ["video.mp4", f"tracks-{number:04d}.txt"]})
    (run_folder / "summary.json").write_text(json.dumps(summary | {"parts": parts}))
    both = read_run(run_folder)
    assert (both.frames, both.fps, both.width, len(both)) == (FRAMES, 10, 160, len(whole))
    np.testing.assert_array_equal(both.tlwh, whole.tlwh)
    parts[1]["width"] = 80
    (run_folder / "summary.json").write_text(json.dumps(summary | {"parts": parts}))
    assert main(["export", str(run_folder), "--to", "cvat"]) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 99_999, b'{"parts": [{}], "source": {}}', b"\xff\xfe"])
def test_a_damaged_summary_is_one_line(run_folder, capsys, content):
    (run_folder / "summary.json").write_bytes(content)
    assert main(["export", str(run_folder), "--to", "cvat"]) == 2
    err = capsys.readouterr().err
    assert "summary.json: cannot be read as the summary of a run" in err
    assert err.count("\n") == 1


def test_what_is_no_run_is_said(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--to", "cvat"]) == 2
    assert "no summary.json and no tracks.txt; give the folder of a run" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "nowhere"), "--to", "cvat"]) == 2
    assert main(["import", str(tmp_path / "nowhere.zip")]) == 2
    assert main(["export", str(tmp_path), "--to", "cwat"]) == 2
    assert capsys.readouterr().err.count("\n") == 3

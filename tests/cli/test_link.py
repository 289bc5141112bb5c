"""`--link` and `remix-track search`, as a user meets them."""

import csv
import json

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.retrieval.figures import likeness_strip
from tests.footage import write_video

RED, GREEN, BLUE = (40, 40, 220), (40, 200, 40), (220, 60, 40)
FRAMES = 16


def film(path, top, bottom):
    """Two people of two colours who walk side by side; where they are is the same in every film."""
    images = []
    for frame in range(1, FRAMES + 1):
        image = np.full((180, 200, 3), 90, np.uint8)
        for row, colour in ((5, top), (95, bottom)):
            image[row : row + 80, 10 + 3 * frame : 40 + 3 * frame] = colour
        images.append(image)
    return write_video(path, images=images, rate=20)


@pytest.fixture(scope="module")
def cameras(tmp_path_factory):
    """Green is in the first and in the second camera, at another place; red and blue in one each."""
    root = tmp_path_factory.mktemp("cameras")
    lines = [f"{n},-1,{10 + 3 * n},{row},30,80,0.9\n" for n in range(1, FRAMES + 1) for row in (5, 95)]
    (root / "det.txt").write_text("".join(lines))
    return film(root / "gate.mp4", RED, GREEN), film(root / "yard.mp4", GREEN, BLUE)


@pytest.fixture(scope="module")
def linked(cameras, tmp_path_factory):
    out = tmp_path_factory.mktemp("linked") / "out"
    # Plain rectangles are no people: what learnt from people sees little between them.
    words = [
        "--weights",
        "imagenet",
        "--link-distance",
        "0.1",
        "--embeddings",
        "--crops",
        "--csv",
        "--output",
        str(out),
    ]
    assert track(cameras, "--link", *words) == 0
    return out


def track(cameras, *words):
    detector = str(cameras[0].parent / "det.txt")
    return main([*(str(camera) for camera in cameras), "--detector", detector, "--quiet", *words])


def ids_at(folder, row, name="tracks.txt"):
    rows = mot_text.read(folder / name)
    return set(rows.id[np.abs(rows.tlwh[:, 1] - row) < 3].tolist())


def test_a_person_has_one_id_in_all_videos(linked):
    assert [ids_at(linked / "gate", row) for row in (5, 95)] == [{1}, {2}]
    assert [ids_at(linked / "yard", row) for row in (5, 95)] == [{2}, {3}]
    assert [ids_at(linked / "yard", row, "unlinked.txt") for row in (5, 95)] == [{1}, {2}]
    rows = list(csv.DictReader((linked / "people.csv").open()))
    assert [(row["person"], row["source"], row["track"]) for row in rows] == [
        ("1", "gate", "1"), ("2", "gate", "2"), ("2", "yard", "1"), ("3", "yard", "2")
    ]  # fmt: skip
    facts = json.loads((linked / "link.json").read_text())
    assert (facts["people"], facts["people_in_several"], facts["tracks"], facts["link_distance"]) == (3, 1, 4, 0.1)


def test_every_file_has_the_ids_of_the_people(linked):
    for name, ids in (("gate", {1, 2}), ("yard", {2, 3})):
        folder = linked / name
        assert {int(row["id"]) for row in csv.DictReader((folder / "tracks.csv").open())} == ids
        assert {int(path.name) for path in (folder / "crops").iterdir()} == ids
        with np.load(folder / "embeddings.npz") as arrays:
            assert set(arrays["ids"].tolist()) == ids
            assert str(arrays["weights"]) == "ImageNet MobileNetV2"
            assert len(str(arrays["sha256"])) == 64
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["tracks"], summary["frames"], summary["ended"]) == (2, FRAMES, "complete")
        assert (folder / "video.mp4").stat().st_size > 1000


def test_without_pictures_the_videos_are_read_once(cameras, tmp_path, monkeypatch):
    from remix_track.trackers.sources import source

    opened, enter = [], source.Source.__iter__

    def note(self):
        opened.append(self.name)
        return enter(self)

    monkeypatch.setattr(source.Source, "__iter__", note)
    assert track(cameras, "--link", "--no-video", "--no-people", "--output", str(tmp_path / "out")) == 0
    assert opened == ["gate", "yard"]
    assert sorted(path.name for path in (tmp_path / "out" / "yard").glob("[!.]*")) == [
        "summary.json", "tracks.txt", "unlinked.txt"
    ]  # fmt: skip


def test_a_bad_source_does_not_cost_the_others(cameras, tmp_path, capsys):
    out = tmp_path / "out"
    assert track((*cameras, tmp_path / "gone.mp4"), "--link", "--no-video", "--output", str(out)) == 2
    assert "gone.mp4" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["gate", "yard"]
    assert (
        track((cameras[0].parent / "a.mp4", cameras[0].parent / "b.mp4"), "--link", "--output", str(tmp_path / "n"))
        == 2
    )
    assert "none of the sources could be tracked" in capsys.readouterr().err
    assert not (tmp_path / "n").exists()


def test_a_stop_leaves_the_tracks_unlinked_and_says_so(cameras, tmp_path, monkeypatch, capsys):
    from remix_track.trackers.linking.finished_video import VideoCollector

    add, out = VideoCollector.add, tmp_path / "out"

    def stop(self, frame):
        add(self, frame)
        if frame.index == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr(VideoCollector, "add", stop)
    assert track(cameras, "--link", "--no-video", "--output", str(out)) == 130
    text = out / "gate" / "unlinked.txt"
    assert f"after 9 frames; nothing is linked, the tracks so far are whole: {text}\n" in capsys.readouterr().err
    assert mot_text.read(text).frame.max() == 9


def test_what_cannot_be_linked_is_one_line(cameras, tmp_path, capsys):
    wrong = {
        "name two or more": (cameras[:1], ["--link"]),
        "--link needs appearance": (cameras, ["--link", "--weights", "none"]),
        "leave it out with --link": (cameras, ["--link", "--show"]),
        "goes with --link": (cameras, ["--link-distance", "0.3"]),
        "expected above 0, at most 2, or none": (cameras, ["--link", "--link-distance", "3"]),
    }
    for said, (sources, words) in wrong.items():
        assert track(sources, *words, "--output", str(tmp_path / "out")) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def search(*words):
    return main(["search", "--weights", "imagenet", *map(str, words)])


def test_search_ranks_tracks_of_several_runs(linked, tmp_path, capsys):
    like = tmp_path / "green.png"
    cv2.imwrite(str(like), np.full((60, 25, 3), GREEN, np.uint8))
    files = [linked / name / "embeddings.npz" for name in ("gate", "yard")]
    assert search(*files, "--like", like, "--top", "3", "--picture", tmp_path / "strip.png") == 0
    said = capsys.readouterr().out.splitlines()
    assert {tuple(line.split()[1:3]) for line in said[1:3]} == {("gate", "2"), ("yard", "2")}
    assert len([line for line in said if line.split()[:1] in (["1"], ["2"], ["3"])]) == 3
    strip = cv2.imread(str(tmp_path / "strip.png"))
    assert strip is not None
    assert strip.shape[0] > 160
    assert search(files[0], "--like", like, "--picture", tmp_path / "strip.png") == 2
    assert "strip.png: there is something already" in capsys.readouterr().err


def test_search_refuses_vectors_of_other_weights(linked, tmp_path, capsys):
    like, npz = tmp_path / "a.png", linked / "gate" / "embeddings.npz"
    cv2.imwrite(str(like), np.full((60, 25, 3), GREEN, np.uint8))
    with np.load(npz) as arrays:
        values = dict(arrays)

    def changed(name, **others):
        path = tmp_path / name
        np.savez(path, **{key: value for key, value in (values | others).items() if value is not None})
        return path

    (tmp_path / "text.npz").write_text("none")
    pickled = changed("p.npz", ids=np.array([{}, {}], object))
    wrong = {
        r"the weights that made them, or track again": changed("other.npz", sha256=np.str_("ab" * 32)),
        "is 192x96 RGB": changed("size.npz", input=np.str_("256x128 RGB")),
        "9 long, sha256": changed("width.npz", embedding=np.ones((2, 9), np.float32)),
        "does not say which weights made it": changed("old.npz", sha256=None),
        "(it lacks count)": changed("less.npz", count=None),
        "do not belong together": changed("rows.npz", ids=np.arange(3)),
        "text.npz: cannot be read as the embeddings.npz": tmp_path / "text.npz",
        "p.npz: cannot be read as the embeddings.npz": pickled,
        "gone.npz: cannot be read": tmp_path / "gone.npz",
    }
    for said, path in wrong.items():
        assert search(path, "--like", like) == 2
        error = capsys.readouterr().err
        assert said in error, error
        assert error.count("\n") == 1
    assert search(npz, "--like", tmp_path / "text.npz") == 2
    assert "text.npz: cannot be read as an image of a person" in capsys.readouterr().err


def test_the_strip_has_every_picture():
    colours = [GREEN, RED, BLUE]
    pictures = [(f"number {n}", np.full((50, 20, 3), colour, np.uint8)) for n, colour in enumerate(colours)]
    strip = likeness_strip(pictures, height=40)
    for blue, green, red in colours:
        assert (strip == (red, green, blue)).all(axis=2).sum() == 40 * 16

"""What a camera that runs for weeks must not gather: people, their vectors, anything that grows with time."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from remix_track import track_means
from remix_track.detections import Detections, Tracks
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.frame import IdSet, TrackedFrame
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.sinks.crops import CropSettings, CropSink
from remix_track.trackers.sinks.embeddings import EmbeddingSink
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection, Source
from remix_track.trackers.tracker import Tracker

WIDTH = 16


@pytest.mark.parametrize("ids", [[], [1], [3, 1, 2], [7, 1, 9, 2, 2], range(1, 1000), [5000]])
def test_an_id_set_is_a_set(ids):
    made = IdSet(ids)
    assert set(made) == set(ids)
    assert (len(made), list(made)) == (len(set(ids)), sorted(set(ids)))
    assert [id_ in made for id_ in (0, 1, 2, 4, 9, -1)] == [id_ in set(ids) for id_ in (0, 1, 2, 4, 9, -1)]
    made.update([1, 2, 4])
    assert made == set(ids) | {1, 2, 4}  # type: ignore[comparison-overlap]


def test_an_id_set_of_all_people_is_a_number():
    made = IdSet()
    for id_ in range(1, 100_000):
        made.update([max(1, id_ - 1), id_ + 1])
    made.update([1])
    assert len(made) == 100_000
    assert not made._beyond


def people(index, ids, rng):
    vectors = rng.normal(size=(len(ids), WIDTH)).astype(np.float32)
    boxes = np.array([[10.0 * n, 5, 10 * n + 8, 30] for n in range(len(ids))], np.float32).reshape(-1, 4)
    tracks = Tracks(
        np.array(ids, np.int64),
        boxes,
        np.full(len(ids), 0.9, np.float32),
        np.zeros(len(ids), np.int64),
        np.arange(len(ids)),
        vectors,
    )
    return TrackedFrame(index, np.zeros((40, 60, 3), np.uint8), index / 25, tracks)


def crowd(frames, rng):
    """Everybody stays for seven frames; every fortieth person comes back later."""
    for index in range(1, frames + 1):
        ids = [index + n for n in range(7)] + [index // 2 // 40 * 40 + 1] * (index > 200)
        yield people(index, sorted(set(ids)), rng)


def saved(path, in_memory, monkeypatch, frames=600):
    monkeypatch.setattr(track_means, "IN_MEMORY", in_memory)
    monkeypatch.setattr(track_means, "_ROWS_AT_ONCE", 50)
    path.parent.mkdir()
    with EmbeddingSink(path, {"name": "a"}) as sink:
        for frame in crowd(frames, np.random.default_rng(1)):
            sink.write(frame)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with np.load(path) as arrays:
        return dict(arrays)


def test_vectors_are_the_same_however_many_are_in_memory(tmp_path, monkeypatch):
    all_of_them = saved(tmp_path / "a" / "embeddings.npz", 10_000, monkeypatch)
    for in_memory in (10, 31, 599):
        few = saved(tmp_path / f"b{in_memory}" / "embeddings.npz", in_memory, monkeypatch)
        assert few.keys() == all_of_them.keys()
        for name, array in all_of_them.items():
            if name == "embedding":
                np.testing.assert_allclose(few[name], array, atol=1e-6)
            else:
                np.testing.assert_array_equal(few[name], array)
    vectors: dict[int, list[NDArray[np.float64]]] = {}
    for frame in crowd(600, np.random.default_rng(1)):
        for id_, vector in zip(frame.ids.tolist(), frame.embeddings, strict=True):
            vectors.setdefault(id_, []).append(vector.astype(np.float64))
    assert all_of_them["ids"].tolist() == sorted(vectors)
    means = np.array([np.sum(vectors[id_], axis=0) for id_ in sorted(vectors)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(all_of_them["embedding"], means, atol=1e-6)
    assert all_of_them["count"].tolist() == [len(vectors[id_]) for id_ in sorted(vectors)]


def test_the_file_is_the_one_that_numpy_writes(tmp_path, monkeypatch):
    arrays = saved(tmp_path / "a" / "embeddings.npz", 50, monkeypatch)
    np.savez(tmp_path / "numpy.npz", **arrays)
    assert (tmp_path / "a" / "embeddings.npz").read_bytes() == (tmp_path / "numpy.npz").read_bytes()


class Weeks:
    """A live source without an end, which breaks in all the ways that are noted."""

    def __init__(self, frames):
        self.facts, self.damage, self.seen = Facts("weeks", "weeks", fps=25.0, live=True), Damage(), 0
        self._frames = frames

    def read(self, _):
        image = np.zeros((40, 640, 3), np.uint8)
        for number in range(1, self._frames + 1):
            self.seen = number
            if self.seen % 10 == 0:
                self.damage.lost(self.seen)
                self.damage.note(f"note {self.seen}")
                self.facts.tallies["away"] = f"{self.seen} times"
            else:
                yield Picture(self.seen, image, self.seen / 25)

    def close(self):
        pass


class Passing:
    """People who come and go: each is there for eight frames and looks like nobody else."""

    name, dropped = "passing", 0

    def __init__(self):
        self._rng = np.random.default_rng(1)

    def __call__(self, frame):
        who = np.arange(frame.index // 8 * 8, frame.index // 8 * 8 + 8)
        left = (who % 8) * 70.0 + 30 * (frame.index // 8 % 2)
        xyxy = np.stack([left, np.full(8, 5.0), left + 8, np.full(8, 30.0)], axis=1).astype(np.float32)
        vectors = self._rng.normal(size=(8, WIDTH)).astype(np.float32)
        return Detections(xyxy, np.full(8, 0.9, np.float32), np.zeros(8, np.int64), vectors)


@pytest.mark.parametrize("tracker", ["remix", "deep-sort"])
def test_a_live_run_does_not_grow(tmp_path, monkeypatch, tracker):
    monkeypatch.setattr(track_means, "IN_MEMORY", 64)
    frames = 1000
    association = AssociationSettings(tracker=tracker, camera_motion=tracker != "remix")
    made = Tracker.around(None, fps=25, settings=DeepSortSettings(max_age=8, n_init=2), association=association)
    seen = DetectAndEmbed(FrameProcessor(Passing(), None, min_confidence=0.5, clock=made.clock))
    run = Run(Source(Weeks(frames), Selection()), seen, made, fps=25)
    drawer = Drawer(DrawingSettings(labels=False, trail_seconds=0.4))  # of labels the latest 4,096 are kept
    sinks = [
        MotTextSink(tmp_path / "tracks.txt"),
        CsvSink(tmp_path / "tracks.csv"),
        JsonLinesSink(tmp_path / "tracks.jsonl"),
        CropSink(tmp_path / "crops", CropSettings(crops_in_all=20)),
        EmbeddingSink(tmp_path / "embeddings.npz"),
    ]
    held = []
    tracemalloc.start()
    try:
        for frame in run:
            for sink in sinks:
                sink.write(frame)
            drawer.draw(frame)
            if frame.index in (frames // 2 + 1, frames - 1):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    for sink in sinks:
        sink.close()
    assert len(run.people) > 800, "many come and go, or the test proves nothing"
    assert held[1] - held[0] < 20_000, "bytes; two numbers for each of 500 people are more"
    assert len(run.source.problems) <= 21
    with np.load(tmp_path / "embeddings.npz") as arrays:
        assert arrays["ids"].tolist() == list(run.people)

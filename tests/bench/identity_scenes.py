"""Drawn people who walk from camera to camera, as tracklets with their exact truth; for `bench_identities`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.embedder import embed_crops
from remix_track.encoder.load import load_embedder
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import panorama
from remix_track.synthetic.wardrobe import WARDROBES
from remix_track.track_means import unit

_CROPS = 4
_LOOKALIKES = 0.3
_FPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """Row i of every array is one tracklet.

    Attributes:
        person: (T,) int64 who it is, 0..
        camera: (T,) int64.
        start, end: (T,) float64 seconds of the one clock of all cameras.
        boxes: (T,) int64.
        vector: (T, D) float32 the mean of its crops' vectors at length 1.
    """

    person: NDArray[np.int64]
    camera: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    boxes: NDArray[np.int64]
    vector: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Tracklets":
        return Tracklets(*(getattr(self, name)[rows] for name in Tracklets.__slots__))


def walks(people: int, cameras: int, seed: int, seconds: float = 3600.0) -> list[tuple[int, int, float, float]]:
    """(person, camera, start, end) of every tracklet: people come at any time of the hour, walk by three to six
    cameras one after another, and one walk in four is lost and found again on its way.
    """
    rng, made = np.random.default_rng(seed), []
    for person in range(people):
        now = float(rng.uniform(0, seconds / 2))
        for camera in rng.integers(0, cameras, int(rng.integers(3, 7))).tolist():
            spent = float(rng.uniform(6, 25))
            cut = now + spent * float(rng.uniform(0.3, 0.7)) if rng.random() < 0.25 else None
            spans = [(now, now + spent)] if cut is None else [(now, cut), (cut + 1.0, now + spent + 1.0)]
            made += [(person, camera, *span) for span in spans]
            now = spans[-1][1] + float(rng.uniform(10, 240))
    return made


def draw(people: int, cameras: int = 6, *, seed: int = 0) -> Tracklets:
    """Draw the crops of every walk, and embed them with the shipped weights; three in ten people are look-alikes."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    persons = crowd(rng, people, lookalikes=_LOOKALIKES, any_colour=0.0, wardrobe=WARDROBES["street"])
    views = [CropCamera.sample(rng) for _ in range(cameras)]
    scenery = [panorama(view.place, view.pitch) for view in views]
    embedder = load_embedder("default")
    assert embedder is not None
    made, vectors = walks(people, cameras, seed), []
    for number, (who, where, *_) in enumerate(made):
        own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, number)))
        crops = list(tracklet(persons[who], views[where], scenery[where], persons, _CROPS, own))
        vectors.append(embed_crops(embedder, crops).astype(np.float64).sum(axis=0))
    person, camera, start, end = (np.array(column) for column in zip(*made, strict=True))
    boxes = np.maximum(1, np.rint(_FPS * (end - start))).astype(np.int64)
    return Tracklets(person, camera, start, end, boxes, unit(np.array(vectors)).astype(np.float32))


def kept(folder: Path, people: int, **how: int) -> Tracklets:
    """`draw`, kept in a file between runs of the bench: the drawing takes minutes."""
    path = folder / f"people-{people}-{'-'.join(f'{name}{value}' for name, value in sorted(how.items()))}.npz"
    if not path.exists():
        drawn = draw(people, **how)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{name: getattr(drawn, name) for name in Tracklets.__slots__})
    with np.load(path) as found:
        return Tracklets(*(found[name] for name in Tracklets.__slots__))

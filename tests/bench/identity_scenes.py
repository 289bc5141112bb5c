"""Drawn people who walk from camera to camera, as tracklets with their exact truth; for `bench_identities`."""

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.encoder.embedder import embed_crops
from remix_track.encoder.load import load_embedder
from remix_track.mot_text import MotRows
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import panorama
from remix_track.synthetic.wardrobe import WARDROBES
from remix_track.track_means import unit
from tests.bench import bench_link, bench_reid

_ROWS = ("person", "camera", "start", "end", "boxes", "vector")
_CROPS = 4
_LOOKALIKES = 0.3
_FPS = 10
_FEWEST_BOXES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """Row i of every array is one tracklet.

    Attributes:
        person: (T,) int64 who it is, 0..
        camera: (T,) int64.
        start, end: (T,) float64 seconds of the one clock of all cameras.
        boxes: (T,) int64.
        vector: (T, D) float32 the mean of its crops' vectors at length 1.
        one_clock: () bool: times of two cameras can be compared.
    """

    person: NDArray[np.int64]
    camera: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    boxes: NDArray[np.int64]
    vector: NDArray[np.float32]
    one_clock: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Tracklets":
        arrays = {name: getattr(self, name)[rows] for name in _ROWS}
        return Tracklets(**arrays, one_clock=self.one_clock)


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


@dataclass(frozen=True, slots=True)
class Dusk:
    """What night and the lamps of its place make of a camera: darker, noisier, greyer, and in the colour of the lamps.

    Attributes:
        gain: factors of blue, green, red by night.
        saturation: share of the colours that is left.
        begin, end: seconds between which it grows dark.
    """

    gain: tuple[float, float, float]
    saturation: float
    begin: float = 900.0
    end: float = 2700.0

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Dusk":
        """From sodium lamps, which are orange, to white ones, which look blue; what the camera's gain makes up for."""
        warmth, exposure = float(rng.uniform(-0.2, 0.4)), float(rng.normal(-0.35, 0.15))
        gain = (np.exp(exposure - warmth), np.exp(exposure), np.exp(exposure + warmth))
        return cls((float(gain[0]), float(gain[1]), float(gain[2])), float(rng.uniform(0.3, 0.7)))

    def dark(self, time: float) -> float:
        """How dark it is at that time, 0 to 1."""
        return min(max((time - self.begin) / (self.end - self.begin), 0.0), 1.0)

    def over(self, crop: NDArray[np.uint8], time: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """A crop (H, W, 3) BGR by day as it would be at that time."""
        dark = self.dark(time)
        grey = crop.mean(axis=2, keepdims=True)
        lit = (grey + self.saturation**dark * (crop - grey)) * np.array(self.gain) ** dark
        noisy = np.rint(lit + rng.normal(0, 1e-9 + 8 * dark, crop.shape))
        return np.asarray(np.clip(noisy, 0, 255), np.uint8)

    def at(self, camera: CropCamera, time: float) -> CropCamera:
        """The camera as it is at that time."""
        dark = self.dark(time)
        blue, green, red = (one * more**dark for one, more in zip(camera.gain, self.gain, strict=True))
        return dataclasses.replace(
            camera,
            gain=(blue, green, red),
            saturation=camera.saturation * self.saturation**dark,
            noise=camera.noise * 2**dark,
        )


def draw(people: int, cameras: int = 6, *, seed: int = 0, dusk: bool = False) -> Tracklets:
    """Draw the crops of every walk, and embed them with the shipped weights; three in ten people are look-alikes."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    persons = crowd(rng, people, lookalikes=_LOOKALIKES, any_colour=0.0, wardrobe=WARDROBES["street"])
    views = [CropCamera.sample(rng) for _ in range(cameras)]
    scenery = [panorama(view.place, view.pitch) for view in views]
    lamps = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    nights = [Dusk.sample(lamps) for _ in range(cameras)]
    embedder = load_embedder("default")
    assert embedder is not None
    made, vectors = walks(people, cameras, seed), []
    for number, (who, where, begin, _) in enumerate(made):
        own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, number)))
        view = nights[where].at(views[where], begin) if dusk else views[where]
        crops = list(tracklet(persons[who], view, scenery[where], persons, _CROPS, own))
        vectors.append(embed_crops(embedder, crops).astype(np.float64).sum(axis=0))
    person, camera, start, end = (np.array(column) for column in zip(*made, strict=True))
    boxes = np.maximum(1, np.rint(_FPS * (end - start))).astype(np.int64)
    return Tracklets(person, camera, start, end, boxes, unit(np.array(vectors)).astype(np.float32), np.array(True))


def kept(folder: Path, people: int, *, cameras: int, seed: int, dusk: bool = False) -> Tracklets:
    """`draw`, kept in a file between runs of the bench: the drawing takes minutes."""
    path = folder / f"people-{people}-cameras{cameras}-seed{seed}{'-dusk' * dusk}.npz"
    return _kept(path, lambda: draw(people, cameras, seed=seed, dusk=dusk))


def real(data: Path, folder: Path, weights: str, *, seed: int, dusk: bool = False) -> Tracklets:
    """37 real people who walk by two cameras in two hours, eight times by each, two crops at a time."""
    name = f"real-{Path(weights).stem}-seed{seed}{'-dusk' * dusk}.npz"
    return _kept(folder / name, lambda: _real(data, weights, seed, dusk))


def _real(data: Path, weights: str, seed: int, dusk: bool) -> Tracklets:
    crops = bench_reid.reid_real(data)
    embedder = load_embedder(weights)
    assert crops is not None
    assert embedder is not None
    rng = np.random.default_rng(seed)
    nights = [dataclasses.replace(Dusk.sample(rng), begin=2400.0, end=3600.0) for _ in range(2)]
    rows, vectors = [], []
    for person in np.unique(crops.person).tolist():
        now = float(rng.uniform(0, 1200))
        parts = [
            (camera, np.flatnonzero((crops.person == person) & (crops.camera == camera))[part::4])
            for _ in range(2)
            for camera in (0, 1)
            for part in range(4)
        ]
        for number in [*rng.permutation(8), *8 + rng.permutation(8)]:
            camera, some = parts[number]
            images = [crops.images[row] for row in some.tolist()]
            seen = [nights[camera].over(image, now, rng) for image in images] if dusk else images
            vectors.append(embed_crops(embedder, seen).astype(np.float64).sum(axis=0))
            rows.append((person, camera, now, now + 10.0))
            now += float(rng.uniform(30, 500))
    person, camera, start, end = (np.array(column) for column in zip(*rows, strict=True))
    boxes = np.full(len(person), 100)
    return Tracklets(person, camera, start, end, boxes, unit(np.array(vectors)).astype(np.float32), np.array(True))


def pets(data: Path, folder: Path) -> Tracklets:
    """The tracks of PETS 2009 S2L1 cut in two, of the truth's boxes, as of two cameras whose clocks tell nothing.

    Its truth gives people who come back a new number. By eye, the nineteen numbers are ten people. Tracks of fewer than
    five boxes are left out, as `remix-track identify` leaves them.
    """
    return _kept(folder / "pets.npz", lambda: _pets(data))


_PETS_PEOPLE = {19: 1, 13: 2, 11: 3, 12: 4, 9: 5, 10: 6, 14: 8, 15: 8, 18: 8}


def _pets(data: Path) -> Tracklets:
    parts = list[Tracklets]()
    with tempfile.TemporaryDirectory() as folder:
        footage = bench_link.pets_in_two(data, Path(folder))
        for camera, (video, detector) in enumerate(footage.films):
            found, rows = bench_link.recorded(video, detector, "default", 0.3789)
            means = found.means
            truth = footage.truth[(footage.truth.frame - 1) // footage.frames == camera]
            own = np.array([_whom(rows[rows.id == id_], truth, camera * footage.frames) for id_ in means.ids.tolist()])
            person = np.array([_PETS_PEOPLE.get(number, number) for number in own.tolist()])
            times = means.first_frame / 7.0, means.last_frame / 7.0
            where = np.full(len(person), camera)
            made = Tracklets(person, where, *times, means.count, means.mean, np.array(False))
            parts.append(made[means.count >= _FEWEST_BOXES])
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ROWS}
    return Tracklets(**columns, one_clock=np.array(False))


def _whom(rows: MotRows, truth: MotRows, before: int) -> int:
    """The person of the truth whom most of a track's boxes cover by half."""
    votes = Counter[int]()
    for frame, tlwh in zip(rows.frame.tolist(), rows.tlwh, strict=True):
        there = truth[truth.frame == frame + before]
        if len(there.id):
            overlap = iou_tlwh(tlwh[None], there.tlwh)[0]
            if overlap.max() >= 0.5:
                votes[int(there.id[overlap.argmax()])] += 1
    return votes.most_common(1)[0][0] if votes else 0


def _kept(path: Path, make: Callable[[], Tracklets]) -> Tracklets:
    if not path.exists():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{name: getattr(made, name) for name in Tracklets.__slots__})
    with np.load(path) as found:
        return Tracklets(*(found[name] for name in Tracklets.__slots__))

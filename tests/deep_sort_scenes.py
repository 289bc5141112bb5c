"""People for the Deep SORT tests, and deep-sort-realtime, bare and mended, to hold the adapter against."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from deep_sort_realtime.deep_sort.nn_matching import NearestNeighborDistanceMetric
from deep_sort_realtime.deepsort_tracker import DeepSort as PackageDeepSort
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections
from remix_track.trackers.association.assignment import Assigned
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.association.track_table import Table
from remix_track.trackers.tracker import Tracker


def deep_sort(settings: DeepSortSettings | None = None, *, fps: float = 30.0) -> Tracker:
    """Deep SORT for detections that bring their vectors."""
    association = AssociationSettings(tracker="deep-sort")
    return Tracker.around(None, fps=fps, settings=settings or DeepSortSettings(), association=association)


def with_released_gallery(tracker: Tracker) -> Tracker:
    """The same tracker with the fault of deep-sort-realtime 1.3.2: each frame repeats every track's newest vector."""
    life, gallery = tracker._life_cycle, memory(tracker)
    match = life._match

    def matched(tracks: Table, found: FrameDetections) -> Assigned:
        assigned = match(tracks, found)
        rows = tracks["memory"][tracks["confirmed"]]
        rows = rows[gallery.sizes(rows) > 0]
        if len(rows):
            gallery.add(rows, gallery.newest(rows))
        return assigned

    life._match = matched
    return tracker


def table(tracker: Tracker) -> Table:
    """All its tracks after the last frame."""
    return tracker._life_cycle.tracks


def memory(tracker: Tracker) -> Any:
    """What its tracks remember of their appearance."""
    return tracker._life_cycle.memory


def person(left: float, top: float = 100.0, width: float = 40.0, height: float = 100.0) -> list[float]:
    """Corners of one box."""
    return [left, top, left + width, top + height]


def frame_of(*xyxy: list[float], embedding: Any = None, score: Any = None, class_id: Any = None) -> Detections:
    """One frame of boxes; confidence 0.9 and class 0 unless given."""
    count = len(xyxy)
    return Detections(
        np.array(xyxy, np.float32).reshape(-1, 4),
        np.full(count, 0.9, np.float32) if score is None else score,
        np.zeros(count, np.int64) if class_id is None else class_id,
        None if embedding is None else np.atleast_2d(np.asarray(embedding, np.float32)),
    )


def street(frames: int, people: int, width: int = 64, seed: int = 0) -> Iterator[Detections]:
    """People who walk to and fro on lanes of their own, are missed now and then, and give way to others for good."""
    rng = np.random.default_rng(seed)
    look = rng.normal(size=(people, width))
    lane = 60.0 * np.arange(people)
    for frame in range(frames):
        phase = (frame + 97 * np.arange(people)) % 400
        look[phase == 0] = rng.normal(size=(int((phase == 0).sum()), width))
        seen = (rng.random(people) > 0.05) & (phase >= 20)
        left = lane + 15 * np.sin(frame / 20 + np.arange(people))
        top = 100.0 + 300 * (1 + np.sin(frame / 90 + 2 * np.arange(people)))
        xyxy = np.stack([left, top, left + 40, top + 100], axis=1) + rng.normal(scale=0.5, size=(people, 4))
        vectors = look + rng.normal(scale=0.3, size=(people, width))
        yield Detections(
            xyxy[seen].astype(np.float32),
            np.full(int(seen.sum()), 0.9, np.float32),
            np.zeros(int(seen.sum()), np.int64),
            vectors[seen].astype(np.float32),
        )


def crowd(
    frames: int, people: int, width: int = 16, *, seed: int = 0, area: float = 600.0, vanish: float = 0.02
) -> Iterator[Detections]:
    """People who walk at random through one another, look alike, and false alarms among them.

    Each stays in a square of side `area`, and is not seen for up to 60 frames with probability `vanish` per frame.
    """
    rng = np.random.default_rng(seed)
    look = 1 + rng.normal(size=(people, width))
    place = rng.uniform(0, area, size=(people, 2))
    speed = rng.normal(scale=2.0, size=(people, 2))
    height = rng.uniform(50, 150, size=people)
    hidden = np.zeros(people, int)
    for _ in range(frames):
        speed += rng.normal(scale=0.3, size=speed.shape) - 0.02 * speed
        place = np.mod(place + speed, area)
        hidden = np.where(rng.random(people) < vanish, rng.integers(1, 60, people), hidden - 1)
        seen = np.flatnonzero((hidden <= 0) & (rng.random(people) > 0.1))
        alarms = rng.integers(0, 1 + people // 8 + 1)
        centre = np.concatenate([place[seen], rng.uniform(0, area, size=(alarms, 2))])
        tall = np.concatenate([height[seen], rng.uniform(50, 150, size=alarms)]) * rng.normal(1, 0.02, len(centre))
        size = np.stack([0.4 * tall, tall], axis=1)
        corner = centre - size / 2 + rng.normal(scale=1.5, size=size.shape)
        vectors = np.concatenate([look[seen], 1 + rng.normal(size=(alarms, width))])
        vectors = vectors + rng.normal(scale=0.5, size=vectors.shape)
        mixed = rng.permutation(len(centre))
        xyxy = np.concatenate([corner, corner + size], axis=1)[mixed].astype(np.float32)
        score = rng.uniform(0.5, 1, len(centre)).astype(np.float32)
        yield Detections(xyxy, score, np.zeros(len(centre), np.int64), vectors[mixed].astype(np.float32))


class _MendedMetric(NearestNeighborDistanceMetric):  # type: ignore[misc]
    """The package's galleries without its fault: of a known track, the first feature handed over is an old one."""

    def partial_fit(self, features: Any, targets: Any, active_targets: Any) -> None:
        _, first = np.unique(targets, return_index=True)
        new = np.ones(len(targets), np.bool_)
        new[[i for i in first if targets[i] in self.samples]] = False
        super().partial_fit(features[new], targets[new], active_targets)


def mended_package(**options: Any) -> Any:
    """The package with its gallery fault mended."""
    package = bare_package(**options)
    metric = package.tracker.metric
    package.tracker.metric = _MendedMetric("cosine", metric.matching_threshold, metric.budget)
    return package


def bare_package(**options: Any) -> Any:
    """The package as its users call it, embeddings handed in."""
    return PackageDeepSort(**{"embedder": None, "nn_budget": 100, **options})


def package_tracks(package: Any, detections: Detections) -> list[Any]:
    """One frame through the bare package."""
    tlwh = tlwh_from_xyxy(detections.xyxy.astype(np.float64))
    raw = [
        (box.tolist(), float(score), int(kind))
        for box, score, kind in zip(tlwh, detections.score, detections.class_id, strict=True)
    ]
    assert detections.embedding is not None
    return list(package.update_tracks(raw, embeds=list(detections.embedding)))


def package_boxes(tracks: list[Any]) -> dict[str, NDArray[np.float64]]:
    """Kalman boxes (left, top, right, bottom) of the confirmed tracks matched in this frame, by the package's ids."""
    return {t.track_id: t.to_ltrb() for t in tracks if t.is_confirmed() and t.time_since_update == 0}

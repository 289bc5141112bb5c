"""People for the Deep SORT tests, and the bare deep-sort-realtime to hold the adapter against."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from deep_sort_realtime.deepsort_tracker import DeepSort as PackageDeepSort
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections


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

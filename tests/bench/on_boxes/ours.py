"""Our tracker on given boxes: no process of its own, no network, no image, so that many settings can be compared."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections
from remix_track.mot_text import format_frame
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.bench.on_boxes.clips import Clip, appearance_limit

_NO_IMAGE = np.empty((0, 0, 3), np.uint8)


def track(
    clip: Clip, appearance: str | None, changes: Mapping[str, Any], stays: NDArray[np.bool_] | None = None
) -> str:
    """The result as MOT text; `changes` are settings by name, the others stay at their defaults.

    `stays` (N,) says which of the clip's detections are given; None: all.
    """
    given, vectors = clip.given, None
    names = {field.name for field in dataclasses.fields(AssociationSettings)}
    shared = {key: value for key, value in changes.items() if key not in names}
    if appearance is not None:
        vectors = np.load(given.folder / f"vectors-{appearance}.npz", allow_pickle=False)["vectors"]
        shared.setdefault("max_cosine_distance", appearance_limit(clip, appearance))
    association = AssociationSettings(**{key: value for key, value in changes.items() if key in names})
    settings = DeepSortSettings(**shared)
    tracker = Tracker.around(None, fps=given.fps, settings=settings, association=association, frame_width=given.width)
    lines = []
    cameras = clip.cameras() if association.follows_camera else [None] * given.frames
    for number, ((xyxy, score, rows), camera) in enumerate(zip(given.boxes(), cameras, strict=True), 1):
        if stays is not None:
            kept = stays[rows]
            xyxy, score, rows = xyxy[kept], score[kept], rows[kept]
        found = Detections(xyxy, score, np.zeros(len(score), np.int64), None if vectors is None else vectors[rows])
        tracks = tracker.update(found, _NO_IMAGE, camera)
        tlwh = np.asarray(tlwh_from_xyxy(tracks.xyxy), np.float64)
        lines.append(format_frame(number, tracks.ids, tlwh, tracks.score.astype(np.float64)))
    return "".join(lines)


def track_into(clip: Clip, appearance: str | None, changes: Mapping[str, Any], output: Path) -> None:
    """`track`, written to a file."""
    output.write_text(track(clip, appearance, changes))

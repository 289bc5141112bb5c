"""roboflow's `trackers` with their defaults, on given boxes. Runs in its own environment."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import supervision

from tests.bench.on_boxes.given import GivenClip, GivenFrame, run_peer

# The project's folder, where this is run, has a package of that name as well.
sys.path.remove(str(Path.cwd()))
import trackers  # noqa: TID251 - theirs, not ours

TRACKERS = {"bytetrack": "ByteTrackTracker", "ocsort": "OCSORTTracker", "sort": "SORTTracker", "cbiou": "CBIoUTracker"}


def _make(name: str, clip: GivenClip, with_vectors: bool) -> Callable[[GivenFrame], Iterator[tuple[int, Any, float]]]:
    if with_vectors:
        raise SystemExit("roboflow's trackers go by motion only")
    tracker = getattr(trackers, TRACKERS[name])(frame_rate=clip.fps)

    def step(frame: GivenFrame) -> Iterator[tuple[int, Any, float]]:
        classes = np.zeros(len(frame.score), int)
        found = tracker.update(supervision.Detections(frame.xyxy, confidence=frame.score, class_id=classes))
        ids = [] if found.tracker_id is None else found.tracker_id.tolist()
        for id_, xyxy, score in zip(ids, found.xyxy, found.confidence if ids else [], strict=True):
            if id_ >= 0:
                yield 1 + id_, xyxy, float(score)

    return step


if __name__ == "__main__":
    run_peer(_make)

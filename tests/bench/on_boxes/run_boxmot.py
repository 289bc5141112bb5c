"""BoxMOT's trackers with the settings of its own configuration files, on given boxes. Runs in its own environment."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from boxmot.structures import Boxes, Detections
from boxmot.trackers.config import load_tracker_config
from boxmot.trackers.factory import create_tracker
from boxmot.trackers.specs import TrackerSpec
from loguru import logger

from tests.bench.on_boxes.given import GivenClip, GivenFrame, run_peer


def _make(name: str, clip: GivenClip, with_vectors: bool) -> Callable[[GivenFrame], Iterator[tuple[int, Any, float]]]:
    known = load_tracker_config(name, None, {})
    # A black image says nothing of the camera.
    wanted = {"frame_rate": clip.fps, "use_cmc": clip.has_images, "use_embeddings": with_vectors}
    chosen = {key: value for key, value in wanted.items() if key in known and known[key] is not False}
    tracker = create_tracker(TrackerSpec(name, options=tuple(sorted(chosen.items()))))

    def step(frame: GivenFrame) -> Iterator[tuple[int, Any, float]]:
        vectors = None if frame.vectors is None else torch.from_numpy(frame.vectors)
        found = Detections(
            Boxes(torch.from_numpy(frame.xyxy)),
            torch.from_numpy(frame.score).clamp(0, 1),
            torch.zeros(len(frame.score), dtype=torch.int64),
            "frame",
            embeddings=vectors,
        )
        tracks = tracker.update(found, frame.image)
        yield from zip(
            (1 + tracks.track_ids).tolist(), tracks.geometry.values.tolist(), tracks.scores.tolist(), strict=True
        )

    return step


if __name__ == "__main__":
    logger.remove()
    run_peer(_make)

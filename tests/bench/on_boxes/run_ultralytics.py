"""ultralytics' trackers with the settings of its own files, on given boxes. Runs in its own environment.

With vectors re-identification is on, and the given ones stand for the detector's own features (`model: auto`).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import ultralytics
from ultralytics.engine.results import Boxes
from ultralytics.trackers.bot_sort import BOTSORT
from ultralytics.trackers.track_tracker import TRACKTRACK
from ultralytics.utils import YAML, IterableSimpleNamespace

from tests.bench.on_boxes.given import GivenClip, GivenFrame, run_peer

TRACKERS = {"botsort": BOTSORT, "tracktrack": TRACKTRACK}
_SETTINGS = Path(ultralytics.__file__).parent / "cfg" / "trackers"


def _make(name: str, clip: GivenClip, with_vectors: bool) -> Callable[[GivenFrame], Iterator[tuple[int, Any, float]]]:
    camera = {} if clip.has_images else {"gmc_method": "none"}
    settings = YAML.load(_SETTINGS / f"{name}.yaml") | {"with_reid": with_vectors, "model": "auto"} | camera
    tracker = TRACKERS[name](IterableSimpleNamespace(**settings))

    def step(frame: GivenFrame) -> Iterator[tuple[int, Any, float]]:
        rows = np.column_stack([frame.xyxy, frame.score, np.zeros(len(frame.score))]).astype(np.float32)
        more = {} if frame.vectors is None else {"feats": torch.from_numpy(frame.vectors)}
        found = tracker.update(Boxes(rows, frame.image.shape[:2]), frame.image, **more)
        for row in np.asarray(found).reshape(-1, 8).tolist():
            yield int(row[4]), row[:4], row[5]

    return step


if __name__ == "__main__":
    run_peer(_make)

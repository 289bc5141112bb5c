"""From settings to a run: `track(...)` for Python, `Runs` for whoever tracks several sources."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track import settings as settings_
from remix_track.trackers.deep_sort import UNCALIBRATED_COSINE_DISTANCE
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.pipeline import Run
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import Source, open_source
from remix_track.trackers.tracker import Tracker


class Runs:
    """Makes runs with the same settings: the encoder is loaded once, a detector for each (YOLO's keeps state)."""

    def __init__(self, settings: TrackSettings, *, threads: int | None = None) -> None:
        """Load the encoder; its network gets `threads`, or all there are.

        Raises:
            InputError: weights that cannot be used.
        """
        from remix_track.encoder.load import load_embedder

        look = settings.appearance
        self.embedder = load_embedder(
            look.weights,
            input_size=look.height_width(),
            channel_order=look.channel_order,
            mean=look.mean or None,
            std=look.std or None,
            device=settings.detector.device or "auto",
            threads=threads,
            backend=look.backend,
        )
        self._last: Detector | None = None
        # Filled in here, so that the summary says which threshold was used.
        threshold = None if self.embedder is None else self.embedder.max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE
        self.settings = settings.with_calibration(threshold)

    def run(self, source: Source, *, stride: int = 1) -> Run:
        """A run over `source`, of which every `stride`-th frame comes.

        Raises:
            InputError: a detector that cannot be used.
        """
        fps = source.fps / stride
        tracker = Tracker.around(self.embedder, fps=fps, settings=self.settings.tracker)
        return Run(source, self.detector(), tracker, fps=fps)

    def detector(self) -> Detector:
        """A detector for one stream: the one there is where it keeps no state, else a new one.

        Raises:
            InputError: it cannot be used.
        """
        from remix_track.trackers.detectors.auto import find_detector
        from remix_track.trackers.detectors.hog import HogDetector

        # Looking for YOLO again for every source would wait, and warn, every time.
        if isinstance(self._last, HogDetector):
            return self._last
        wanted = self.settings.detector
        self._last = find_detector(
            wanted.detector,
            classes=wanted.classes,
            conf=self.settings.tracker.min_confidence,
            iou=wanted.iou,
            imgsz=wanted.imgsz,
            device=wanted.device,
        )
        return self._last


def track(
    source: str | Path | int,
    *,
    start: int = 1,
    stride: int = 1,
    frames: int | None = None,
    fps: float | None = None,
    settings: TrackSettings | None = None,
    **changes: Any,
) -> Run:
    """Track people in a video.

        for frame in remix_track.track("video.mp4", detector="yolo11n.pt", max_age=60):
            print(frame.index, frame.ids, frame.xyxy)

    Args:
        source: video file, folder or glob of images, MOT sequence folder, webcam index, or URL.
        start: first frame, from 1.
        stride: take every `stride`-th frame.
        frames: stop after so many.
        fps: frames per second, where the source is silent or wrong.
        settings: everything else, in sections.
        **changes: single settings by the name of their command-line flag: `detector`, `imgsz`, `classes`, `weights`,
            `min_confidence`, `max_age` ...; they win over `settings`.

    Returns:
        The run: iterate it once for a `TrackedFrame` per frame, as they come.

    Raises:
        InputError: a source, detector, weights file or setting that cannot be used. While iterating: a source that
            turns out to have no frames.
    """
    runs = Runs(_changed(settings or TrackSettings(), changes))
    return runs.run(open_source(source, start=start, stride=stride, frames=frames, fps=fps), stride=stride)


def _changed(settings: TrackSettings, changes: Mapping[str, Any]) -> TrackSettings:
    for section in dataclasses.fields(settings):
        part = getattr(settings, section.name)
        mine = {key: value for key, value in changes.items() if key in {f.name for f in dataclasses.fields(part)}}
        if mine:
            kept = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
            part = settings_.build(type(part), kept | mine, "track()")
            settings = dataclasses.replace(settings, **{section.name: part})
    known = [f.name for s in dataclasses.fields(settings) for f in dataclasses.fields(getattr(settings, s.name))]
    settings_.refuse_unknown(changes, known, "track()")
    return settings

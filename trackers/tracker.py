"""Detections and a picture in, tracks out: the appearance encoder and Deep SORT as one object."""

import dataclasses
import logging
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track import settings as settings_
from remix_track.detections import Detections, Tracks
from remix_track.encoder.embedder import Embedder
from remix_track.trackers.deep_sort import DeepSort, DeepSortSettings
from remix_track.trackers.stage_clock import StageClock

_logger = logging.getLogger(__name__)


class Tracker:
    """One video's tracker, for a loop of one's own.

        tracker = remix_track.Tracker(fps=25)
        for image in frames:
            tracks = tracker.update(Detections(xyxy, score, class_id), image)

    Make one per video: ids start at 1 and are never shared between videos.
    """

    def __init__(
        self,
        weights: str = "default",
        *,
        fps: float = 30.0,
        settings: DeepSortSettings | None = None,
        **changes: Any,
    ) -> None:
        """Load the encoder and start with no tracks.

        Args:
            weights: `FILE.safetensors`, `FILE.onnx`, `default`, or `none` for motion only.
            fps: the source's frames per second; `max_age` is scaled by it.
            settings: Deep SORT's settings.
            **changes: single settings by name, such as `max_age=60`; they win over `settings`.

        Raises:
            InputError: weights that cannot be used, or a setting that is unknown or out of range.
        """
        from remix_track.encoder.load import load_embedder

        given = settings or DeepSortSettings()
        if changes:
            kept = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
            given = settings_.build(DeepSortSettings, kept | changes, "Tracker()")
        self._prepare(load_embedder(weights), fps, given)

    @classmethod
    def around(cls, embedder: Embedder | None, *, fps: float, settings: DeepSortSettings) -> Self:
        """A tracker around an encoder that is loaded already (None: motion only), to share it between videos."""
        self = cls.__new__(cls)
        self._prepare(embedder, fps, settings)
        return self

    def _prepare(self, embedder: Embedder | None, fps: float, settings: DeepSortSettings) -> None:
        if settings.max_cosine_distance is None and embedder and embedder.max_cosine_distance is not None:
            settings = dataclasses.replace(settings, max_cosine_distance=embedder.max_cosine_distance)
        self.embedder = embedder
        self.settings = settings
        self.clock = StageClock("embed", "associate")
        self._deep_sort = DeepSort(settings, fps=fps)

    def update(self, detections: Detections, image: NDArray[np.uint8]) -> Tracks:
        """Take the detections of the next frame, of which those below `min_confidence` are left out.

        Call it on every frame, also where there are no detections. Detections that carry embeddings already keep
        them; the others are embedded here.

        Args:
            detections: of this frame.
            image: (H, W, 3) uint8, BGR.

        Returns:
            The people; `Tracks.detection` counts rows of `detections` as given.
        """
        rows = np.flatnonzero(detections.score >= self.settings.min_confidence)
        sure = detections[rows]
        if self.embedder is not None and sure.embedding is None:
            with self.clock("embed"):
                sure = sure.with_embedding(self.embedder(image, sure.xyxy))
        with self.clock("associate"):
            tracks = self._deep_sort.update(sure)
        given = np.where(tracks.detection >= 0, rows[tracks.detection] if len(rows) else -1, -1)
        return dataclasses.replace(tracks, detection=given)

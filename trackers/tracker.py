"""Detections and an image in, tracks out: the appearance encoder and a tracker as one object."""

import dataclasses
import logging
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from remix_track import settings as settings_
from remix_track.arrays import IMAGE, bgr_image, is_no_image, numbers
from remix_track.boxes import xyxy_from_tlwh
from remix_track.detections import Detections, Shapes, Tracks
from remix_track.encoder.embedder import Embedder
from remix_track.errors import InputError
from remix_track.foreign_detections import detections_of
from remix_track.renamed_settings import current_keys
from remix_track.trackers.association.camera_motion import CameraMotion, Warp
from remix_track.trackers.association.deep_sort_tracker import deep_sort
from remix_track.trackers.association.frame_detections import BoxLimit, FrameDetections
from remix_track.trackers.association.remix_tracker import remix
from remix_track.trackers.association.settings import (
    UNCALIBRATED_COSINE_DISTANCE,
    AssociationSettings,
    DeepSortSettings,
    check_fps,
    least_score,
)
from remix_track.trackers.association.track_table import detected, expected, reported
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.linking.finished_video import FinishedVideo
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.stage_clock import StageClock

_Settings = TypeVar("_Settings", DeepSortSettings, AssociationSettings)

_logger = logging.getLogger(__name__)


class Tracker:
    """The tracker of one video, for a loop of your own.

        tracker = remix_track.Tracker(fps=25)
        for image in frames:
            tracks = tracker.update(Detections(xyxy, score, class_id), image)

    Make one per video, or call `reset` before the next one: ids start at 1 and are never shared between videos.

    Attributes:
        embedder: gives detections their appearance; None: motion only.
        settings: as they are used.
        clock: seconds of `embed` and `associate`.
        crops: detections embedded so far.
        crops_saved: detections that were not, as `reid="when-ambiguous"` found them unambiguous.
        frame_width: pixels; None until it is known by an image or by `around`.
        warp: (2, 3) how the camera moved before the last frame; None where it is at rest or the motion is unknown.
    """

    def __init__(
        self,
        weights: "str | Embedder" = "default",
        *,
        fps: float = 30.0,
        settings: DeepSortSettings | None = None,
        association: AssociationSettings | None = None,
        **changes: Any,
    ) -> None:
        """Load the encoder and start with no tracks.

        Args:
            weights: `FILE.safetensors`, `.onnx` or `.xml`, `default`, `imagenet`, or `none` for motion only; or
                an embedder of your own.
            fps: the source's frames per second; `max_age` is scaled by it.
            settings: Deep SORT's settings.
            association: which tracker, and the parts of the remix tracker; None is the defaults.
            **changes: single settings by name, such as `max_age=60` or `tracker="remix"`; they win over both.

        Raises:
            InputError: weights that cannot be used, or a setting that is unknown or out of range.
        """
        from remix_track.encoder.load import load_embedder

        given, parts = settings or DeepSortSettings(), association or AssociationSettings()
        for value, kind in ((given, DeepSortSettings), (parts, AssociationSettings)):
            if not isinstance(value, kind):
                raise InputError(f"Tracker(): {type(value).__name__} where {kind.__name__} is expected")
        names = {field.name for field in dataclasses.fields(AssociationSettings)}
        known = [*names, *(field.name for field in dataclasses.fields(DeepSortSettings))]
        changes = current_keys(changes, known, "Tracker()")
        settings_.refuse_unknown(changes, known, "Tracker()")
        given = _changed(given, {key: value for key, value in changes.items() if key not in names})
        parts = _changed(parts, {key: value for key, value in changes.items() if key in names})
        self._prepare(load_embedder(weights), fps, given, parts)

    @classmethod
    def around(
        cls,
        embedder: Embedder | None,
        *,
        fps: float,
        settings: DeepSortSettings,
        association: AssociationSettings | None = None,
        frame_width: int | None = None,
    ) -> Self:
        """A tracker around an encoder that is loaded already (None: motion only), to share it between videos.

        `frame_width`, in pixels, is for offline tracking without images.
        """
        self = cls.__new__(cls)
        self._prepare(embedder, fps, settings, association or AssociationSettings())
        self.frame_width = frame_width
        return self

    def _prepare(
        self, embedder: Embedder | None, fps: float, settings: DeepSortSettings, association: AssociationSettings
    ) -> None:
        if settings.max_cosine_distance is None and embedder and embedder.max_cosine_distance is not None:
            settings = dataclasses.replace(settings, max_cosine_distance=embedder.max_cosine_distance)
        self.embedder = embedder
        self.settings = settings
        self._association = association
        self._least_score = least_score(settings, association)
        self._begin(fps)

    def _begin(self, fps: float) -> None:
        check_fps(fps)
        settings, association = self.settings, self._association
        self._fps = fps
        self.clock = StageClock("embed", "associate")
        self.crops = self.crops_saved = 0
        is_remix = association.tracker == "remix"
        self._life_cycle = remix(settings, association, fps=fps) if is_remix else deep_sort(settings, fps=fps)
        self.warp: Warp | None = None
        self._found = FrameDetections.of(Detections.empty(), np.empty(0, np.intp), settings)
        self._shapes: Shapes | None = None
        self._vector_width: int | None = None
        self.frame_width: int | None = None
        self._size: tuple[int, int] | None = None
        # Deep SORT asks nothing of the camera, so it is not known whether it rests; who switches that off in the remix
        # tracker says that it does.
        self._camera_way = 0.0 if is_remix else None
        self._frames = 0
        self._limit = BoxLimit()
        self._camera_motion = CameraMotion() if association.follows_camera else None

    def _with_appearance(
        self, found: FrameDetections, detections: Detections, rows: NDArray[np.intp], image: NDArray[np.uint8] | None
    ) -> FrameDetections:
        """`found` with the vectors of those detections at `rows` that are sure and have to be compared."""
        if self.embedder is None and detections.embedding is None:
            return found
        asked = rows
        if self.settings.reid == "when-ambiguous":
            with self.clock("associate"):
                asked = found.row[self._life_cycle.ambiguous(found)]
        sure = detections.score >= self.settings.min_confidence
        asked = asked[sure[asked]]
        self.crops += len(asked)
        self.crops_saved += int(sure[rows].sum()) - len(asked)
        vectors = self._vectors(detections, asked, image)
        if len(rows):
            self._check_width(vectors.shape[1])
            self._vector_width = vectors.shape[1]
        return found.with_appearance(asked, vectors)

    def _vectors(
        self, detections: Detections, rows: NDArray[np.intp], image: NDArray[np.uint8] | None
    ) -> NDArray[np.float32]:
        if detections.embedding is not None or self.embedder is None:
            return cast(NDArray[np.float32], detections.embedding)[rows]
        if image is None:
            return np.zeros((len(rows), self.embedder.width), np.float32)
        with self.clock("embed"):
            return self.embedder(image, detections.xyxy[rows])

    def _check_width(self, width: int) -> None:
        if width != (self._vector_width or width):
            raise InputError(f"embeddings {width} wide after {self._vector_width}; use one embedder per video")

    def update(self, detections: Any, image: Any = None, camera: Warp | None = None) -> Tracks:
        """Associate the detections of the next frame with tracks; those with too low a score are left out.

        Call it for every frame, also without detections. Detections with embeddings keep them; the others are embedded
        here. With `reid="when-ambiguous"`, given embeddings of unambiguous detections are not used, so that tracks do
        not depend on where vectors were computed. Boxes without area are not used, and of more than
        2,000 only those with the best scores (`association.frame_detections.BoxLimit`), which is logged once.

        Args:
            detections: of this frame: `Detections`, or what a detector of another package gave, which is converted:
                `supervision.Detections`, `Results` of ultralytics, a dict of torchvision, an array (N, 6) of `x1, y1,
                x2, y2, score, class`; see `remix_track.foreign_detections.detections_of`. Masks and keypoints go with
                their tracks.
            image: (H, W, 3) uint8, BGR, all of one size; gray, BGRA, floats, 16 bits and images of Pillow are turned
                into that, see `remix_track.arrays.bgr_image`. None, or an array without pixels: there is none. Then
                detections must carry embeddings, unless weights are "none", and the camera is taken to rest.
            camera: (2, 3) how the camera moved since the last frame, where that is known already; else the remix
                tracker sees it in the image.

        Returns:
            The people; `Tracks.detection` counts rows of `detections` as given.

        Raises:
            InputError: detections that are none of these; an image that is missing, of another size than those before
                it, or no image; embeddings of another width than those before them. The frame is not taken then.
        """
        if not isinstance(detections, Detections):
            detections = detections_of(detections)
        pixels, camera = self._checked(detections, image), None if camera is None else _checked_warp(camera)
        rows = np.flatnonzero(detections.score >= self._least_score)
        rows = rows[self._limit.best(detections.score[rows], self._frames + 1)]
        self._follow_camera(self.camera(detections, pixels) if camera is None else camera)
        found = FrameDetections.of(detections, rows, self.settings)
        self._found = found = self._with_appearance(found, detections, rows, pixels)
        with self.clock("associate"):
            self._life_cycle.update(found, self.frame_width)
            coast, detector_box = self.settings.max_coast, self.settings.box == "detector"
            tracks, expected_tlwh = self._life_cycle.tracks, self._life_cycle.expected_tlwh()
            now = reported(tracks, expected_tlwh, found, max_coast=coast, detector_box=detector_box)
        self._shapes = detections.shapes
        return now.with_shapes(self._shapes)

    def pass_over(self, image: Any = None, camera: Warp | None = None, *, ahead: float) -> Tracks:
        """Pass a frame without detecting in it: camera motion is compensated, and no track ages.

        Args:
            image: as `update` takes it.
            camera: as `update` takes it.
            ahead: how far the frame lies from the last one that `update` took, as a share of the time from one such
                frame to the next.

        Returns:
            The people as the last frame had them, where they are expected; no detection is behind them, and scores are
            those of the last one.

        Raises:
            InputError: an image of another size than those before it, or no image.
        """
        pixels, camera = self._checked(Detections.empty(), image), None if camera is None else _checked_warp(camera)
        found = self._found
        if camera is None:
            about_here = Detections(xyxy_from_tlwh(found.tlwh), found.score, found.class_id)
            camera = self.camera(about_here, pixels)
        self._follow_camera(camera)
        with self.clock("associate"):
            width = found.feature.shape[1]
            expected_tlwh = self._life_cycle.expected_tlwh(ahead)
            return expected(self._life_cycle.tracks, expected_tlwh, width, max_coast=self.settings.max_coast)

    def _follow_camera(self, camera: Warp | None) -> None:
        if camera is not None:
            self._life_cycle.follow_camera(camera)
        self.warp = camera
        self._note_turn(camera)

    def reset(self, *, fps: float | None = None) -> None:
        """Begin a new video with the same encoder and settings: no tracks, ids from 1, counts and clock at 0.

        Args:
            fps: frames per second of the new video; None: as before.

        Raises:
            InputError: a rate that none can have.
        """
        self._begin(self._fps if fps is None else fps)

    def end_tracks(self) -> None:
        """End every track: the next image is of another size, or of another scene; ids go on, none is given twice."""
        self._life_cycle.end_all()
        self._size = self.frame_width = None
        self._frames = 0
        if self._camera_way is not None:
            self._camera_way = 0.0
        if self._camera_motion is not None:
            self._camera_motion = CameraMotion()

    def _checked(self, detections: Detections, image: Any) -> NDArray[np.uint8] | None:
        """The image as it is looked at; refuses a frame that cannot be tracked before anything has changed."""
        carried = detections.embedding
        sure = len(detections) and detections.score.max() >= self.settings.min_confidence
        if carried is not None and len(carried):
            self._check_width(carried.shape[1])
        if is_no_image(image):
            if self.embedder and carried is None and sure:
                raise InputError(
                    f"image is missing, and detections have no embedding; expected {IMAGE}, or "
                    'detections.with_embedding(...), or a Tracker with weights "none", which goes by motion only'
                )
            return None
        pixels = bgr_image(image)
        height, width = pixels.shape[:2]
        if (height, width) != (self._size or (height, width)):
            before = f"{self._size[1]}x{self._size[0]}" if self._size else ""
            raise InputError(f"image is {width}x{height}, those before it {before}; call reset() for a new video")
        self._size, self.frame_width = (height, width), width
        return pixels

    def _note_turn(self, camera: Warp | None) -> None:
        """Count how far the camera has turned; where that could not be seen, so far that it surely did not rest."""
        self._frames += 1
        if self._camera_way is None or not self.frame_width or (camera is None and self._camera_motion is None):
            return
        if camera is not None:
            middle = np.array([self.frame_width / 2, self.frame_width / 4, 1.0])
            self._camera_way += abs(float(camera[0] @ middle - middle[0]))
        elif self._frames > 1:
            self._camera_way += self.frame_width

    def note(self, tracks: FinishedTracks, frame: int) -> None:
        """Add what was seen in the last frame, of this number, to the tracks of a run that ends offline."""
        now, found = detected(self._life_cycle.tracks), self._found
        vectors = found.feature[now["detection"]] if found.feature.shape[1] else None
        now["detection"] = found.row[now["detection"]]
        width = None if self._camera_way is None else self.frame_width
        way = self._camera_way or 0.0
        tracks.add(frame, now, vectors, frame_width=width, camera_way=way, shapes=self._shapes)

    def finish(self, tracks: FinishedTracks, settings: OfflineSettings) -> FinishedVideo:
        """Link and fill, now that all of the video is known."""
        limit = self.settings.max_cosine_distance
        distance = UNCALIBRATED_COSINE_DISTANCE if limit is None else limit
        return tracks.finish(settings, max_distance=distance)

    def camera(self, detections: Detections, image: NDArray[np.uint8] | None) -> Warp | None:
        """How the camera moved since the last frame; None where it is not asked for, or cannot be seen."""
        if self._camera_motion is None or image is None:
            return None
        with self.clock("camera"):
            return self._camera_motion(image, detections.xyxy)


def _checked_warp(camera: Any) -> Warp:
    warp = np.asarray(numbers(camera, "camera"), np.float64)
    if warp.shape != (2, 3) or not np.isfinite(warp).all():
        raise InputError(f"camera has shape {warp.shape}; expected (2, 3) finite numbers")
    return warp


def _changed(given: _Settings, changes: dict[str, Any]) -> _Settings:
    if not changes:
        return given
    kept = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    return settings_.build(type(given), kept | changes, "Tracker()")

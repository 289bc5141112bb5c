"""What one frame holds: detections on the way into a tracker, tracks on the way out."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remix_track import foreign_tracks
from remix_track.arrays import box_rows, corner_rows, float_rows, refuse_rows, whole_numbers
from remix_track.errors import InputError
from remix_track.masks import Masks

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import supervision


class Shapes(NamedTuple):
    """What is known of detections beyond their boxes, row i being detection i; None where that is nothing."""

    mask: Masks | None
    keypoints: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Detections:
    """The detections of one frame; row i of every array is the same detection.

        detections = Detections(xyxy=[[100, 60, 140, 170]], score=[0.9], class_id=[0])
        nothing = Detections([], [], [])

    Lists, arrays of any numeric type and tensors of torch are converted to the arrays below. For a frame without
    detections, each may be empty in any shape.

    Attributes:
        xyxy: (N, 4) float32 corners x1, y1, x2, y2 in pixels, finite, x1 <= x2 and y1 <= y2; may lie partly outside the
            image.
        score: (N,) float32 confidence, finite; may be below 0 or above 1, as the scale depends on the detector.
        class_id: (N,) int64 class of the detector (COCO: 0 is a person); whole floats are accepted.
        embedding: (N, D) float32 appearance vectors, or None if they are not embedded. A row of zeros is a
            detection without appearance (its crop was empty).
        mask: the outlines of N segmentation masks, or None; see `Masks.of` for what is converted.
        keypoints: (N, K, 3) float32 x, y in pixels and confidence of K keypoints, or None; of (N, K, 2) the confidence
            is 1. A keypoint that is not known is NaN.

    Raises:
        InputError: shapes that do not fit together, or values of another kind.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    embedding: NDArray[np.float32] | None = None
    mask: Masks | None = None
    keypoints: NDArray[np.float32] | None = None

    def __init__(
        self,
        xyxy: ArrayLike,
        score: ArrayLike,
        class_id: ArrayLike,
        embedding: ArrayLike | None = None,
        mask: Any = None,
        keypoints: ArrayLike | None = None,
    ) -> None:
        """Convert and check, once; see the class."""
        for name, given in (("xyxy", xyxy), ("score", score), ("class_id", class_id), ("embedding", embedding)):
            object.__setattr__(self, name, given)
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "keypoints", keypoints)
        _convert(self, score=np.float32, class_id=np.int64)
        _check_rows(self, "score", "class_id")
        refuse_rows(~np.isfinite(self.score), self.score, "Detections.score", "NaN or infinite values; drop such rows")

    @classmethod
    def empty(cls) -> Self:
        """A frame without detections."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.integer] | slice) -> Self:
        """The detections at `rows` (a mask, indices or a slice), in that order."""
        embedding = None if self.embedding is None else self.embedding[rows]
        mask = None if self.mask is None else self.mask[rows]
        keypoints = None if self.keypoints is None else self.keypoints[rows]
        return type(self)(self.xyxy[rows], self.score[rows], self.class_id[rows], embedding, mask, keypoints)

    @property
    def shapes(self) -> Shapes | None:
        """Masks and keypoints; None where there are neither."""
        none = self.mask is None and self.keypoints is None
        return None if none else Shapes(self.mask, self.keypoints)

    def with_embedding(self, embedding: ArrayLike) -> Self:
        """The same detections with appearance vectors (N, D)."""
        return type(self)(self.xyxy, self.score, self.class_id, embedding, self.mask, self.keypoints)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The reported tracks of one frame; row i of every array is the same track.

    Attributes:
        ids: (N,) int64 public ids, from 1, one per person and video.
        xyxy: (N, 4) float32 corners in pixels.
        score: (N,) float32 confidence of the detection behind the box; nan where the track coasts without one.
        class_id: (N,) int64 class of the last detection.
        detection: (N,) int64 row of the frame's `Detections` behind each track; -1 where it coasts.
        embedding: (N, D) float32 appearance vectors of those detections, or None.
        mask: the outlines of those detections' masks, or None; a track that coasts has none.
        keypoints: (N, K, 3) float32 x, y and confidence of those detections' keypoints, or None; NaN where it coasts.
    """

    ids: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    detection: NDArray[np.int64]
    embedding: NDArray[np.float32] | None = None
    mask: Masks | None = None
    keypoints: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        _convert(self, ids=np.int64, score=np.float32, class_id=np.int64, detection=np.int64)
        _check_rows(self, "ids", "score", "class_id", "detection")

    @classmethod
    def empty(cls) -> Self:
        """A frame without tracks."""
        none = np.empty(0, np.int64)
        return cls(none, np.empty((0, 4), np.float32), np.empty(0, np.float32), none, none)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shapes(self) -> Shapes | None:
        """Masks and keypoints by the row of the frame's detections, for `with_shapes`; None where there are neither."""
        if self.mask is None and self.keypoints is None:
            return None
        place = np.full(self.detection.max(initial=-1) + 1, -1)
        here = np.flatnonzero(self.detection >= 0)
        place[self.detection[here]] = here
        keypoints = None if self.keypoints is None else _taken(self.keypoints, place)
        return Shapes(None if self.mask is None else self.mask.taken(place), keypoints)

    def with_shapes(self, shapes: Shapes | None) -> Self:
        """The same tracks with the masks and keypoints of the frame's detections; themselves where there are none."""
        if shapes is None:
            return self
        mask = None if shapes.mask is None else shapes.mask.taken(self.detection)
        keypoints = None if shapes.keypoints is None else _taken(shapes.keypoints, self.detection)
        return replace(self, mask=mask, keypoints=keypoints)

    def to_supervision(self, image_size: tuple[int, int] | None = None) -> "supervision.Detections":
        """Detections of supervision with `tracker_id`; where a track coasts, the confidence is 0.

        Keypoints are in `data["keypoints"]`. Masks are there where the height and width of the image are given.
        """
        return foreign_tracks.to_supervision(self, image_size)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row per track: `id, class, left, top, width, height, score`; the score is NaN where a track coasts.

        Where tracks have masks and keypoints, so have the rows: `mask`, a list of polygons `[x, y, x, y ...]`, and
        `keypoints`, `[x, y, confidence, x, y ...]`.
        """
        return foreign_tracks.to_pandas(foreign_tracks.columns_of(self))

    def to_polars(self) -> "polars.DataFrame":
        """The same as `to_pandas`, of polars; missing scores are null."""
        return foreign_tracks.to_polars(foreign_tracks.columns_of(self))

    def to_arrow(self) -> "pyarrow.Table":
        """The same as `to_pandas`, of Arrow; missing scores are null."""
        return foreign_tracks.to_arrow(foreign_tracks.columns_of(self))


def _convert(rows: Detections | Tracks, **dtypes: type) -> None:
    kind = type(rows).__name__
    # A track that coasts may be predicted inside out; what was detected cannot be.
    boxes = corner_rows if isinstance(rows, Detections) else box_rows
    object.__setattr__(rows, "xyxy", boxes(rows.xyxy, f"{kind}.xyxy"))
    for name, dtype in dtypes.items():
        convert = whole_numbers if dtype is np.int64 else float_rows
        values = convert(getattr(rows, name), f"{kind}.{name}")
        object.__setattr__(rows, name, values if values.size else values.reshape(0))
    if rows.embedding is not None:
        vectors = float_rows(rows.embedding, f"{kind}.embedding")
        if not vectors.size and not len(rows.xyxy):
            vectors = vectors.reshape(0, vectors.shape[1] if vectors.ndim == 2 else 0)
        object.__setattr__(rows, "embedding", vectors)
    if rows.mask is not None:
        object.__setattr__(rows, "mask", Masks.of(rows.mask, f"{kind}.mask"))
    if rows.keypoints is not None:
        object.__setattr__(rows, "keypoints", _keypoints(rows.keypoints, f"{kind}.keypoints"))


def _taken(keypoints: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """The keypoints at `rows`; NaN where a row is negative."""
    taken = np.full((len(rows), *keypoints.shape[1:]), np.nan, np.float32)
    taken[rows >= 0] = keypoints[rows[rows >= 0]]
    return taken


def _keypoints(given: Any, name: str) -> NDArray[np.float32]:
    points = float_rows(given, name)
    if not points.size:
        return np.empty((0 if points.ndim < 2 else len(points), 0, 3), np.float32)
    if points.ndim != 3 or points.shape[2] not in (2, 3):
        raise InputError(f"{name} has shape {points.shape}, expected (N, K, 3)")
    if points.shape[2] == 2:
        points = np.concatenate([points, np.ones_like(points[:, :, :1])], axis=2)
    return points


def _check_rows(rows: Detections | Tracks, *names: str) -> None:
    kind, count = type(rows).__name__, len(rows.xyxy)
    for name in names:
        if getattr(rows, name).shape != (count,):
            raise InputError(f"{kind}.{name} has shape {getattr(rows, name).shape}, expected ({count},) as xyxy has")
    if rows.embedding is not None and (rows.embedding.ndim != 2 or len(rows.embedding) != count):
        raise InputError(f"{kind}.embedding has shape {rows.embedding.shape}, expected ({count}, D)")
    for name, shape in (("mask", rows.mask), ("keypoints", rows.keypoints)):
        if shape is not None and len(shape) != count:
            raise InputError(f"{kind}.{name} has {len(shape)} rows, expected {count} as xyxy has")

"""What one frame holds: detections on the way into a tracker, tracks on the way out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remix_track import foreign_tracks
from remix_track.arrays import box_rows, corner_rows, float_rows, refuse_rows, whole_numbers
from remix_track.errors import InputError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import supervision


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

    Raises:
        InputError: shapes that do not fit together, or values of another kind.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    embedding: NDArray[np.float32] | None = None

    def __init__(
        self, xyxy: ArrayLike, score: ArrayLike, class_id: ArrayLike, embedding: ArrayLike | None = None
    ) -> None:
        """Convert and check, once; see the class."""
        for name, given in (("xyxy", xyxy), ("score", score), ("class_id", class_id), ("embedding", embedding)):
            object.__setattr__(self, name, given)
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
        return type(self)(self.xyxy[rows], self.score[rows], self.class_id[rows], embedding)

    def with_embedding(self, embedding: ArrayLike) -> Self:
        """The same detections with appearance vectors (N, D)."""
        return type(self)(self.xyxy, self.score, self.class_id, embedding)


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
    """

    ids: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    detection: NDArray[np.int64]
    embedding: NDArray[np.float32] | None = None

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

    def to_supervision(self) -> "supervision.Detections":
        """Detections of supervision with `tracker_id`; where a track coasts, the confidence is 0."""
        return foreign_tracks.to_supervision(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row per track: `id, class, left, top, width, height, score`; the score is NaN where a track coasts."""
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


def _check_rows(rows: Detections | Tracks, *names: str) -> None:
    kind, count = type(rows).__name__, len(rows.xyxy)
    for name in names:
        if getattr(rows, name).shape != (count,):
            raise InputError(f"{kind}.{name} has shape {getattr(rows, name).shape}, expected ({count},) as xyxy has")
    if rows.embedding is not None and (rows.embedding.ndim != 2 or len(rows.embedding) != count):
        raise InputError(f"{kind}.embedding has shape {rows.embedding.shape}, expected ({count}, D)")

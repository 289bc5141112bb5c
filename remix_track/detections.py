"""What one frame holds: detections on the way into a tracker, tracks on the way out."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The detections of one frame; row i of every array is the same detection.

    Attributes:
        xyxy: (N, 4) float32 corners in pixels, finite; may lie partly outside the picture.
        score: (N,) float32 confidence.
        class_id: (N,) int64 class of the detector (COCO: 0 is a person).
        embedding: (N, D) float32 appearance vectors, or None while nothing has embedded them. A row of zeros says
            that this detection has no appearance (its crop was empty).

    Raises:
        ValueError: shapes that do not belong together, or boxes that are not finite.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    embedding: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        _convert(self, xyxy=np.float32, score=np.float32, class_id=np.int64)
        _check_rows(self, len(self.xyxy), "score", "class_id")

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

    def with_embedding(self, embedding: NDArray[np.float32]) -> Self:
        """The same detections with appearance vectors (N, D)."""
        return type(self)(self.xyxy, self.score, self.class_id, embedding)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The people of one frame; row i of every array is the same track.

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
        _convert(self, ids=np.int64, xyxy=np.float32, score=np.float32, class_id=np.int64, detection=np.int64)
        _check_rows(self, len(self.xyxy), "ids", "score", "class_id", "detection")

    @classmethod
    def empty(cls) -> Self:
        """A frame without tracks."""
        none = np.empty(0, np.int64)
        return cls(none, np.empty((0, 4), np.float32), np.empty(0, np.float32), none, none)

    def __len__(self) -> int:
        return len(self.ids)


def _convert(rows: Detections | Tracks, **dtypes: type) -> None:
    for name, dtype in dtypes.items():
        object.__setattr__(rows, name, np.asarray(getattr(rows, name), dtype))
    if rows.embedding is not None:
        object.__setattr__(rows, "embedding", np.asarray(rows.embedding, np.float32))


def _check_rows(rows: Detections | Tracks, count: int, *names: str) -> None:
    kind = type(rows).__name__
    if rows.xyxy.ndim != 2 or rows.xyxy.shape[1] != 4:
        raise ValueError(f"{kind}.xyxy has shape {rows.xyxy.shape}, expected (N, 4)")
    if not np.isfinite(rows.xyxy).all():
        raise ValueError(f"{kind}.xyxy holds NaN or infinite values; drop those boxes first")
    for name in names:
        if getattr(rows, name).shape != (count,):
            raise ValueError(f"{kind}.{name} has shape {getattr(rows, name).shape}, expected ({count},) as xyxy has")
    if rows.embedding is not None and (rows.embedding.ndim != 2 or len(rows.embedding) != count):
        raise ValueError(f"{kind}.embedding has shape {rows.embedding.shape}, expected ({count}, D)")

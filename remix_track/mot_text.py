"""MOT text, the border between trackers and evaluation: `frame,id,left,top,width,height,score,...`, 1-based."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """The rows of one MOT file, in file order; row i of every array is the same line.

    Attributes:
        frame: (N,) int64, 1-based.
        id: (N,) int64; -1 in detection files.
        tlwh: (N, 4) float64 left, top, width, height in pixels, as written in the file (MOT's own 1-based
            coordinates are not shifted).
        score: (N,) float64 seventh column: confidence, or in ground truth the flag "counts"; 1 where absent.
        class_id: (N,) int64 eighth column; -1 where absent.
        visibility: (N,) float64 ninth column; -1 where absent.
        line: (N,) int64 line numbers in the file, 1-based.
    """

    frame: NDArray[np.int64]
    id: NDArray[np.int64]
    tlwh: NDArray[np.float64]
    score: NDArray[np.float64]
    class_id: NDArray[np.int64]
    visibility: NDArray[np.float64]
    line: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.integer] | slice) -> "MotRows":
        """The lines at `rows` (a mask, indices or a slice), in that order."""
        return MotRows(*(getattr(self, name)[rows] for name in self.__slots__))


def format_frame(
    frame: int, ids: NDArray[np.integer], tlwh: NDArray[np.floating], score: NDArray[np.floating]
) -> str:
    """The lines of one frame, two decimals, each ended by a newline; an empty string for a frame without tracks.

    Args:
        frame: 1-based frame number.
        ids: (N,) ids.
        tlwh: (N, 4) boxes in pixels.
        score: (N,) confidences; nan (a box that coasts without a detection) is written as 1.
    """
    shown = np.where(np.isnan(score), 1.0, score)
    rows = zip(ids.tolist(), tlwh.tolist(), shown.tolist(), strict=True)
    return "".join(
        f"{frame},{id_},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{sure:.2f},-1,-1,-1\n"
        for id_, (left, top, width, height), sure in rows
    )

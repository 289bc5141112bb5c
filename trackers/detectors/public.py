"""Public detections: the boxes of a MOT `det.txt`, frame by frame."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_classes, mot_parsing, mot_text
from remix_track.boxes import xyxy_from_tlwh
from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.mot_text import MotRows
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.frame import Frame

_log = logging.getLogger(__name__)


class PublicDetections:
    """Looks the boxes of a frame up in a file, by the frame's 1-based number.

    A box is of the class in the eighth column, 0 where it has none; all classes are taken until some are chosen, and
    one line says so where there are several. Coordinates are used as written: MOT's own pixels count from 1, and
    results are written in the same way. Scores keep the scale of the file (those of DPM start below 0):
    `min_confidence` has to suit them.

    Attributes:
        name: file name, for the summary.
        dropped: lines left out: NaN or infinite values, or a width or height that is not positive.
        doubt: what was said of its classes; None where there was nothing to say.
    """

    def __init__(self, path: Path, classes: Sequence[int | str] = ()) -> None:
        """Read the file at once.

        Args:
            path: the file.
            classes: numbers of the eighth column; none: all of them. `person` is fine where there is but one.

        Raises:
            InputError: the file cannot be read, or a line is not MOT text; file, line and remedy are named. Classes
                that it does not hold.
        """
        self.name = f"{path.name} (public detections)"
        rows, _, faults = mot_text.examine(path)
        wrong = [fault for fault in faults if not fault.not_finite]
        if wrong or len(faults) >= mot_parsing.MAX_FAULTS:
            fault = (wrong or faults)[0]
            raise InputError(f"{path}:{fault.line}: {fault}")
        has_area = np.all(rows.tlwh[:, 2:] > 0, axis=1)
        self.dropped = len(faults) + int((~has_area).sum())
        order = np.argsort(rows.frame[has_area], kind="stable")
        rows = rows[has_area][order]
        rows = rows[_wanted(path, rows, classes)]
        self.doubt = None if classes else mot_classes.doubt_about(rows)
        if self.doubt is not None:
            self.doubt = f"{path}: {self.doubt}; all are tracked, `classes` chooses"
            _log.warning(self.doubt)
        self._frame = rows.frame
        self._detections, beyond = finite(xyxy_from_tlwh(rows.tlwh), rows.score, rows.class_id.clip(min=0))
        self.dropped += beyond

    def __call__(self, frame: Frame) -> Detections:
        """The boxes of that frame, in file order; none where the file does not mention it."""
        first, last = np.searchsorted(self._frame, [frame.index, frame.index + 1])
        return self._detections[first:last]


def _wanted(path: Path, rows: MotRows, classes: Sequence[int | str]) -> NDArray[np.bool_]:
    """(N,) which rows are of the classes that were chosen."""
    counts = mot_classes.class_counts(rows)
    words = {str(word).strip().lower() for word in classes}
    if not words or (words == {"person"} and len(counts) < 2) or (words <= {"person", "0"} and not counts):
        return np.ones(len(rows), bool)
    if not counts:
        raise InputError(f"{path}: no class in column 8 to choose {', '.join(sorted(words))} by; leave out `classes`")
    numbers = mot_classes.numbers_of(classes, path)
    mine = mot_classes.chosen(rows, numbers)
    if not mine.any():
        held = mot_classes.described(rows)
        raise InputError(f"{path}: no box of `classes` {' '.join(map(str, numbers))}; it holds {held}")
    if without := int((rows.class_id < 0).sum()):
        _log.warning("%s: %s boxes have no class in column 8; left out, as `classes` chooses", path, f"{without:,}")
    return mine

"""Public detections: the boxes of a MOT `det.txt`, frame by frame."""

from pathlib import Path

import numpy as np

from remix_track import mot_parsing, mot_text
from remix_track.boxes import xyxy_from_tlwh
from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.frame import Frame


class PublicDetections:
    """Looks the boxes of a frame up in a file, by the frame's 1-based number.

    Every box is class 0, a person, whatever the eighth column says. Coordinates are used as written: MOT's own pixels
    count from 1, and results are written in the same way. Scores keep the scale of whoever wrote the file (those of
    DPM start below 0): `min_confidence` has to suit them.

    Attributes:
        name: file name, for the summary.
        dropped: lines left out: NaN or infinite values, or a width or height that is not positive.
    """

    def __init__(self, path: Path) -> None:
        """Read the file at once.

        Raises:
            InputError: the file cannot be read, or a line is not MOT text; file, line and remedy are named.
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
        self._frame = rows.frame
        self._detections, beyond = finite(xyxy_from_tlwh(rows.tlwh), rows.score, np.zeros(len(rows), np.int64))
        self.dropped += beyond

    def __call__(self, frame: Frame) -> Detections:
        """The boxes of that frame, in file order; none where the file does not mention it."""
        first, last = np.searchsorted(self._frame, [frame.index, frame.index + 1])
        return self._detections[first:last]

"""`tracks.txt`: MOT text, the border to evaluation and to every other tool of the field."""

from pathlib import Path

import numpy as np

from remix_track.boxes import tlwh_from_xyxy
from remix_track.mot_text import format_frame
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.sink import Sink


class MotTextSink(Sink):
    """Writes one line per person and frame: `frame,id,left,top,width,height,score,-1,-1,-1`.

    Frames and ids count from 1; coordinates are pixels as the detector gave them, the corner of the top left pixel
    being (0, 0). MOT's own files call that corner (1, 1), but trackers (the original Deep SORT among them) write
    their boxes unshifted, and so do we, so that scores are comparable.
    """

    def __init__(self, path: Path) -> None:
        """Make the file; raises `InputError` as `LiveFile` does."""
        self._file = LiveFile(path)

    def write(self, frame: TrackedFrame) -> None:
        """Write the frame's lines in one piece; none for a frame without people."""
        tlwh = tlwh_from_xyxy(frame.xyxy.astype(np.float64))
        self._file.append(format_frame(frame.index, frame.ids, tlwh, frame.scores).encode("ascii"))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

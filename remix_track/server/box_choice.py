"""One frame of a recording with its boxes, of which one can be clicked."""

from dataclasses import dataclass

import numpy as np

from remix_track.server.collection import Collection
from remix_track.server.recording import Recording

_AHEAD = 60.0
"""Seconds in which the next frame with people is looked for."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a frame.

    Attributes:
        track: its number in the recording.
        left, top, width, height: in pixels.
    """

    track: int
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """A frame to choose a box in.

    Attributes:
        key: of the recording.
        image: address of the frame; empty where its file is not there.
        why: then, why.
        seconds: of it in the recording.
        begin, end: seconds of the whole recording, rounded to whole ones outward.
        width, height: of the image in pixels.
        boxes: the larger ones first, so that smaller ones lie above them.
    """

    key: str
    image: str
    why: str
    seconds: float
    begin: int
    end: int
    width: int
    height: int
    boxes: tuple[Box, ...]


def frame_choice(collection: Collection, recording: Recording, seconds: float) -> FrameChoice:
    """The first frame with people from some second on, within a minute; else the one at that second, without boxes."""
    boxes = recording.boxes(seconds - 1e-3, seconds + _AHEAD)
    frame = int(boxes.frame[0]) if len(boxes) else _frame_at(recording, seconds)
    mine = np.flatnonzero(boxes.frame == frame)
    corners = np.rint(boxes.xyxy[mine]).astype(int)
    area = -np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    shown = tuple(
        Box(int(boxes.track[mine[row]]), left, top, max(right - left, 1), max(bottom - top, 1))
        for row in np.argsort(area, kind="stable").tolist()
        for left, top, right, bottom in [corners[row].tolist()]
    )
    medium = recording.medium
    extent = corners.max(axis=0, initial=1) if len(corners) else np.array([0, 0, 640, 360])
    return FrameChoice(
        key=recording.key,
        image=f"/{collection.number}/frame/{recording.key}/{frame}.jpg" if medium.path else "",
        why=medium.why,
        seconds=float(boxes.seconds[mine[0]]) if len(mine) else seconds,
        begin=int(np.floor(recording.first_seconds)),
        end=int(np.ceil(recording.last_seconds)),
        width=recording.width or int(extent[2]),
        height=recording.height or int(extent[3]),
        boxes=shown,
    )


def _frame_at(recording: Recording, seconds: float) -> int:
    """The number of the frame that is shown at a second, as far as frames come evenly."""
    length = recording.last_seconds - recording.first_seconds
    share = (seconds - recording.first_seconds) / length if length > 0 else 0.0
    numbers = recording.last_frame - recording.first_frame
    return recording.first_frame + round(min(max(share, 0.0), 1.0) * numbers)

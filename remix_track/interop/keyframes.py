"""Tracks that are given by key frames: between two of them boxes move evenly."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from remix_track.errors import InputError
from remix_track.interop.annotated_video import MOST_BOXES

Box = tuple[float, float, float, float]


class KeyFrame(NamedTuple):
    """A box of a track in one frame.

    Attributes:
        frame: from 1.
        tlwh: the box.
        shown: it is seen in this frame.
        goes_on: and in the frames until the next key frame.
    """

    frame: int
    tlwh: Box
    shown: bool
    goes_on: bool


def interpolated(keys: Sequence[KeyFrame], last_frame: int | None = None) -> Iterator[tuple[int, Box]]:
    """The frames in which a track is seen, and its box in each.

    Args:
        keys: in any order; of two in one frame the later counts.
        last_frame: until which the last box stays, if it goes on; None: it is seen in its own frame alone.

    Raises:
        InputError: more frames than a file may ask for.
    """
    ordered = sorted({key.frame: key for key in keys}.values(), key=lambda key: key.frame)
    for key, after in zip(ordered, [*ordered, None][1:], strict=True):
        if key.shown:
            yield key.frame, key.tlwh
        if not key.goes_on:
            continue
        end = after.frame if after else (last_frame or key.frame) + 1
        if end - key.frame > MOST_BOXES:
            raise InputError(f"a track is to go on from frame {key.frame} to {end}")
        target = after.tlwh if after else key.tlwh
        for frame in range(key.frame + 1, end):
            share = (frame - key.frame) / (end - key.frame)
            yield frame, _between(key.tlwh, target, share)


def _between(one: Box, other: Box, share: float) -> Box:
    left, top, width, height = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return left, top, width, height


def ends(frames: Sequence[int]) -> set[int]:
    """Those of the rising frames of a track after which it is not seen in the next one."""
    return {frame for frame, after in zip(frames, [*frames, -1][1:], strict=True) if after != frame + 1}

"""The boxes of one video with their tracks and labels: what every annotation file is read into and made from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError

MOST_BOXES = 5_000_000
"""Of a file: a hundred people in 50,000 frames."""
MOST_FRAMES = 10_000_000
LONGEST_NAME = 100
_MOST_ID = 2**53
_MOST_PIXEL = 1e9
_MOST_LABELS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedVideo:
    """Row i of every array is the same box; rows are in the order of frames, then of ids.

    Attributes:
        name: of the video, fit for a file's name.
        frame: (N,) int64, from 1.
        id: (N,) int64 of the track, from 0.
        tlwh: (N, 4) float64 left, top, width, height in pixels; the corner of the image is 0, 0.
        label: (N,) int64 row of `labels`.
        score: (N,) float64 confidence of a tracker; of truth 1, or 0 where a box is not to count.
        labels: names of the classes.
        width, height: of the images in pixels; None where the file does not say.
        fps: frames per second, likewise.
        frames: how many frames the video has, likewise.

    Raises:
        InputError: numbers that no annotation can have.
    """

    name: str
    frame: NDArray[np.int64]
    id: NDArray[np.int64]
    tlwh: NDArray[np.float64]
    label: NDArray[np.int64]
    score: NDArray[np.float64]
    labels: tuple[str, ...]
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_name(self.name))
        for name, most in (("frame", MOST_FRAMES), ("id", _MOST_ID), ("label", len(self.labels) - 1)):
            values: NDArray[np.int64] = getattr(self, name)
            what = "is no track's; export tracks, not single boxes" if name == "id" else "is out of all measure"
            _refuse(self, (values < int(name == "frame")) | (values > most), name, what)
        _refuse(self, ~(np.abs(self.tlwh) <= _MOST_PIXEL).all(axis=1) | (self.tlwh[:, 2:] < 0).any(axis=1), "tlwh")
        _refuse(self, ~np.isfinite(self.score), "score")
        if len(self.frame) > MOST_BOXES or len(self.labels) > _MOST_LABELS:
            raise InputError(f"more than {MOST_BOXES:,} boxes or {_MOST_LABELS:,} labels; give the videos one by one")
        for side in (self.width, self.height):
            if side is not None and not 1 <= side <= 1_000_000:
                raise InputError(f"images of {self.width}x{self.height} pixels")
        if self.fps is not None and not 0.01 <= self.fps <= 1000:
            raise InputError(f"{self.fps:g} frames per second; expected 0.01 to 1000")
        if self.frames is not None and not 0 <= self.frames <= MOST_FRAMES:
            raise InputError(f"{self.frames:,} frames; expected {MOST_FRAMES:,} at most")
        order = np.lexsort((self.id, self.frame))
        for name in ("frame", "id", "tlwh", "label", "score"):
            object.__setattr__(self, name, getattr(self, name)[order])
        twice = (np.diff(self.frame) == 0) & (np.diff(self.id) == 0)
        _refuse(self, np.append(twice, False)[: len(self.frame)], "id", "is there twice in its frame")

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def last_frame(self) -> int:
        """The number of frames, or at least of the last one with a box."""
        return max(self.frames or 0, int(self.frame.max(initial=0)))

    def tracks(self) -> Iterator[tuple[int, str, NDArray[np.intp]]]:
        """Each id, its label and the rows of its boxes, frames rising; an id with two labels comes twice."""
        order = np.lexsort((self.frame, self.label, self.id))
        changes = (np.diff(self.id[order]) != 0) | (np.diff(self.label[order]) != 0)
        for rows in np.split(order, np.flatnonzero(changes) + 1) if len(order) else []:
            yield int(self.id[rows[0]]), self.labels[self.label[rows[0]]], rows

    def size(self, kind: str) -> tuple[int, int]:
        """Width and height.

        Raises:
            InputError: they are not known, and `kind` cannot do without.
        """
        if self.width is None or self.height is None:
            raise InputError(f"{self.name}: {kind} needs the size of the images; give `size` WIDTHxHEIGHT")
        return self.width, self.height

    def with_facts(self, **facts: Any) -> "AnnotatedVideo":
        """The same with those facts (name, width, height, fps, frames) that are not None."""
        return replace(self, **{name: value for name, value in facts.items() if value is not None})


@dataclass(slots=True)
class BoxList:
    """Boxes as a reader comes across them, in any order."""

    rows: list[tuple[int, int, float, float, float, float, int, float]]
    labels: dict[str, int]

    def __init__(self) -> None:
        self.rows, self.labels = [], {}

    def add(self, frame: int, id_: int, tlwh: tuple[float, float, float, float], label: str, score: float = 1) -> None:
        """Take a box.

        Raises:
            InputError: there are too many.
        """
        if len(self.rows) >= MOST_BOXES:
            raise InputError(f"more than {MOST_BOXES:,} boxes; give the videos one by one")
        number = self.labels.setdefault(label, len(self.labels))
        self.rows.append((frame, id_, *tlwh, number, score))

    def video(self, name: str, **facts: Any) -> AnnotatedVideo:
        """All of them."""
        table = np.array(self.rows, np.float64).reshape(-1, 8)
        if not (np.abs(table[:, [0, 1]]) <= _MOST_ID).all():
            raise InputError("a frame or an id that is no number that can be counted with")
        made = AnnotatedVideo(
            name,
            frame=table[:, 0].astype(np.int64),
            id=table[:, 1].astype(np.int64),
            tlwh=table[:, 2:6].copy(),
            label=table[:, 6].astype(np.int64),
            score=table[:, 7].copy(),
            labels=tuple(self.labels),
        )
        return made.with_facts(**facts)


class TrackNumbers:
    """Numbers for tracks that a file knows by names: `track-12` is 12 where that is free, others get free ones."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._taken: set[int] = set()
        self._next = 1

    def of(self, name: object) -> int:
        """The number of a track, the same each time."""
        key = str(name)
        if key not in self._known:
            digits = re.search(r"(?<!\d)\d{1,15}$", key)
            number = int(digits[0]) if digits else 0
            while number in self._taken or (not digits and not number):
                number, self._next = self._next, self._next + 1
            self._taken.add(number)
            self._known[key] = number
        return self._known[key]


def size_of(text: str) -> tuple[int, int]:
    """Width and height of `1920x1080`.

    Raises:
        InputError: it is none.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text.strip().lower())
    if not found:
        raise InputError(f"`size` {text[:40]}: expected WIDTHxHEIGHT in pixels, such as 1920x1080")
    return int(found[1]), int(found[2])


def plain_name(name: str) -> str:
    """`name` as a part of a path may be: letters, digits, `.`, `-` and `_`, at most `LONGEST_NAME` of them."""
    return re.sub(r"[^\w.-]+", "_", name)[:LONGEST_NAME].strip("._") or "video"


def _refuse(
    video: AnnotatedVideo, wrong: NDArray[np.bool_] | np.bool_, name: str, what: str = "is out of all measure"
) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = np.round(getattr(video, name)[row], 2).tolist()
        raise InputError(f"box {row + 1} of {video.name}, in frame {video.frame[row]}: {name} {value} {what}")

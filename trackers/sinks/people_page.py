"""`people.html`: who was there, when, and how they looked; gathered while the run goes on, written at its end."""

import math
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.crop_quality import crop_quality
from remix_track.errors import InputError
from remix_track.trackers.frame import KnownPerson, TrackedFrame
from remix_track.trackers.sinks.best_crops import BestCrops
from remix_track.trackers.sinks.sink import Sink
from remix_track.trackers.sinks.video import play_rate
from remix_track.viewer.box_blocks import FRAMES, encode_block
from remix_track.viewer.frame_times import FrameTimes
from remix_track.viewer.people_page import PeoplePage, Person, write_page

MOST_BYTES = 48 * 2**20
"""Of a page while it is gathered; as text it is a third more."""
_CROPS = 3  # of a person
_MANY = 1000  # people, after whom each new one has but one picture
_MOST_SPANS = 200  # of a person; then the shortest gaps are closed
_PER_PERSON = 600  # bytes that one takes beside the pictures
_NUMBER = 8  # bytes of one: of a stretch two, of a knot of the times three


class _Sighting:
    """What is gathered of one track."""

    __slots__ = ("boxes", "class_id", "crops", "known", "most_crops", "scored", "scores", "seconds", "spans", "time")

    def __init__(self, frame: int, time: float, class_id: int, most_crops: int) -> None:
        self.spans = array("q", (frame, frame - 1))
        self.time, self.seconds = time, 0.0
        self.boxes = self.scored = 0
        self.scores = 0.0
        self.class_id, self.most_crops = class_id, most_crops
        self.known: KnownPerson | None = None
        self.crops = BestCrops()

    def add(self, frame: int, time: float, length: float, score: float) -> None:
        if self.spans[-1] == frame - 1:
            self.seconds += time - self.time if self.boxes else length
            self.spans[-1] = frame
        else:
            self.seconds += length
            self.spans.extend((frame, frame))
            if len(self.spans) > 2 * _MOST_SPANS:
                self._close_a_gap()
        self.time = time
        self.boxes += 1
        if score == score:  # nan where it coasts
            self.scores += score
            self.scored += 1

    def recognise(self, person: KnownPerson | None) -> None:
        """Note whom a store of people finds in it; what it was sure of stays until it is sure of another."""
        if person is not None and (person.sure or self.known is None or not self.known.sure):
            self.known = person

    def _close_a_gap(self) -> None:
        ends = np.array(self.spans)
        gap = int((ends[2::2] - ends[1:-1:2]).argmin())
        del self.spans[2 * gap + 1 : 2 * gap + 3]


class PeoplePageSink(Sink):
    """Gathers tracks, their boxes and their best pictures, and writes the page in one piece when it is closed.

    A run that is killed leaves none, as it leaves no half one. What is gathered is bounded: where there is no room for
    more, the page ends at that frame, and says so.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        *,
        title: str,
        class_names: Mapping[int, str] | None = None,
        drawn: bool = True,
        labelled: bool = True,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Nothing is written before `close`.

        Args:
            path: of the file; a video of the same run lies beside it, see `video_beside`.
            fps: frames per second of the output.
            title: name of the source.
            class_names: what the detector calls its classes.
            drawn: the video shows the boxes.
            labelled: it shows the ids.
            most_bytes: that are gathered.

        Raises:
            InputError: the file exists already.
        """
        if path.exists():
            raise InputError(f"{path}: there is something already; give another `output`")
        self._path, self._title, self._names, self._drawn = path, title, class_names or {}, drawn
        self._labelled = labelled
        self._rate = float(play_rate(path, fps))
        self._times = FrameTimes(self._rate)
        self._sightings: dict[int, _Sighting] = {}
        self._rows: list[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]] = []
        self._blocks: list[bytes] = []
        self._bytes, self._most_bytes = 0, most_bytes
        self._began: datetime | None = None
        self._size: tuple[int, int] | None = None
        self._left_out = 0
        self._closed = False

    def write(self, frame: TrackedFrame) -> None:
        """Take the frame's boxes, and a picture of those who were not looked at for a while."""
        if self._size is None:
            self._size, self._began = (frame.image.shape[1], frame.image.shape[0]), frame.utc
        if self._bytes > self._most_bytes:
            self._left_out += 1
            return
        number, clock = self._times.count, frame.time
        if self._began is not None and frame.utc is not None:
            clock = frame.utc.timestamp()
        knots = len(self._times.knots)
        self._times.add(frame.index, clock)
        self._bytes += _NUMBER * (len(self._times.knots) - knots)  # a camera's frames may come unevenly for weeks
        self._rows.append((frame.ids, frame.xyxy, np.isnan(frame.scores)))
        due = self._follow(frame, number)
        if due and 0 not in frame.image.strides:  # blank where no pixels were read
            self._look(frame, number, due)
        if len(self._rows) == FRAMES:
            self._end_block()

    def close(self) -> None:
        """Write the page; later calls do nothing.

        Raises:
            InputError: it cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        self._end_block()
        video = video_beside(self._path)
        page = PeoplePage(
            title=self._title,
            video=video.name if video.exists() else None,
            rate=self._rate,
            width=self._size[0] if self._size else 1,
            height=self._size[1] if self._size else 1,
            times=self._times,
            clock=self._began is not None,
            drawn=self._drawn,
            labelled=self._labelled,
            notes=self._notes(),
        )
        write_page(self._path, page, self._people(), self._blocks)

    def _follow(self, frame: TrackedFrame, number: int) -> list[int]:
        """Note who is there; the rows of those to look at."""
        due = []
        rows = zip(frame.ids.tolist(), frame.class_ids.tolist(), frame.scores.tolist(), strict=True)
        for row, (id_, class_id, score) in enumerate(rows):
            known = self._sightings.get(id_)
            if known is None:
                most = _CROPS if len(self._sightings) < _MANY else 1
                known = self._sightings[id_] = _Sighting(number, frame.time, class_id, most)
                self._bytes += _PER_PERSON
            numbers = len(known.spans)
            known.add(number, frame.time, 1 / self._rate, score)
            self._bytes += _NUMBER * (len(known.spans) - numbers)
            known.recognise((frame.people or {}).get(id_))
            if score == score and known.crops.is_due(frame.time):
                due.append(row)
        return due

    def _look(self, frame: TrackedFrame, number: int, due: list[int]) -> None:
        found = crop_quality(frame.xyxy, frame.scores, frame.image.shape[1], frame.image.shape[0])
        for row in due:
            known = self._sightings[int(frame.ids[row])]
            before = known.crops.bytes
            known.crops.offer(float(found[row]), frame.time, number, frame.image, frame.xyxy[row], known.most_crops)
            self._bytes += known.crops.bytes - before

    def _end_block(self) -> None:
        if not self._rows:
            return
        ids, boxes, coasts = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        places = np.repeat(np.arange(len(self._rows)), [len(row[0]) for row in self._rows])
        self._blocks.append(encode_block(places, ids, boxes, coasts))
        self._bytes += len(self._blocks[-1])
        self._rows.clear()

    def _people(self) -> Iterator[Person]:
        for id_, one in sorted(self._sightings.items()):
            score = one.scores / one.scored if one.scored else math.nan
            kind = str(self._names.get(one.class_id, ""))
            known = str(one.known or "")
            yield Person(id_, kind, one.spans, one.boxes, one.seconds, score, one.crops.best(one.most_crops), known)

    def _notes(self) -> list[str]:
        if not self._left_out:
            return []
        return [f"No room for the last {self._left_out:,} frames; `segment` makes a page for each part."]


def video_beside(path: Path) -> Path:
    """The video of a page: `video-0002.mp4` of `people-0002.html`."""
    return path.with_name(path.name.replace("people", "video", 1)).with_suffix(".mp4")

"""CVAT's "CVAT for video 1.1": an XML with a `track` for each person and a `box` for each of its frames, from 0.

A box that is `outside` says that the person is gone. Reference: CVAT's documentation of its XML format, version 1.1.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.interop.annotated_video import AnnotatedVideo, BoxList
from remix_track.interop.keyframes import KeyFrame, ends, interpolated
from remix_track.interop.zip_archive import read_member

XML = "annotations.xml"
_DEEPEST = 50


def write(video: AnnotatedVideo) -> bytes:
    """The XML; CVAT takes it as "CVAT 1.1" for a task which has those labels."""
    return "".join(_lines(video)).encode()


def write_for_fiftyone(video: AnnotatedVideo) -> bytes:
    """The same for FiftyOne, which loads it as its "CVATVideoDataset".

    Raises:
        InputError: the size of the images is not known, without which FiftyOne cannot read it.
    """
    video.size("FiftyOne")
    return write(video)


def _lines(video: AnnotatedVideo) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
    yield f"      <name>{_text(video.name)}</name>\n      <size>{video.last_frame}</size>\n"
    yield "      <mode>interpolation</mode>\n      <labels>\n"
    for label in video.labels:
        yield f"        <label><name>{_text(label)}</name><attributes></attributes></label>\n"
    yield "      </labels>\n"
    if video.width is not None and video.height is not None:
        yield f"      <original_size><width>{video.width}</width><height>{video.height}</height></original_size>\n"
    yield "    </task>\n  </meta>\n"
    for id_, label, rows in video.tracks():
        yield f'  <track id="{id_}" label={quoteattr(_plain(label))} source="auto">\n'
        yield from _boxes(video, rows)
        yield "  </track>\n"
    yield "</annotations>\n"


def _boxes(video: AnnotatedVideo, rows: NDArray[np.intp]) -> Iterator[str]:
    frames = video.frame[rows].tolist()
    last, known = ends(frames), video.frames
    for frame, (left, top, width, height) in zip(frames, video.tlwh[rows].tolist(), strict=True):
        sides = f'xtl="{left:.2f}" ytl="{top:.2f}" xbr="{left + width:.2f}" ybr="{top + height:.2f}" z_order="0"'
        yield f'    <box frame="{frame - 1}" keyframe="1" outside="0" occluded="0" {sides}></box>\n'
        if frame in last and (known is None or frame < known):
            yield f'    <box frame="{frame}" keyframe="1" outside="1" occluded="0" {sides}></box>\n'


def read(data: bytes, name: str) -> list[AnnotatedVideo]:
    """The video of an XML, or of the zip around it that CVAT exports.

    Raises:
        InputError: a document type or entities; images without tracks; numbers that are none.
    """
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = read_member(archive, XML)
    reader = _Reader()
    reader.parse(data)
    if reader.images:
        raise InputError('holds images without tracks; export it as "CVAT for video"')
    boxes = BoxList()
    for label in reader.labels:
        boxes.labels.setdefault(label, len(boxes.labels))
    for id_, label, keys in reader.tracks:
        for frame, tlwh in interpolated(keys):
            boxes.add(frame, id_, tlwh, label)
    size = {side: int(value) for side, value in reader.facts.items() if side in ("width", "height")}
    frames = int(reader.facts["size"]) if reader.facts.get("size") else None
    return [boxes.video(reader.facts.get("name") or name, frames=frames, **size)]


class _Reader:
    """What stands in the file, gathered while it is parsed: no tree is built, and no entity is expanded."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.labels: list[str] = []
        self.tracks: list[tuple[int, str, list[KeyFrame]]] = []
        self.images = 0
        self._path: list[str] = []
        self._words: list[str] = []

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._words.append
        parser.Parse(data, True)

    def _refuse(self, *_: Any) -> None:
        raise InputError("has a document type or entities, which no file of CVAT has")

    def _start(self, tag: str, facts: dict[str, str]) -> None:
        if len(self._path) > _DEEPEST:
            raise InputError("nested too deeply")
        self._path.append(tag)
        self._words.clear()
        if tag == "track":
            self.tracks.append((int(facts["id"]), facts["label"], []))
        elif tag == "image":
            self.images += 1
        elif tag == "box" and self._path[-2:] == ["track", "box"]:
            left, top, right, bottom = (float(facts[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
            shown = facts.get("outside", "0") == "0"
            tlwh = left, top, right - left, bottom - top
            self.tracks[-1][2].append(KeyFrame(int(facts["frame"]) + 1, tlwh, shown, shown))

    def _end(self, tag: str) -> None:
        path, text = self._path, "".join(self._words).strip()
        self._words.clear()
        if path[-2:] == ["label", "name"]:
            self.labels.append(text)
        elif (path[-2:] == ["task", tag] and tag in ("name", "size")) or path[-2:] == ["original_size", tag]:
            self.facts[tag] = text
        path.pop()


def _text(text: str) -> str:
    return escape(_plain(text))


def _plain(text: str) -> str:
    """Without what XML has no form for."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)

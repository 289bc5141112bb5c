"""`people.html`: one page of the people in a video, beside which it opens from disk, without any network.

Its content security policy lets it run the one script and the one style sheet that it was written with, known by their
digests, and load nothing but the video beside it. What it shows is data that the script turns into text, never into
markup. It is written piece by piece, so that an hour of boxes is never one string.
"""

import base64
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.digests import sha256_of_bytes
from remix_track.id_colours import colour_of, css, ink_on
from remix_track.json_text import json_text
from remix_track.output_files import atomic_write
from remix_track.text_files import utf8
from remix_track.viewer.box_blocks import FRAMES
from remix_track.viewer.frame_times import FrameTimes

if TYPE_CHECKING:
    from markupsafe import Markup

_HERE = Path(__file__).parent
_SCRIPTS = ("boxes.js", "clock.js", "stage.js", "timeline.js", "errors.js", "gallery.js", "page.js")
# `file:` is what a page from disk calls the folder that it lies in.
_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; media-src 'self' file:; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of a person: the frame of the page that it is from, and the JPEG file's bytes."""

    frame: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """One track.

    Attributes:
        id: its number, from 1.
        kind: what it is, as the detector calls it; empty where that is not known.
        spans: first and last frame of the page (from 0) of each stretch in which it is there, one after the other.
        boxes: how many of it there are.
        seconds: for which it is there.
        score: mean confidence of its detections; nan without any.
        crops: of it, the best one first.
        known: name or number in a store of people; empty where that is not known.
    """

    id: int
    kind: str
    spans: Sequence[int]
    boxes: int
    seconds: float
    score: float
    crops: Sequence[Crop]
    known: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """What a page shows.

    Attributes:
        title: name of the source.
        video: name of the video's file in the page's folder; None where there is none.
        rate: frames per second at which it plays.
        width, height: of its images in pixels, in which boxes are.
        times: of its frames.
        clock: whether these times are times of day (milliseconds since 1970, UTC), not since the first frame.
        drawn: the video shows the boxes already.
        labelled: it shows the ids already.
        notes: what a reader should know, a sentence each.
    """

    title: str
    video: str | None
    rate: float
    width: int
    height: int
    times: FrameTimes
    clock: bool
    drawn: bool
    labelled: bool
    notes: Sequence[str] = ()


def write_page(path: Path, page: PeoplePage, people: Iterable[Person], blocks: Iterable[bytes]) -> None:
    """Write the page in one piece.

    Args:
        path: of the file.
        page: facts of the video.
        people: in the order of their ids.
        blocks: of boxes, `FRAMES` frames each, see `encode_block`.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_write(path, parents=False) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(render(page, people, blocks))


def render(page: PeoplePage, people: Iterable[Person], blocks: Iterable[bytes]) -> Iterator[str]:
    """The text of the page, a piece at a time; see `write_page`."""
    from markupsafe import Markup

    style, script = _style(), _script()
    pieces = _template().generate(
        policy=_POLICY.format(script=_digest(script), style=_digest(style)),
        style=Markup(style),
        script=Markup(script),
        title=utf8(page.title),
        facts=data_text(_facts(page)),
        people=(data_text(_told(person)) for person in people),
        blocks=(base64.b64encode(block).decode("ascii") for block in blocks),
    )
    return map(str, pieces)


def _facts(page: PeoplePage) -> dict[str, Any]:
    return {
        "title": page.title,
        "video": page.video,
        "rate": page.rate,
        "width": page.width,
        "height": page.height,
        "frames": page.times.count,
        "step": page.times.step,
        "knots": page.times.knots.tolist(),
        "clock": page.clock,
        "drawn": page.drawn,
        "labelled": page.labelled,
        "notes": page.notes,
        "block": FRAMES,
    }


def _told(person: Person) -> dict[str, Any]:
    colour = colour_of(person.id)
    return {
        "id": person.id,
        "kind": person.kind,
        "known": utf8(person.known),
        "colour": css(colour),
        "ink": css(ink_on(colour)),
        "spans": list(person.spans),
        "boxes": person.boxes,
        "seconds": round(person.seconds, 2),
        "score": None if math.isnan(person.score) else round(person.score, 3),
        "crops": [[crop.frame, base64.b64encode(crop.jpeg).decode("ascii")] for crop in person.crops],
    }


def data_text(value: Any) -> "Markup":
    """JSON on one line, which no `<` or `&` ends early as the content of an element."""
    from jinja2.utils import htmlsafe_json_dumps
    from markupsafe import Markup

    return Markup(str(htmlsafe_json_dumps(value, dumps=partial(json_text, compact=True))).rstrip("\n"))


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE / "assets")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("people.html")


@functools.cache
def _style() -> str:
    return (_HERE / "assets" / "people.css").read_text(encoding="utf-8")


@functools.cache
def _script() -> str:
    return "'use strict';\n" + "".join((_HERE / "assets" / name).read_text(encoding="utf-8") for name in _SCRIPTS)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(bytes.fromhex(sha256_of_bytes(text.encode()))).decode("ascii")

"""What pages load of recordings: crops, video by ranges, single frames, and the boxes of some seconds."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError
from remix_track.id_colours import css_of
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.recording import Boxes, Recording
from remix_track.server.shown import ink_of
from remix_track.server.web import Answer, NotFoundError, Request, Route, json_answer
from remix_track.store.index_people import one_tracklet

LONGEST_PIECE = 60
"""Seconds of boxes in one answer."""
MOST_BOXES = 40_000
_LARGEST_CROP = 20_000_000
_JPEG_QUALITY = 85


def routes(library: Library) -> list[Route]:
    """Crops, videos, frames, boxes, and what a player has to know of a recording."""
    return [
        Route("/{collection}/recording/{recording}", lambda request: facts(library.at(request), request)),
        Route("/{collection}/crop/{recording}/{track}/{place}.jpg", lambda request: crop(library.at(request), request)),
        Route("/{collection}/video/{recording}", lambda request: video(library.at(request), request)),
        Route("/{collection}/frame/{recording}/{frame}.jpg", lambda request: frame(library.at(request), request)),
        Route("/{collection}/boxes/{recording}", lambda request: boxes(library.at(request), request)),
    ]


def crop(collection: Collection, request: Request) -> Answer:
    """A picture of a tracklet; place 0 is the best."""
    track, place = request.number("track"), request.number("place", high=100)
    with collection.reading() as connection:
        found = one_tracklet(connection, request.text("recording"), track)
    if found is None:
        raise NotFoundError("there is no such track")
    return image_answer(collection.crops(found), place)


def image_answer(files: Sequence[Path], place: int) -> Answer:
    """One of some crops, if it is a JPEG: what a browser takes for something else is not sent.

    Pages ask for more pictures than may be kept. No content is no error, of which a browser's console would tell.
    """
    if place >= len(files):
        return Answer(b"", "image/jpeg", 204)
    content = read_bounded(files[place], _LARGEST_CROP)
    if not content.startswith(b"\xff\xd8\xff"):
        raise InputError(f"{files[place].name}: no JPEG")
    return Answer(content, "image/jpeg")


def facts(collection: Collection, request: Request) -> Answer:
    """What a player has to know: how the recording can be shown, and at which second each frame is."""
    one = collection.recording(request.text("recording"))
    medium = one.medium
    how = "video" if medium.media_type else "frames" if medium.path else "boxes"
    why = {"video": "", "frames": "Browsers do not play this, so its frames come one by one.", "boxes": medium.why}
    start = None if one.start is None else one.start.timestamp() * 1000
    return json_answer(
        {
            "key": one.key,
            "title": one.title,
            "camera": one.camera,
            "width": one.width,
            "height": one.height,
            "fps": one.fps,
            "how": how,
            "why": why[how],
            "drawn": medium.drawn,
            "first_frame": one.first_frame,
            "last_frame": one.last_frame,
            "first_seconds": one.first_seconds,
            "last_seconds": one.last_seconds,
            "start": start,
        }
    )


def video(collection: Collection, request: Request) -> Answer:
    """The file that a browser plays."""
    medium = collection.recording(request.text("recording")).medium
    if medium.path is None or not medium.media_type:
        raise NotFoundError(medium.why or "browsers do not play this file; its frames come one by one")
    return Answer(medium.path, medium.media_type)


def frame(collection: Collection, request: Request) -> Answer:
    """One frame as a JPEG, decoded now; `frame` is its number in the source."""
    recording = collection.recording(request.text("recording"))
    number = request.number("frame", low=1, high=10**9)
    return Answer(jpeg_at(recording, recording.seconds_of(number)), "image/jpeg")


def jpeg_at(recording: Recording, seconds: float) -> bytes:
    """The frame that is shown at a second of a recording's medium.

    Raises:
        NotFoundError: there is no such frame, or no file.
        InputError: the file cannot be read.
    """
    from PIL import Image

    path = recording.medium.path
    if path is None:
        raise NotFoundError(recording.medium.why)
    found = _of_folder(path, recording.frame_at(seconds)) if path.is_dir() else _of_video(path, seconds)
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(found[:, :, ::-1])).save(written, "JPEG", quality=_JPEG_QUALITY)
    return written.getvalue()


def _of_folder(path: Path, number: int) -> NDArray[np.uint8]:
    """Image `number` of a folder of images, (H, W, 3) BGR."""
    from remix_track.trackers.sources.opening import open_source

    with open_source(path, start=max(number, 1), frames=1) as source:
        return next(iter(source)).image


def _of_video(path: Path, seconds: float) -> NDArray[np.uint8]:
    from remix_track.trackers.sources.excerpts import pictures_between, timeline_of

    timeline = timeline_of(path)
    if timeline is None:
        raise NotFoundError("its frames cannot be read one by one")
    near = timeline.begin + seconds - 0.5 / timeline.fps
    found = next(pictures_between(path, near, near + max(2.0, 4 / timeline.fps)), None)
    if found is None:
        raise NotFoundError("the video has no frame there")
    return found[1]


def boxes(collection: Collection, request: Request) -> Answer:
    """The boxes of some seconds as columns, and who their tracks are."""
    begin = request.number("from", 0, high=10**9)
    end = request.number("to", begin + LONGEST_PIECE, high=10**9)
    end = min(end, begin + LONGEST_PIECE)
    recording = collection.recording(request.text("recording"))
    found = recording.boxes(float(begin), float(end))
    shown = Boxes(*(getattr(found, name)[:MOST_BOXES] for name in Boxes.__slots__))
    return json_answer(
        {
            "from": begin,
            "to": end,
            "cut": len(found) > len(shown),
            "frame": shown.frame,
            "seconds": np.round(shown.seconds, 4),
            "track": shown.track,
            "xyxy": np.rint(shown.xyxy).astype(np.int64),
            "coasts": shown.coasts.astype(np.int64),
            "people": _people_of(collection, recording.key, np.unique(shown.track).tolist()),
        }
    )


def _people_of(collection: Collection, key: str, tracks: list[int]) -> dict[str, dict[str, Any]]:
    """Of each track its person, how that is called, and its colour; tracks of nobody are called by their number."""
    names, chosen = collection.names(), ",".join(map(str, tracks))
    asked = f"SELECT track, person FROM tracklets JOIN jobs ON jobs.id = job WHERE key = ? AND track IN ({chosen})"
    with collection.reading() as connection:
        people = dict(connection.execute(asked, (key,)).fetchall())
    told = {}
    for track in tracks:
        person = people.get(track, 0)
        name = names.get(person, str(person)) if person else f"track {track}"
        told[str(track)] = {
            "person": person,
            "name": name,
            "colour": css_of(person or track),
            "ink": ink_of(person or track),
        }
    return told

"""Lines and zones drawn on a camera's picture, and what is counted at them."""

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from remix_track.bounded_file import read_bounded
from remix_track.counting.counts import Counts
from remix_track.counting.feet import Feet
from remix_track.counting.heat_map import HeatMap
from remix_track.counting.run_feet import camera_of_run, count_runs, read_runs_feet
from remix_track.counting.store_feet import StoredPieces, count_store, cut_to_period, feet_of, pieces_of
from remix_track.counting.table import intervals_in, rows_of, total_of
from remix_track.counting.zones_file import Zones, read_zones, to_toml, zones_from
from remix_track.errors import InputError, parsing
from remix_track.id_colours import css_of
from remix_track.json_text import json_text
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.people import moment
from remix_track.server.recording import Recording
from remix_track.server.web import Answer, NotFoundError, Page, Request, Route, json_answer
from remix_track.store.index_people import camera_names
from remix_track.text_files import utf8, write_text

FILE = "zones.toml"
"""In the folder of the store or run."""
LENGTHS = {"10s": 10, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": 86400}
_PERIOD = 86400.0
"""Seconds that are counted of a store where the user names no time: the last ones."""
MOST_INTERVALS = 50_000
"""Of all places together that a page gets."""
_MOST_BYTES = 1 << 20
_TRIED = 8
_SAVING = threading.Lock()
_COLOURS = 24


def routes(library: Library) -> list[Route]:
    """The page, its numbers and heat, and saving."""
    return [
        Route("/{collection}/zones", lambda request: page(library.at(request), request)),
        Route("/{collection}/zones/numbers", lambda request: numbers(library.at(request), request)),
        Route("/{collection}/zones/heat.png", lambda request: heat(library.at(request), request)),
        Route("/{collection}/zones/file", lambda request: save(library.at(request), request), "POST", _MOST_BYTES),
    ]


def page(collection: Collection, request: Request) -> Page:
    """A camera's picture with its lines and zones, to be changed."""
    with collection.reading() as connection:
        cameras = camera_names(connection)
    camera = _camera(request, cameras)
    shown = _picture_of(collection, camera)
    zones, stamp = _zones(collection)
    name = _name_of(collection, camera)
    told = {
        "base": f"/{collection.number}/zones",
        "camera": camera,
        "name": name,
        "stamp": stamp,
        "places": _told(zones, name),
        "colours": [css_of(number) for number in range(1, _COLOURS + 1)],
        "width": shown.width if shown and shown.width else 1280,
        "height": shown.height if shown and shown.height else 720,
    }
    values = {
        "collection": collection,
        "cameras": cameras,
        "camera": camera,
        "told": json_text(told, compact=True),
        "lengths": LENGTHS,
        "file": collection.folder / FILE,
        "picture": _address(collection, shown) if shown and shown.medium.path else "",
    }
    return Page("zones.html", values)


def numbers(collection: Collection, request: Request) -> Answer:
    """What is counted in a period, place by place and interval by interval."""
    every = LENGTHS[request.choice("every", tuple(LENGTHS), "1h")]
    zones, _ = _zones(collection)
    counts = _counts(collection, request, zones)
    if counts is None:
        return json_answer({"clock": True, "places": [], "tracks": 0, "unknown": 0})
    intervals = sum(intervals_in(place, every) for place in counts.places)
    if intervals > MOST_INTERVALS:
        raise InputError(
            f"{intervals:,} intervals at all places; at most {MOST_INTERVALS:,} are shown: choose longer ones, or a "
            "shorter time"
        )
    places = [
        {
            "name": place.name,
            "kind": place.kind,
            "cameras": place.cameras,
            "rows": [dataclasses.asdict(row) for row in rows_of(place, every)],
            "total": dataclasses.asdict(total_of(place)),
        }
        for place in counts.places
    ]
    told = {"clock": counts.clock, "places": places, "tracks": counts.tracks, "unknown": counts.unknown}
    return json_answer(told)


def heat(collection: Collection, request: Request) -> Answer:
    """Where feet were before a camera in a period, to be laid over its picture."""
    import cv2

    with collection.reading() as connection:
        camera = _camera(request, camera_names(connection))
    shown = _picture_of(collection, camera)
    if shown is None or not shown.width:
        raise NotFoundError("nothing says how large the images of this camera are")
    made = HeatMap(shown.width, shown.height)
    for feet in _feet(collection, request, camera):
        made.add(feet)
    _, written = cv2.imencode(".png", made.layer())
    return Answer(written.tobytes(), "image/png")


def save(collection: Collection, request: Request) -> Answer:
    """Write the file anew, with the lines and zones that the page sends.

    Raises:
        InputError: they cannot be, or the file has changed since the page was loaded.
    """
    with parsing("the lines and zones", "what a page sends", "reload the page"):
        sent = json.loads(request.body)
        listed, was = list(sent["places"]), str(sent["stamp"])
    with _SAVING:
        zones, stamp = _zones(collection)
        if was != stamp:
            raise InputError(f"{FILE} was changed by somebody else meanwhile; reload the page")
        made = _from_page(listed, zones)
        write_text(collection.folder / FILE, to_toml(made))
        return json_answer({"stamp": _zones(collection)[1]})


def _from_page(listed: list[Any], zones: Zones) -> Zones:
    """The file of these places, with the ground and the settings that it has."""
    if not all(isinstance(one, dict) for one in listed):
        raise InputError("the lines and zones: cannot be read; reload the page")
    values: dict[str, Any] = {**dataclasses.asdict(zones.settings), "line": [], "zone": []}
    for one in listed:
        values["zone" if one.get("kind") == "zone" else "line"].append(
            {key: one[key] for key in ("name", "points", "camera", "unit") if one.get(key) is not None}
        )
    grounds = [dataclasses.asdict(one) for one in zones.grounds]
    values["ground"] = [{key: value for key, value in one.items() if value is not None} for one in grounds]
    return zones_from(values, "lines and zones")


def _zones(collection: Collection) -> tuple[Zones, str]:
    """What the file has, and its digest; empty where there is none."""
    path = collection.folder / FILE
    if not path.exists():
        return Zones(), ""
    return read_zones(path), hashlib.sha256(read_bounded(path)).hexdigest()


def _told(zones: Zones, camera: str) -> list[dict[str, Any]]:
    """All places of the file; `shown` is where those of this camera show, in pixels."""
    before = {id(one.place): one for one in zones.before(camera)}
    told = []
    for place in zones.places:
        seen = before.get(id(place))
        pixels = seen.in_pixels() if seen else None
        visible = pixels is not None and bool(np.isfinite(pixels).all())
        told.append({**dataclasses.asdict(place), "shown": pixels if visible else None})
    return told


def _camera(request: Request, cameras: list[str]) -> str:
    if not cameras:
        raise NotFoundError("nothing was recorded here yet")
    return request.choice("camera", tuple(cameras), cameras[0])


def _picture_of(collection: Collection, camera: str) -> Recording | None:
    """The latest recording of a camera that has pictures, else the latest one."""
    asked = (
        "SELECT jobs.key FROM jobs JOIN cameras ON cameras.id = jobs.camera "
        "WHERE cameras.name = ? AND jobs.problem = '' ORDER BY jobs.id DESC LIMIT ?"
    )
    with collection.reading() as connection:
        keys = [key for (key,) in connection.execute(asked, (camera, _TRIED)).fetchall()]
    found = [collection.recording(key) for key in keys]
    return next((one for one in found if one.medium.path and not one.medium.drawn), found[0] if found else None)


def _address(collection: Collection, shown: Recording) -> str:
    middle = (shown.first_frame + shown.last_frame) // 2
    return f"/{collection.number}/frame/{shown.key}/{middle}.jpg"


def _period(collection: Collection, request: Request) -> StoredPieces | None:
    """The pieces of a store that are counted; None for a run."""
    if collection.store is None:
        return None
    since, until = moment(request.text("since"), "since"), moment(request.text("until"), "until")
    found = pieces_of(collection.store, since=since, until=until)
    if since is None and found.pieces:
        last = max(one.end for one in found.pieces)
        found = cut_to_period(found, datetime.fromtimestamp(last - _PERIOD, UTC), None)
    return found


def _counts(collection: Collection, request: Request, zones: Zones) -> Counts | None:
    pieces = _period(collection, request)
    if pieces is None:
        return count_runs(read_runs_feet([collection.folder]), zones)
    return count_store(pieces, zones) if pieces.pieces else None


def _feet(collection: Collection, request: Request, camera: str) -> Iterable[Feet]:
    pieces = _period(collection, request)
    if pieces is None:
        return [one.feet for one in read_runs_feet([collection.folder]) if one.name == _name_of(collection, camera)]
    return (feet_of(one) for one in pieces.pieces if one.camera == camera)


def _name_of(collection: Collection, camera: str) -> str:
    """The camera as files of lines and zones call it: of runs, pages say the folder, and those the source."""
    if collection.store is not None:
        return camera
    own = next((one for one in collection.folders if utf8(one.resolve().name) == camera), collection.folder)
    return camera_of_run(own)

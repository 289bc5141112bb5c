"""The file of lines and zones, in TOML: read with each mistake as a line, and written.

[[line]]
name = "door"
points = [[120, 300], [420, 300]]

[[zone]]
name = "shop"
camera = "gate"
points = [[50, 200], [600, 200], [600, 400], [50, 400]]
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.geometry import simple_area, simple_line
from remix_track.counting.ground_plane import GroundPlane
from remix_track.errors import InputError
from remix_track.setting_values import nearest, short
from remix_track.settings import build, check, read_toml, refuse_unknown, setting
from remix_track.text_files import utf8

Points = tuple[tuple[float, float], ...]
Unit = Literal["pixels", "metres"]
Kind = Literal["line", "zone"]

MOST_PLACES = 200
MOST_POINTS = 200
LONGEST_NAME = 60
_FURTHEST = 1e6
_LEAST: dict[Kind, int] = {"line": 2, "zone": 3}


@dataclass(frozen=True, slots=True)
class CountSettings:
    """When somebody has crossed a line, or left a zone.

    Attributes:
        hysteresis: of a person's height; who crossed a line has to get so far from it before crossing it again counts,
            and who left a zone has to be so far from it. Feet shake by some hundredths of the height.
        bridge: seconds; in a gap of a track that is no longer, the person walks on. As long as the tracker keeps a
            track without a box.
    """

    hysteresis: float = setting(0.1, "of a person's height: so far from a line counts as away from it", low=0, high=1)
    bridge: float = setting(3.0, "seconds; in gaps of a track that are no longer, people walk on", low=0, high=3600)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A line or a zone.

    Attributes:
        kind: which of both.
        name: what tables and events call it. What has one name before several cameras is one place.
        points: of a line from its beginning to its end; of a zone around it, the last joined with the first.
        camera: before which it is; None: before each one, and each has its own.
        unit: of the points.
    """

    kind: Kind
    name: str
    points: Points
    camera: str | None = None
    unit: Unit = "pixels"

    def __post_init__(self) -> None:
        check(self)
        for name, text in (("name", self.name), ("camera", self.camera or "-")):
            if not (text.strip() and len(text) <= LONGEST_NAME and text.isprintable()):
                raise InputError(f"{name} {short(text)}: expected a printable text of 1 to {LONGEST_NAME} letters")
        (simple_line if self.kind == "line" else simple_area)(np.array(self.points))


@dataclass(frozen=True, slots=True)
class Ground:
    """Four points of the ground, in the image and in metres.

    Attributes:
        pixels: where they show.
        metres: where they lie, in the same order; of any origin and direction.
        camera: before which they are; None: before each one.
    """

    pixels: Points
    metres: Points
    camera: str | None = None

    def plane(self) -> GroundPlane:
        """The plane; raises `InputError` where there is none through them."""
        return GroundPlane.of_points(np.array(self.pixels), np.array(self.metres))


class Seen(NamedTuple):
    """A place before one camera: `plane` is what its metres need, None for pixels."""

    place: Place
    plane: GroundPlane | None

    def in_pixels(self) -> NDArray[np.float64]:
        """(N, 2) where its points show; NaN where they do not."""
        points = np.array(self.place.points, np.float64)
        return points if self.plane is None else self.plane.to_pixels(points)


@dataclass(frozen=True, slots=True)
class Zones:
    """What a file has.

    Attributes:
        places: lines and zones.
        grounds: for those in metres.
        settings: for all of them.
    """

    places: tuple[Place, ...] = ()
    grounds: tuple[Ground, ...] = ()
    settings: CountSettings = CountSettings()

    def __post_init__(self) -> None:
        taken: dict[str, list[Place]] = {}
        for one in self.places:
            for other in taken.setdefault(one.name, []):
                if one.camera == other.camera or None in (one.camera, other.camera):
                    raise InputError(f"{one.kind} {one.name!r}: there is another of that name; give it its own")
                if one.kind != other.kind:
                    raise InputError(f"{one.name!r}: a line before one camera and a zone before another; rename one")
            taken[one.name].append(one)
            if one.unit == "metres" and self._ground(one.camera) is None:
                where = f" of camera {one.camera!r}" if one.camera else ""
                raise InputError(f"{one.kind} {one.name!r} is in metres; give a [[ground]]{where} with four points")

    def before(self, camera: str) -> list[Seen]:
        """The lines and zones before a camera, in the order of the file."""
        ground = self._ground(camera)
        plane = ground.plane() if ground else None
        own = [one for one in self.places if one.camera in (None, camera)]
        return [Seen(one, plane if one.unit == "metres" else None) for one in own]

    def check_cameras(self, cameras: Iterable[str], where: object) -> None:
        """Refuse a file that has nothing for any of these cameras.

        Raises:
            InputError: with the nearest name.
        """
        known = sorted(set(cameras))
        if known and not any(self.before(camera) for camera in known):
            named = sorted({one.camera for one in self.places if one.camera})
            near = nearest(named[0], known, cutoff=0.5) if named else None
            hint = f"; did you mean {near!r}?" if near else f"; cameras here: {', '.join(known[:5])}"
            raise InputError(f"{where}: has no line and no zone of a camera that is here{hint}")

    def _ground(self, camera: str | None) -> Ground | None:
        return next((one for wanted in (camera, None) for one in self.grounds if one.camera == wanted), None)


def read_zones(path: Path) -> Zones:
    """Read a file of lines and zones.

    Raises:
        InputError: it cannot be read, or has a mistake; the file, the table and what to do are named.
    """
    return zones_from(read_toml(path), str(path))


def zones_from(values: Mapping[str, Any], where: str) -> Zones:
    """The same of plain values, as TOML and JSON have them; `where` is for messages.

    Raises:
        InputError: see `read_zones`.
    """
    names = [one.name for one in dataclasses.fields(CountSettings)]
    refuse_unknown(values, [*_LEAST, "ground", *names], where)
    settings = build(CountSettings, {key: values[key] for key in names if key in values}, where)
    places = [_place(kind, table, where_) for kind in _LEAST for table, where_ in _tables(values, kind, where)]
    grounds = [_ground(table, where_) for table, where_ in _tables(values, "ground", where)]
    if len(places) > MOST_PLACES or len(grounds) > MOST_PLACES:
        raise InputError(f"{where}: more than {MOST_PLACES} lines, zones or grounds; make it several files")
    try:
        return Zones(tuple(places), tuple(grounds), settings)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def to_toml(zones: Zones) -> str:
    """The file of these lines and zones; reading it gives the same."""
    import tomlkit

    document = tomlkit.document()
    for key, value in dataclasses.asdict(zones.settings).items():
        if value != getattr(CountSettings(), key):
            document.add(key, value)
    for kind in (*_LEAST, "ground"):
        these = zones.grounds if kind == "ground" else [one for one in zones.places if one.kind == kind]
        tables = tomlkit.aot()
        for one in these:
            tables.append(_as_table(one))
        if these:
            document.add(kind, tables)
    return tomlkit.dumps(document)


def _as_table(one: Place | Ground) -> Any:
    import tomlkit

    table = tomlkit.table()
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        if field.name == "kind" or value == field.default:
            continue
        table.add(field.name, utf8(value) if isinstance(value, str) else [[_whole(x), _whole(y)] for x, y in value])
    return table


def _whole(number: float) -> float:
    return int(number) if number.is_integer() else number


def _tables(values: Mapping[str, Any], key: str, where: str) -> list[tuple[Mapping[str, Any], str]]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise InputError(f"{where}: {key} is a table for each {key}; write [[{key}]] and its keys below")
    return [(one, f"{where}: {_title(key, number, one)}") for number, one in enumerate(found, 1)]


def _title(key: str, number: int, table: Mapping[str, Any]) -> str:
    name = table.get("name")
    return f"[[{key}]] {short(name)}" if isinstance(name, str) else f"[[{key}]] {number}"


def _place(kind: Kind, table: Mapping[str, Any], where: str) -> Place:
    _needs(table, ("name", "points"), ("camera", "unit"), where)
    points = _points(table["points"], f"{where}: points", _LEAST[kind], MOST_POINTS)
    return build(Place, {**table, "kind": kind, "points": points}, where)


def _ground(table: Mapping[str, Any], where: str) -> Ground:
    _needs(table, ("pixels", "metres"), ("camera",), where)
    four = {key: _points(table[key], f"{where}: {key}", 4, 4) for key in ("pixels", "metres")}
    made = build(Ground, {**table, **four}, where)
    try:
        made.plane()
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return made


def _needs(table: Mapping[str, Any], needed: tuple[str, ...], others: tuple[str, ...], where: str) -> None:
    refuse_unknown(table, (*needed, *others), where)
    for key in needed:
        if key not in table:
            raise InputError(f"{where}: has no {key}; add it")


def _points(value: Any, where: str, least: int, most: int) -> Points:
    count = f"{least}" if least == most else f"{least} to {most}"
    if not isinstance(value, list | tuple) or not least <= len(value) <= most:
        raise InputError(f"{where} = {short(value)}; expected {count} points [x, y]")
    return tuple(_point(one, f"{where}: point {number}") for number, one in enumerate(value, 1))


def _point(value: Any, where: str) -> tuple[float, float]:
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(type(one) in (int, float) for one in value)
    if not numbers or not all(math.isfinite(one) and abs(one) <= _FURTHEST for one in value):
        raise InputError(f"{where} = {short(value)}; expected [x, y], each a number up to {_FURTHEST:,.0f}")
    return float(value[0]), float(value[1])

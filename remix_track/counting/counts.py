"""All lines and zones of all cameras counted: crossings and stays of each place, each person once."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.crossings import Crossings, crossings, once
from remix_track.counting.feet import Feet
from remix_track.counting.visits import Visits, united, visits
from remix_track.counting.zones_file import Kind, Seen, Zones


class Recording(NamedTuple):
    """A piece of what one camera recorded.

    Attributes:
        camera: its name.
        feet: of people in it; where there is something before it, with those of the last `bridge` seconds of that.
        begin, end: seconds between which it was recorded.
        after: only feet later than that are of it, the others were counted with the piece before, or are not asked for.
        last: no other piece of the camera comes.
    """

    camera: str
    feet: Feet
    begin: float
    end: float
    after: float = -np.inf
    last: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class PlaceCounts:
    """What happened at one line or zone.

    Attributes:
        name: of the place; with that of the camera where the file has it before several cameras without naming them.
        kind: `line` or `zone`.
        cameras: that see it.
        recorded: (K, 2) seconds from and until which one of them recorded, in order and apart.
        crossings: of a line.
        visits: of a zone.
    """

    name: str
    kind: Kind
    cameras: tuple[str, ...]
    recorded: NDArray[np.float64]
    crossings: Crossings | None = None
    visits: Visits | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What was counted.

    Attributes:
        places: in the order of the file.
        clock: times are seconds since 1970, else since the beginning of each recording.
        sources: what was tracked, by the number that `feet.source_of` gives.
        tracks: that were looked at.
        unknown: those of them that no person is known for; each counts as somebody.
    """

    places: tuple[PlaceCounts, ...]
    clock: bool
    sources: tuple[str, ...]
    tracks: int
    unknown: int


@dataclass(slots=True)
class _Gathered:
    seen: Seen
    cameras: list[str] = dataclasses.field(default_factory=list)
    spans: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    crossings: list[Crossings] = dataclasses.field(default_factory=list)
    visits: list[Visits] = dataclasses.field(default_factory=list)


def count(
    recordings: Iterable[Recording], zones: Zones, cameras: Sequence[str], *, sources: Sequence[str], clock: bool
) -> Counts:
    """Count what happens at each place.

    Args:
        recordings: of each camera in order of time; one after the other is looked at, and kept no longer.
        zones: lines and zones.
        cameras: names of all cameras.
        sources: names, by the numbers in the tracks of their feet.
        clock: their times are of one clock, so that a place that several cameras see is one. Else it is one for each.
    """
    gathered: dict[str, _Gathered] = {}
    tracks, unknown = set[int](), set[int]()
    for one in recordings:
        own = one.feet[one.feet.time > one.after]
        tracks.update(np.unique(own.track).tolist())
        unknown.update(np.unique(own.track[own.who < 0]).tolist())
        for seen in zones.before(one.camera):
            apart = len(cameras) > 1 and (seen.place.camera is None or not clock)
            name = f"{seen.place.name} ({one.camera})" if apart else seen.place.name
            _take(gathered.setdefault(name, _Gathered(seen)), seen, one, zones)
    order = {one.name: number for number, one in enumerate(zones.places)}
    found = sorted(gathered.items(), key=lambda item: order[item[1].seen.place.name])
    places = tuple(_closed(name, one, zones) for name, one in found)
    return Counts(places, clock, tuple(sources), len(tracks), len(unknown))


def _take(into: _Gathered, seen: Seen, one: Recording, zones: Zones) -> None:
    begins = one.camera not in into.cameras
    if begins:
        into.cameras.append(one.camera)
    into.spans.append((one.begin, one.end))
    if seen.place.kind == "line":
        into.crossings.append(crossings(seen, one.feet, zones.settings, one.after))
    else:
        until = one.end if one.last else np.inf
        # A stay goes on from the piece before, but not from what is not counted.
        feet = one.feet[one.feet.time > one.after] if begins else one.feet
        into.visits.append(visits(seen, feet, zones.settings, until))


def _closed(name: str, one: _Gathered, zones: Zones) -> PlaceCounts:
    bridge, cameras, spans = zones.settings.bridge, tuple(one.cameras), _apart(np.array(one.spans))
    if one.seen.place.kind == "zone":
        stays = united(one.visits, bridge)
        # Who was in it when one camera ended is not there for as long as another goes on.
        stays = dataclasses.replace(stays, open=stays.open & (spans[-1, 1] - stays.end <= bridge))
        return PlaceCounts(name, "zone", cameras, spans, visits=stays)
    every = Crossings(*(np.concatenate([getattr(part, key) for part in one.crossings]) for key in Crossings.__slots__))
    return PlaceCounts(name, "line", cameras, spans, crossings=once(every, bridge))


def _apart(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, 2) the same seconds as of (N, 2), in order and apart."""
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    first = np.flatnonzero(np.concatenate([[True], spans[1:, 0] > reach[:-1]]))
    return np.column_stack([spans[first, 0], np.maximum.reduceat(spans[:, 1], first)])

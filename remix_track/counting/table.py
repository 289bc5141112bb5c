"""Counts in each interval of time: the rows of tables, CSV and plots."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.counts import Counts, PlaceCounts
from remix_track.counting.crossings import IN, Crossings
from remix_track.counting.feet import number_of, source_of
from remix_track.counting.visits import Visits
from remix_track.counting.zones_file import Kind
from remix_track.errors import InputError
from remix_track.text_files import write_text

MOST_INTERVALS = 100_000
_Values = tuple[tuple[int, int, int], tuple[float, ...]]
COLUMNS = (
    "from", "to", "place", "kind", "cameras", "recorded", "in", "out", "people", "mean_occupancy", "max_occupancy",
    "mean_dwell", "longest_dwell",
)  # fmt: skip
PASSAGES = ("place", "kind", "what", "person", "source", "track", "from", "to", "first_frame", "last_frame")


@dataclass(frozen=True, slots=True)
class Row:
    """What happened at one place in one interval.

    Attributes:
        begin, end: seconds, see `Counts.clock`.
        place, kind, cameras: see `PlaceCounts`.
        recorded: seconds of the interval that a camera recorded.
        ins, outs: crossings of a line; entries and exits of a zone.
        people: different ones who crossed, or were in the zone.
        mean_occupancy, max_occupancy: people in the zone at once; NaN for lines.
        mean_dwell, longest_dwell: seconds of the stays that ended then; NaN where none did.
    """

    begin: float
    end: float
    place: str
    kind: Kind
    cameras: tuple[str, ...]
    recorded: float
    ins: int
    outs: int
    people: int
    mean_occupancy: float = np.nan
    max_occupancy: float = np.nan
    mean_dwell: float = np.nan
    longest_dwell: float = np.nan


def rows_of(place: PlaceCounts, every: float) -> list[Row]:
    """A row for each interval of `every` seconds in which something was recorded.

    Intervals begin at multiples of their length, of the clock: an hour at the full hour of UTC.

    Raises:
        InputError: there would be more than `MOST_INTERVALS`.
    """
    count = intervals_in(place, every)
    if not count:
        return []
    number = np.floor(float(place.recorded[0, 0]) / every)
    if count > MOST_INTERVALS:
        raise InputError(f"`every` {every:g} s makes {count:,} intervals; give a longer one")
    return _rows(place, (number + np.arange(count + 1)) * every)


def intervals_in(place: PlaceCounts, every: float) -> int:
    """How many intervals lie from its first recorded second to its last one."""
    if not len(place.recorded):
        return 0
    first, last = float(place.recorded[0, 0]), float(place.recorded[-1, 1])
    return int(np.floor(last / every) - np.floor(first / every)) + 1


def total_of(place: PlaceCounts) -> Row:
    """All of it as one row."""
    if not len(place.recorded):
        return Row(0.0, 0.0, place.name, place.kind, place.cameras, 0.0, 0, 0, 0)
    first, last = float(place.recorded[0, 0]), float(place.recorded[-1, 1])
    # What happens at the very end belongs to it.
    rows = _rows(place, np.array([first, np.nextafter(last, np.inf)]))
    return rows[0] if rows else Row(first, last, place.name, place.kind, place.cameras, 0.0, 0, 0, 0)


def csv_text(counts: Counts, every: float) -> str:
    """The rows of all places as CSV, with a header; times are UTC, or seconds from the beginning."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place in counts.places:
        for row in rows_of(place, every):
            writer.writerow(_cells(row, clock=counts.clock))
    return text.getvalue()


def write_csv(path: Path, counts: Counts, every: float) -> None:
    """Write `csv_text` to a file; raises `InputError` where there is one, or it cannot be made."""
    if path.exists():
        raise InputError(f"{path}: there is something already; give another name")
    write_text(path, csv_text(counts, every))


def passages_csv(counts: Counts) -> str:
    """Each crossing and each stay as a line of CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PASSAGES)
    for place in counts.places:
        writer.writerows(_passages(place, counts))
    return text.getvalue()


def time_text(seconds: float, *, clock: bool) -> str:
    """`2026-11-29T15:00:00Z` by the clock, else seconds from the beginning."""
    if not clock:
        return f"{seconds:.3f}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6].removesuffix(".000") + "Z"


def _rows(place: PlaceCounts, edges: NDArray[np.float64]) -> list[Row]:
    recorded = np.diff(_covered(place.recorded[:, 0], place.recorded[:, 1], edges))
    found = _of_line(place, edges) if place.visits is None else _of_zone(place.visits, edges, recorded)
    rows = []
    for at, (counted, shares) in enumerate(found):
        if recorded[at] > 0 or any(counted):
            ends = float(edges[at]), float(edges[at + 1])
            rows.append(Row(*ends, place.name, place.kind, place.cameras, float(recorded[at]), *counted, *shares))
    return rows


def _of_line(place: PlaceCounts, edges: NDArray[np.float64]) -> Iterator[_Values]:
    assert place.crossings is not None
    found = place.crossings
    at, count = _interval(edges, found.time), len(edges) - 1
    ins = np.bincount(at[found.direction == IN], minlength=count)
    outs = np.bincount(at[found.direction != IN], minlength=count)
    for counted in zip(ins.tolist(), outs.tolist(), _different(at, found.who, count), strict=True):
        yield counted, ()


def _of_zone(found: Visits, edges: NDArray[np.float64], recorded: NDArray[np.float64]) -> Iterator[_Values]:
    count = len(edges) - 1
    begun, ended = _interval(edges, found.begin), _interval(edges, found.end)
    done = ~found.open
    ins, outs = np.bincount(begun, minlength=count), np.bincount(ended[done], minlength=count)
    # Who is still there is so until the last interval ends.
    end = np.where(done, found.end, edges[-1])
    until = np.where(done, ended, count - 1)
    spread = until - begun + 1
    at = np.repeat(begun, spread) + np.arange(spread.sum()) - np.repeat(np.cumsum(spread) - spread, spread)
    people = _different(at, np.repeat(found.who, spread), count)
    inside = np.diff(_covered(found.begin, found.end, edges))
    highest = _highest(found.begin, end, edges)
    dwell = (found.end - found.begin)[done]
    mean = np.bincount(ended[done], weights=dwell, minlength=count)
    longest = np.full(count, np.nan)
    np.fmax.at(longest, ended[done], dwell)
    for row in range(count):
        occupancy = _share(inside[row], recorded[row]), float(highest[row])
        dwelt = _share(mean[row], outs[row]), float(longest[row])
        yield (int(ins[row]), int(outs[row]), people[row]), (*occupancy, *dwelt)


def _interval(edges: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) the interval of each time."""
    return np.clip(np.searchsorted(edges, times, "right") - 1, 0, len(edges) - 2)


def _different(at: NDArray[np.int64], who: NDArray[np.int64], count: int) -> list[int]:
    """(K,) how many different people each interval has."""
    pairs = np.unique(np.column_stack([at, who]), axis=0)
    found: list[int] = np.bincount(pairs[:, 0], minlength=count).tolist()
    return found


def _covered(begin: NDArray[np.float64], end: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) seconds of all spans together up to each time of `at`: the sum of t - begin over those begun, less that of
    t - end over those ended."""

    def passed(times: NDArray[np.float64]) -> NDArray[np.float64]:
        # From the first edge on, as sums of seconds since 1970 would lose the fractions.
        times = np.sort(times - at[0])
        sums = np.concatenate([[0.0], np.cumsum(times)])
        count = np.searchsorted(times, at - at[0], "right")
        return np.asarray(count * (at - at[0]) - sums[count])

    return passed(begin) - passed(end)


def _highest(begin: NDArray[np.float64], end: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """(K,) most at once in each interval; who goes as another comes was not there together with them."""
    # One who was there for a moment was there.
    times = np.concatenate([np.maximum(end, np.nextafter(begin, np.inf)), begin])
    order = np.argsort(times, kind="stable")
    level = np.concatenate([[0], np.cumsum(np.repeat([-1, 1], len(begin))[order])])
    cuts = np.searchsorted(times[order], edges, "left")
    return np.array([level[a : b + 1].max() for a, b in pairwise(cuts.tolist())], np.int64)


def _share(total: float, of: float) -> float:
    return float(total / of) if of > 0 else np.nan


def _cells(row: Row, *, clock: bool) -> list[object]:
    numbers = row.mean_occupancy, row.max_occupancy, row.mean_dwell, row.longest_dwell
    return [
        time_text(row.begin, clock=clock), time_text(row.end, clock=clock), row.place, row.kind, "; ".join(row.cameras),
        f"{row.recorded:.3f}", row.ins, row.outs, row.people, *("" if one != one else f"{one:.3f}" for one in numbers),
    ]  # fmt: skip


def _passages(place: PlaceCounts, counts: Counts) -> Iterator[tuple[object, ...]]:
    def text(seconds: float) -> str:
        return time_text(seconds, clock=counts.clock)

    def whose(who: int, track: int) -> tuple[object, ...]:
        return max(who, 0) or "", counts.sources[source_of(track)], number_of(track)

    if place.crossings is not None:
        for who, track, time, frame, direction in _each(place.crossings):
            what = "in" if direction == IN else "out"
            yield place.name, place.kind, what, *whose(who, track), text(time), text(time), frame, frame
    if place.visits is not None:
        for who, track, begin, end, first, last, _, _, is_open in _each(place.visits):
            ends = text(begin), "" if is_open else text(end)
            yield place.name, place.kind, "stay", *whose(who, track), *ends, first, last


def _each(found: Crossings | Visits) -> Iterator[tuple[int, ...]]:
    return zip(*(getattr(found, name).tolist() for name in found.__slots__), strict=True)

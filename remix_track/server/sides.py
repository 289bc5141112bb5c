"""Two recordings side by side at the same second: boxes of both, where their identities differ, their scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from remix_track.errors import InputError
from remix_track.id_colours import colour_of, css, ink_on
from remix_track.json_text import json_text
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.recording import Recording
from remix_track.server.run_pair import Compared, Marked, RunClock, clocks_of, compare
from remix_track.server.run_truth import LOW_IS_GOOD, METRICS, Scored, score_of, truth_of
from remix_track.server.web import NotFoundError, Page, Request, Route
from remix_track.trackers.pipeline.recorded_run import read_recorded_run

MOST_MARKS = 4000
MOST_LISTED = 300
_COLOURS = 24
_OFFERED = 300
_LETTERS = ("A", "B")
_LANES = (
    ("B changes", "--accent"),
    ("A changes", "--accent"),
    ("A, by truth", "--missed"),
    ("B, by truth", "--missed"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """An identity change on the strip and in the list.

    Attributes:
        lane: of `_LANES`.
        seconds: on the clock of both.
        old, new: ids of the side that changes.
        kept: id of the other side, or the person of the truth.
        ids: what is to be looked at, on A and on B.
        both: the truth says so of both sides: no difference.
    """

    lane: int
    seconds: float
    old: int
    new: int
    kept: int
    ids: tuple[tuple[int, ...], tuple[int, ...]]
    both: bool = False

    @property
    def side(self) -> int:
        """Which of both changes: 0 for A, 1 for B."""
        return (1, 0, 0, 1)[self.lane]

    @property
    def by_truth(self) -> bool:
        """Whether the ground truth says so, not the other side."""
        return self.lane > 1


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A metric of both.

    Attributes:
        name: of it.
        values: of A and of B, as they are shown.
        difference: B less A, as it is shown; empty where it is nothing.
        better: which side is: 0, 1; None where neither is.
    """

    name: str
    values: tuple[str, str]
    difference: str = ""
    better: int | None = None


@dataclass(slots=True)
class SidesPages:
    """The page of two sides over what is in a library."""

    library: Library
    _compared: Any = field(init=False)
    _scored: Any = field(init=False)

    def __post_init__(self) -> None:
        # Rows of runs are read once, and those of a job never change.
        self._compared = lru_cache(maxsize=8)(self._compare)
        self._scored = lru_cache(maxsize=16)(self._score)

    def page(self, request: Request) -> Page:
        """Both sides; `a` and `b` of the query are `COLLECTION/RECORDING`.

        Raises:
            NotFoundError: there is no such recording, or there are not two to compare.
        """
        offered = [one for collection in self.library.collections for one in _offered(collection)]
        chosen = [request.text(name) or self._default(place, offered) for place, name in enumerate("ab")]
        (of_a, a), (of_b, b) = found = [self._find(one) for one in chosen]
        compared: Compared = self._compared(*chosen)
        scores = [self._scored(one.run) for _, one in found]
        clocks = clocks_of(a, b)
        marks = marks_of(compared, scores, clocks)
        lanes = _LANES[: 4 if any(one and one.numbers for one in scores) else 2]
        sides = [side_facts(*one) for one in ((of_a, a, clocks[0]), (of_b, b, clocks[1]))]
        values = {
            "section": "sides",
            "collection": of_a,
            "sides": [
                {"letter": letter, "collection": one, "recording": recording, "chosen": ref}
                for letter, (one, recording), ref in zip(_LETTERS, found, chosen, strict=True)
            ],
            "offered": offered,
            "compared": compared,
            "marks": marks,
            "listed": [(number, one) for number, one in enumerate(marks) if not one.both][:MOST_LISTED],
            "differing": sum(not one.both for one in marks),
            "shared": sum(one.both for one in marks) // 2,
            "counts": [sum(one.lane == lane for one in marks) for lane in range(4)],
            "lanes": lanes,
            "facts": json_text({"sides": sides, "marks": marks_facts(marks), "palette": palette()}, compact=True),
            "lane_facts": json_text([{"name": name, "colour": colour} for name, colour in lanes], compact=True),
            "scores": score_rows(scores),
            "protocol": next((one.protocol for one in scores if one and one.protocol), ""),
            "problems": [one.problem for one in scores if one and one.problem],
        }
        return Page("sides.html", values)

    def _default(self, place: int, offered: "Sequence[tuple[str, str]]") -> str:
        """The first recordings of the first two runs or stores, or the first two of one."""
        first = [next(iter(recordings_of(one)), None) for one in self.library.collections[:2]]
        refs = [one[0] for one in (first if len(first) > 1 else offered[:2]) if one is not None]
        if len(refs) < 2:
            raise NotFoundError("there is only one recording here; give two runs: remix-track view RUN_A RUN_B")
        return refs[place]

    def _find(self, ref: str) -> tuple[Collection, Recording]:
        number, _, key = ref.partition("/")
        collection = self.library.at(Request({"collection": number}))
        return collection, collection.recording(key)

    def _compare(self, a: str, b: str) -> Compared:
        return compare(self._find(a)[1], self._find(b)[1])

    def _score(self, folder: Path | None) -> Scored | None:
        """The score of a run; None without truth, and of a store."""
        if self.library.truth is None or folder is None:
            return None
        try:
            run = read_recorded_run(folder)
            return score_of(run, truth_of(self.library.truth, run))
        except InputError as error:
            return Scored({}, (), "", str(error))


def routes(library: Library) -> list[Route]:
    """The page of two sides."""
    return [Route("/sides", SidesPages(library).page)]


def recordings_of(collection: Collection) -> list[tuple[str, str]]:
    """Where the recordings are, as `COLLECTION/RECORDING`, and how they are called; of a store the last ones first."""
    order = "DESC" if collection.store else "ASC"
    asked = f"SELECT key, source FROM jobs WHERE problem = '' AND tracklets > 0 ORDER BY id {order} LIMIT {_OFFERED}"
    with collection.reading() as connection:
        rows = connection.execute(asked).fetchall()
    return [(f"{collection.number}/{key}", PurePath(source).name or key) for key, source in rows]


def side_facts(collection: Collection, recording: Recording, clock: RunClock) -> dict[str, Any]:
    """What the script needs to show a side."""
    base, medium = f"/{collection.number}", recording.medium
    frames = max(clock.frames - 1, 1)
    return {
        "first": clock.first,
        "stride": clock.stride,
        "frames": clock.frames,
        "rate": clock.rate,
        "begin": clock.begin,
        "width": recording.width,
        "height": recording.height,
        "boxes": f"{base}/boxes/{recording.key}",
        "drawn": medium.drawn,
        "medium": {
            "begin": recording.first_seconds,
            "step": (recording.last_seconds - recording.first_seconds) / frames or 1 / max(recording.fps, 1e-3),
            "frames": f"{base}/frame/{recording.key}/NUMBER.jpg",
        },
    }


def marks_of(compared: Compared, scores: "Sequence[Scored | None]", clocks: "tuple[RunClock, RunClock]") -> list[Mark]:
    """All marks by time, at most so many."""
    marks = [_mark(0, one) for one in compared.in_b] + [_mark(1, one) for one in compared.in_a]
    switched = [{(frame, person) for frame, person, _, _ in one.switches} if one else set() for one in scores]
    shared = switched[0] & switched[1] if len({(clock.rate, clock.offset) for clock in clocks}) == 1 else set()
    for side, (scored, clock) in enumerate(zip(scores, clocks, strict=True)):
        for frame, person, old, new in scored.switches if scored else ():
            ids: tuple[tuple[int, ...], tuple[int, ...]] = ((old, new), ()) if side == 0 else ((), (old, new))
            seconds, both = clock.at(frame), (frame, person) in shared
            marks.append(Mark(2 + side, seconds, old, new, person, ids, both))
    return sorted(marks, key=lambda one: (one.seconds, one.lane))[:MOST_MARKS]


def marks_facts(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """The marks as the script has them."""
    return [
        {"number": number, "lane": one.lane, "seconds": one.seconds, "sides": one.ids, "both": one.both}
        for number, one in enumerate(marks)
    ]


def score_rows(scores: "Sequence[Scored | None]") -> list[ScoreRow]:
    """The metrics of both; none where neither has a score."""
    a, b = (one.numbers if one else {} for one in scores)
    return [_score_row(name, a.get(name), b.get(name)) for name in METRICS if name in a or name in b]


def palette() -> list[tuple[str, str]]:
    """The colours of ids, and what can be read on each."""
    return [(css(colour_of(id_)), css(ink_on(colour_of(id_)))) for id_ in range(1, _COLOURS + 1)]


def _offered(collection: Collection) -> list[tuple[str, str]]:
    """The recordings, called by their run where that has only one."""
    found = recordings_of(collection)
    return [(ref, f"{collection.title}: {name}" if len(found) > 1 else collection.title) for ref, name in found]


def _mark(lane: int, one: Marked) -> Mark:
    change = one.change
    ids = (change.kept,), (change.old, change.new)
    return Mark(lane, one.seconds, change.old, change.new, change.kept, ids if lane == 0 else (ids[1], ids[0]))


def _score_row(name: str, a: float | None, b: float | None) -> ScoreRow:
    def shown(value: float | None) -> str:
        return "–" if value is None or value != value else f"{value:,}" if isinstance(value, int) else f"{value:.1f}"

    if a is None or b is None or a != a or b != b:
        return ScoreRow(name, (shown(a), shown(b)))
    # What is shown as the same is no difference.
    step = b - a if isinstance(a, int) else round(b, 1) - round(a, 1)
    if abs(step) < 0.05:
        return ScoreRow(name, (shown(a), shown(b)))
    text = f"{step:+,}" if isinstance(step, int) else f"{step:+.1f}"
    return ScoreRow(name, (shown(a), shown(b)), text.replace("-", "−"), int((step > 0) != (name in LOW_IS_GOOD)))

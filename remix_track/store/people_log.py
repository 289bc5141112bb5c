"""What `log.jsonl` says of a store's people: names, who is one, who was split, rejected and forgotten, and by whom.

A line is an event; nothing is taken back but by an `undo` that names the act. So who a tracklet is follows from the
number that it was given first and from the lines that stand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.store import layout

LONGEST_NAME = 100
NOBODY = 0
"""The person of a tracklet that a user rejected."""
_NUMBER = re.compile("0*[1-9][0-9]{0,17}")
ACTS = ("name", "merge", "split", "reject")
"""Events that can be undone."""

Key = tuple[str, int]
"""A tracklet: the key of its job, and the track."""


@dataclass(frozen=True, slots=True)
class Act:
    """A line that can be undone.

    Attributes:
        number: of the act in its store, from 1.
        kind: `name`, `merge`, `split` or `reject`.
        who: said so; empty: the program found it.
        utc: when, as ISO 8601 has it.
        person: whom it is about; for a merge who goes on, for a rejection 0.
        other: of a merge the number that is `person` from then on, of a split the new person; else 0.
        name: that was given.
        tracklets: of a split or a rejection.
        undone: whether it was taken back.
    """

    number: int
    kind: str
    who: str
    utc: str
    person: int
    other: int = 0
    name: str = ""
    tracklets: tuple[Key, ...] = ()
    undone: bool = False


@dataclass(slots=True)
class Log:
    """What the lines say together.

    Attributes:
        names: of people, by number.
        into: of a number that is another person's, that one.
        forgotten: numbers.
        moved: tracklets that a user said the person of, and that one's number; `NOBODY` where they were rejected.
        given_back: tracklets whose rejection was undone.
        apart: pairs of numbers of different people, as a user said.
        acts: all that can be, or were, undone.
    """

    names: dict[int, str] = field(default_factory=dict)
    into: dict[int, int] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    moved: dict[Key, int] = field(default_factory=dict)
    given_back: set[Key] = field(default_factory=set)
    apart: list[tuple[int, int]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]], undone: Iterable[int] = ()) -> "Log":
        """Read the lines, as if the acts `undone` were undone too.

        Raises:
            ValueError, KeyError, TypeError: lines that are none of a log.
        """
        lines = list(events)
        taken_back = {int(one["act"]) for one in lines if one["event"] == "undo"} | set(undone)
        log = cls()
        for line in lines:
            log._take(line, taken_back)
        return log

    def current(self, number: int) -> int:
        """The person whom a number stands for."""
        while number in self.into:
            number = self.into[number]
        return number

    def forgets(self, number: int) -> bool:
        """Whether it is the number of somebody who was forgotten."""
        return not self.forgotten.isdisjoint((number, self.current(number)))

    def shown(self, number: int) -> str:
        """A person as tables show it: the name, else the number; nothing for 0."""
        return self.names.get(number, str(number)) if number else ""

    def person(self, text: str) -> int | None:
        """The person of a name or number; None: there is none of that name."""
        named = [number for number, name in self.names.items() if name == text]
        return named[0] if named else self.current(int(text)) if _NUMBER.fullmatch(text) else None

    def name_of_two(self) -> tuple[str, int, int] | None:
        """A name that two people have, and their numbers; None: there is none."""
        first = dict[str, int]()
        for number, name in sorted(self.names.items()):
            if first.setdefault(name, number) != number:
                return name, first[name], number
        return None

    def is_part_of(self, later: "Log") -> bool:
        """Whether only names, joins and forgotten people have come since."""
        return (self.moved, self.given_back) == (later.moved, later.given_back) and (
            self.into.items() <= later.into.items()
        )

    def apart_now(self) -> dict[int, set[int]]:
        """The people whom each person surely is not."""
        found = dict[int, set[int]]()
        for pair in self.apart:
            one, other = map(self.current, pair)
            if one != other:
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
        return found

    def persons(self, jobs: Sequence[str], track: NDArray[np.int64], given: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) the person of each tracklet, by the numbers that they were given first; -1: look at it anew."""
        numbers, places = np.unique(given, return_inverse=True)
        person = np.array([self._alive(number) for number in numbers.tolist()], np.int64)[places]
        moved_jobs = {job for job, _ in self.moved}
        back = {(layout.whole_key(job), one) for job, one in self.given_back}
        for row, job in enumerate(jobs if moved_jobs or back else ()):
            if job in moved_jobs and (job, int(track[row])) in self.moved:
                person[row] = self._alive(self.moved[job, int(track[row])])
            elif not given[row] and (layout.whole_key(job), int(track[row])) in back:
                person[row] = -1
        return person

    def _alive(self, number: int) -> int:
        found = self.current(number)
        return -1 if found in self.forgotten else found

    def _take(self, event: Mapping[str, Any], taken_back: set[int]) -> None:
        kind = event["event"]
        if kind == "forget":
            self.forgotten.add(int(event["person"]))
        if kind not in ACTS:
            return
        act = _act(event, taken_back)
        if act.number:
            self.acts.append(act)
        getattr(self, f"_{kind}")(act)

    def _name(self, act: Act) -> None:
        if not act.undone:
            self.names[self.current(act.person)] = act.name

    def _merge(self, act: Act) -> None:
        if not act.undone:
            self._join(act.person, act.other)
        elif not act.who:  # the program thought them one, and a user says that they are not
            self.apart.append((act.person, act.other))

    def _split(self, act: Act) -> None:
        if act.undone:
            self._join(act.person, act.other)
            return
        self.moved |= dict.fromkeys(act.tracklets, act.other)
        self.apart.append((act.person, act.other))

    def _reject(self, act: Act) -> None:
        if act.undone:
            self.given_back |= {key for key in act.tracklets if key not in self.moved}
            return
        self.moved |= dict.fromkeys(act.tracklets, NOBODY)
        self.given_back -= set(act.tracklets)

    def _join(self, kept: int, gone: int) -> None:
        kept, gone = self.current(kept), self.current(gone)
        if kept == gone:
            return
        self.into[gone] = kept
        if gone in self.names:
            self.names.setdefault(kept, self.names.pop(gone))


def without(events: Iterable[Mapping[str, Any]], people: set[int], tracklets: set[Key]) -> list[dict[str, Any]]:
    """The lines of a log without what they say of these people and tracklets."""
    kept, gone = list[dict[str, Any]](), set[int]()
    for event in map(dict, events):
        if "tracklets" in event:
            event["tracklets"] = [one for one in event["tracklets"] if tuple(one) not in tracklets]
        if event["event"] == "forget" or not _tells_of(event, people):
            kept.append(event)
        else:
            gone.add(int(event.get("act", 0)))
    return [event for event in kept if event["event"] != "undo" or int(event["act"]) not in gone]


def _tells_of(event: Mapping[str, Any], people: set[int]) -> bool:
    """Whether nothing of it is left without them; of whom others were split is no matter of theirs."""
    if event["event"] in ("split", "reject"):
        return not event["tracklets"] or event.get("into") in people
    return bool(people & {event["person"], event.get("was")})


def is_name(name: Any) -> bool:
    """Whether it is a text that can be shown, and is not taken for a number."""
    return isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME and name.isprintable() and not name.isdigit()


def _act(event: Mapping[str, Any], taken_back: set[int]) -> Act:
    kind, person, number = event["event"], int(event["person"]), int(event.get("act", 0))
    other = int(event[{"merge": "was", "split": "into"}[kind]]) if kind in ("merge", "split") else 0
    who, name = event.get("who", ""), event["name"] if kind == "name" else ""
    if (kind == "name" and not is_name(name)) or (who and not is_name(who)):
        raise ValueError("a name that cannot be shown")
    if other == person and kind in ("merge", "split"):
        raise ValueError(f"people {person} and {other} are each the other")
    tracklets = tuple((_text(job), int(track)) for job, track in event.get("tracklets", ()))
    return Act(number, kind, who, str(event.get("utc", "")), person, other, name, tracklets, number in taken_back)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("the key of a job that is no text")
    return value

"""Tracklets to people, a batch at a time: new ones join people who are known, or each other, or are new people.

The rules are those of `--link`: vectors without their cameras, groups joined nearest first while their mean distance is
small, a person at one place at a time. What is known stays: a person's number never changes, and where a new tracklet
shows that two people are one, that is a merge of the two, said and not done in silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from remix_track.store.groups import Groups, Merge
from remix_track.store.nearest import nearest, pairs_within
from remix_track.store.people_means import PeopleMeans
from remix_track.store.presence import Presence, Whereabouts

BATCH = 4096
"""New tracklets that are looked at together, in the order of time."""

RATIO = 0.5
"""Sure is who is at most half as far from their person as from the next one."""

_MOST_PAIRS = 64
_RUNNERS_UP = 8
_NEW = 1 << 40
"""Groups of a batch that are no person yet are numbered from here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Cosine distances of centred vectors.

    Attributes:
        join: largest mean distance of one person.
        doubt: nearer than this to a person, a tracklet that joined none is not surely a new one.
    """

    join: float
    doubt: float


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """Who tracklets are; row i of every array is one of them.

    Attributes:
        person: (T,) int64; 0: without a vector, or not looked at.
        distance: (T,) float32 mean cosine distance to the other tracklets of the person; nan where there are none.
        runner_up: (T,) int64 the nearest other person who can be it; 0: there is none.
        runner_up_distance: (T,) float32, likewise; nan.
        sure: (T,) bool.
    """

    person: NDArray[np.int64]
    distance: NDArray[np.float32]
    runner_up: NDArray[np.int64]
    runner_up_distance: NDArray[np.float32]
    sure: NDArray[np.bool_]

    @classmethod
    def unknown(cls, count: int) -> "Identities":
        """So many tracklets of which nothing is known."""
        nan = np.full(count, np.nan, np.float32)
        return cls(np.zeros(count, np.int64), nan, np.zeros(count, np.int64), nan.copy(), np.zeros(count, bool))

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Identities":
        return Identities(*(getattr(self, name)[rows] for name in Identities.__slots__))


@dataclass(slots=True)
class People:
    """Who is known while tracklets are identified.

    Attributes:
        presence: of all tracklets.
        means: of the people.
        rows: the tracklets of each.
        names: of those who have one; a join hands them on.
        apart: whom each surely is not.
        next_number: of the next new person.
        merges: people found to be one, the one that goes on first.
    """

    presence: Presence
    means: PeopleMeans
    rows: dict[int, list[int]]
    names: dict[int, str] = field(default_factory=dict)
    apart: dict[int, set[int]] = field(default_factory=dict)
    next_number: int = 1
    merges: list[Merge] = field(default_factory=list)
    places: dict[int, Whereabouts] = field(default_factory=dict)

    def place(self, number: int) -> Whereabouts:
        """When and where a person was."""
        if number not in self.places:
            self.places[number] = Whereabouts.of(self.presence, self.rows[number])
        return self.places[number]

    def may_be_one(self, one: int, other: int) -> bool:
        """Whether neither names nor places nor a user forbid it."""
        if other in self.apart.get(one, ()):
            return False
        names = self.names.get(one), self.names.get(other)
        return (None in names or names[0] == names[1]) and not self.place(one).excludes(
            self.place(other), self.presence
        )

    def join(self, kept: int, gone: int) -> None:
        """Two are one from now on; their vectors are left to the caller."""
        self.rows[kept] += self.rows.pop(gone)
        self.places.pop(kept, None)
        self.places.pop(gone, None)
        if gone in self.names:
            self.names.setdefault(kept, self.names.pop(gone))
        for other in self.apart.pop(gone, ()):
            self.apart[other] = self.apart[other] - {gone} | {kept}
            self.apart.setdefault(kept, set()).add(other)


def identify_batch(people: People, rows: NDArray[np.int64], vectors: NDArray[np.float32], limits: Limits) -> Identities:
    """Find the people of new tracklets, and make those known who are new.

    Args:
        people: who is known; changed.
        rows: (N,) of the tracklets in `people.presence`, in the order of time.
        vectors: (N, D) of unit length, without their cameras; zeros where a tracklet has none.
        limits: distances.
    """
    seen = np.flatnonzero(vectors.any(axis=1))
    found = Identities.unknown(len(rows))
    if not len(seen):
        return found
    groups, merges = _joined(people, rows[seen], vectors[seen], limits.join)
    found.person[seen] = _numbered(people, groups, merges, rows[seen], vectors[seen])
    _weigh(people, found, seen, rows, vectors, limits)
    return found


def _joined(
    people: People, rows: NDArray[np.int64], vectors: NDArray[np.float32], limit: float
) -> tuple[Groups, list[Merge]]:
    """The tracklets, as groups from `_NEW` on, joined with each other and with people."""
    known = people.means.numbers
    pairs = [(_NEW + one, _NEW + other) for one, other in pairs_within(vectors, vectors, limit, _MOST_PAIRS)]
    pairs = [(one, other) for one, other in pairs if one != other]
    pairs += [
        (_NEW + one, int(known[other]))
        for one, other in pairs_within(vectors, people.means.means(), limit, _MOST_PAIRS)
    ]
    near = {other for _, other in pairs if other < _NEW}
    total = {number: people.means.total(number) for number in near}
    count = {number: people.means.count(number) for number in near}
    for number, (row, vector) in enumerate(zip(rows.tolist(), vectors, strict=True), _NEW):
        total[number], count[number], people.rows[number] = vector, 1, [row]
    groups = Groups(total, count, may_join=people.may_be_one, on_join=people.join)
    return groups, groups.join(pairs, limit)


def _numbered(
    people: People, groups: Groups, merges: Iterable[Merge], rows: NDArray[np.int64], vectors: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(N,) the person of each tracklet: one who was known, or a new one, by the order of first appearance."""
    into = dict[int, int]()
    for kept, gone in merges:
        into[gone] = kept
        if gone < _NEW:
            people.merges.append((kept, gone))
            people.means.add(kept, *people.means.remove(gone))
    person = np.zeros(len(rows), np.int64)
    for place, vector in enumerate(vectors):
        number = _NEW + place
        while number in into:
            number = into[number]
        if number >= _NEW:
            into[number] = number = _new_number(people, number)
        people.means.add(number, vector)
        person[place] = number
    return person


def _new_number(people: People, group: int) -> int:
    number, people.next_number = people.next_number, people.next_number + 1
    people.rows[number] = people.rows.pop(group)
    people.places.pop(group, None)
    return number


def _weigh(
    people: People,
    found: Identities,
    seen: NDArray[np.int64],
    rows: NDArray[np.int64],
    vectors: NDArray[np.float32],
    limits: Limits,
) -> None:
    """How far each is from its person and from the next one, and so whether it is sure."""
    columns, far = nearest(vectors[seen], people.means.means(), _RUNNERS_UP + 1)
    numbers = people.means.numbers[columns]
    for place, row in enumerate(seen.tolist()):
        person = int(found.person[row])
        others = people.means.count(person) - 1
        if others:
            rest = people.means.total(person) - vectors[row]
            found.distance[row] = 1 - float(rest @ vectors[row]) / others
        own = Whereabouts.of(people.presence, rows[row : row + 1])
        for number, distance in zip(numbers[place].tolist(), far[place].tolist(), strict=True):
            if number != person and not people.place(number).excludes(own, people.presence):
                found.runner_up[row], found.runner_up_distance[row] = number, distance
                break
        found.sure[row] = is_sure(float(found.distance[row]), float(found.runner_up_distance[row]), limits)


def is_sure(distance: float, runner_up: float, limits: Limits) -> bool:
    """Whether a tracklet clearly is its person, or clearly no other one; nan: there is none."""
    if np.isnan(runner_up):
        return True
    return runner_up > limits.doubt if np.isnan(distance) else distance <= RATIO * runner_up

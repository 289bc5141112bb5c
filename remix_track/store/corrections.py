"""What users say of a store's people: who is one, who is not, what is no person, and names; with undo.

Each is a line in `people/log.jsonl` with who said it and when, and counts from then on: for the table, for `identify`,
for cameras that run, and as labels of a training.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from remix_track.errors import InputError
from remix_track.store.enrol import name_person
from remix_track.store.parquet import Columns
from remix_track.store.people import PeopleFiles, checked_user
from remix_track.store.people_log import NOBODY, Act, Key, Log

if TYPE_CHECKING:
    from remix_track.store.store import Store

MOST_TRACKLETS = 50_000
"""Of one act: a line of the log is bounded."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrects the people of one store.

        corrections = Corrections.of(open_store("S"))
        corrections.merge(3, 8)                        # 8 is 3
        new = corrections.split(3, [("JOB", 5)])       # track 5 of that job is somebody else
        corrections.undo()

    Attributes:
        store: that is corrected.
        who: says so.
    """

    store: "Store"
    who: str

    @classmethod
    def of(cls, store: "Store", who: str | None = None) -> Self:
        """Those of a store; `who` None is the user of this account.

        Raises:
            InputError: a name that cannot be shown.
        """
        return cls(store, checked_user(who))

    @property
    def _files(self) -> PeopleFiles:
        return PeopleFiles(self.store.path)

    def acts(self) -> list[Act]:
        """All that were said of names and people, the first one first; also what `identify` found, without `who`.

        Raises:
            InputError: the log is damaged.
        """
        return self._files.log().acts

    def merge(self, person: int, *others: int) -> None:
        """The others are this person, whose number and name go on; without a name, the first of theirs does.

        Raises:
            InputError: no such person, or one of them is the person already.
        """
        files = self._files
        with files.locked():
            log, table = self._settled(files)
            kept = self._known(log, table, person)
            gone = list(dict.fromkeys(self._known(log, table, other) for other in others))
            if kept in gone or not gone:
                raise InputError(f"{self.store.path}: a merge takes two people, and {person} is one")
            self._say(files, *({"event": "merge", "person": kept, "was": other} for other in gone))

    def split(self, person: int, tracklets: Iterable[Key]) -> int:
        """These tracklets of a person are somebody else, and neither is found to be the other again.

        Args:
            person: who has them now.
            tracklets: each the key of its job and the track; not all that the person has.

        Returns:
            The number of the new person.

        Raises:
            InputError: no such person, tracklets that are not the person's, none or all of them.
        """
        files = self._files
        with files.locked():
            log, table = self._settled(files)
            number = self._known(log, table, person)
            own = dict(zip(_keys(table), table["person"].tolist(), strict=True))
            chosen = _checked(tracklets)
            foreign = [key for key in chosen if own.get(key) != number]
            if foreign:
                raise InputError(f"{self.store.path}: {_told(foreign[0])} is no tracklet of person {number}")
            if len(chosen) == int((table["person"] == number).sum()):
                raise InputError(f"{self.store.path}: these are all tracklets of person {number}; leave some")
            new = files.last_number() + 1
            files.give_numbers(new)
            self._say(files, {"event": "split", "person": number, "into": new, "tracklets": chosen})
        return new

    def reject(self, tracklets: Iterable[Key]) -> None:
        """These tracklets are no person: a statue, a reflection, a mistake of the detector.

        Raises:
            InputError: no such tracklet, or it is rejected already.
        """
        files = self._files
        with files.locked():
            _, table = self._settled(files)
            chosen = _checked(tracklets)
            there = set(self.store.tracklets(jobs=sorted({job for job, _ in chosen})).keys())
            own = dict(zip(_keys(table), table["person"].tolist(), strict=True))
            for key in chosen:
                if key not in there or own.get(key) == NOBODY:
                    why = "is rejected already" if key in there else "is no tracklet of this store"
                    raise InputError(f"{self.store.path}: {_told(key)} {why}")
            self._say(files, {"event": "reject", "person": NOBODY, "tracklets": chosen})

    def name(self, person: int, name: str) -> None:
        """Give a person a name, or another one.

        Raises:
            InputError: no such person, no name, or one that another person has.
        """
        name_person(self.store, name, person, who=self.who)

    def undo(self, act: int | None = None) -> Act:
        """Take an act back, as if it had not been; what was said later stays.

        A merge that `identify` found can be taken back too, and is not found again.

        Args:
            act: its number, see `acts`; None: the last one that a user did.

        Raises:
            InputError: there is no such act, it is undone already, or two people would have one name.
        """
        files = self._files
        with files.locked():
            log, _ = self._settled(files)
            found = self._standing(log, act)
            if log.current(found.person) in log.forgotten:
                raise InputError(f"{self.store.path}: person {found.person} of act {found.number} is forgotten")
            twice = files.log(undone=[found.number]).name_of_two()
            if twice is not None:
                name, one, other = twice
                raise InputError(
                    f"{self.store.path}: without act {found.number} both {one} and {other} would be {name}; "
                    "give one of them another name, or undo that name first"
                )
            self._say(files, {"event": "undo", "person": NOBODY, "act": found.number})
        return found

    def _standing(self, log: Log, number: int | None) -> Act:
        acts = [one for one in log.acts if (one.who if number is None else one.number == number)]
        standing = [one for one in acts if not one.undone]
        if standing:
            return standing[-1]
        what = (
            "nothing to undo" if number is None else f"act {number} is undone already" if acts else f"no act {number}"
        )
        raise InputError(f"{self.store.path}: {what}; see `remix-track correct`")

    def _settled(self, files: PeopleFiles) -> tuple[Log, Columns]:
        return files.log(), files.settle()

    def _known(self, log: Log, table: Columns, person: int) -> int:
        number = log.current(person)
        if number == NOBODY or number not in table["person"]:
            raise InputError(f"{self.store.path}: has no person {person}; see `remix-track people`")
        return number

    def _say(self, files: PeopleFiles, *events: dict[str, object]) -> None:
        """First the log, which decides; then the table, which `settle` mends where this ends between the two."""
        files.note_all({**event, "who": self.who} for event in events)
        files.settle()


def _keys(table: Columns) -> Iterator[Key]:
    return zip(table["job"].tolist(), table["track"].tolist(), strict=True)


def _checked(tracklets: Iterable[Key]) -> list[Key]:
    chosen = list(dict.fromkeys((str(job), int(track)) for job, track in tracklets))
    if not 0 < len(chosen) <= MOST_TRACKLETS:
        raise InputError(f"{len(chosen):,} tracklets: expected 1 to {MOST_TRACKLETS:,} in one act")
    return chosen


def _told(key: Key) -> str:
    return f"{key[0][:170]}:{key[1]}"

"""Who is in a store: a line for each person."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.store.people import PeopleFiles

if TYPE_CHECKING:
    from remix_track.store.store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A person.

    Attributes:
        person: the number.
        name: empty where there is none.
        tracklets: how many.
        unsure: how many of them may be somebody else.
        cameras: that saw the person.
        seen: first and last, datetime64[ms] in UTC; NaT where not known.
    """

    person: int
    name: str
    tracklets: int
    unsure: int
    cameras: tuple[str, ...]
    seen: tuple[np.datetime64, np.datetime64]


def people_of(store: "Store") -> list[Listed]:
    """Everybody, who has a name first, then by number.

    Raises:
        InputError: the store is damaged.
    """
    files = PeopleFiles(store.path)
    log, table, tracklets = files.log(), files.table(), store.tracklets()
    doubts = np.bincount(table["person"][~table["sure"]], minlength=int(table["person"].max(initial=0)) + 1)
    order = np.argsort(tracklets.person, kind="stable")
    numbers, begins = np.unique(tracklets.person[order], return_index=True)
    listed = []
    for number, rows in zip(numbers.tolist(), np.split(order, begins[1:]), strict=True):
        if number:
            cameras = tuple(tracklets.cameras[one] for one in np.unique(tracklets.camera[rows]).tolist())
            seen = _ends(tracklets.first_utc[rows], tracklets.last_utc[rows])
            listed.append(Listed(number, log.names.get(number, ""), len(rows), int(doubts[number]), cameras, seen))
    return sorted(listed, key=lambda one: (not one.name, one.name, one.person))


def _ends(first: NDArray[np.datetime64], last: NDArray[np.datetime64]) -> tuple[np.datetime64, np.datetime64]:
    known = ~np.isnat(first)
    return (first[known].min(), last[known].max()) if known.any() else (np.datetime64("NaT"), np.datetime64("NaT"))

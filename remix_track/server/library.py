"""All that one server shows: stores and runs, numbered from 1 in the order in which they were given."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from remix_track.errors import InputError
from remix_track.server.collection import Collection
from remix_track.server.runs import RunCollection, runs_at
from remix_track.server.stored import StoreCollection
from remix_track.server.web import NotFoundError, Request
from remix_track.store import layout


@dataclass(frozen=True, slots=True)
class Library:
    """What is shown.

    Attributes:
        collections: stores and runs; at least one.
        truth: ground truth of runs, a file or a folder of sequences; None: there is none.
        weights: of the network by which pictures are searched.
    """

    collections: tuple[Collection, ...]
    truth: Path | None = None
    weights: str = "default"

    @classmethod
    def of(cls, paths: Iterable[Path], truth: Path | None = None, weights: str = "default") -> "Library":
        """What lies at these paths: folders of stores, folders of runs, or files in them.

        Raises:
            InputError: at one of them is neither, or there is no truth where it should be.
        """
        if truth is not None and not truth.exists():
            raise InputError(f"{truth}: there is nothing; give a gt.txt, or a folder of sequences with ground truth")
        found: list[Collection] = []
        for path in paths:
            found += collections_at(path, len(found) + 1)
        return cls(tuple(found), truth, weights)

    def at(self, request: Request) -> Collection:
        """The one whose number the path of a request begins with.

        Raises:
            NotFoundError: there is none.
        """
        number = request.text("collection")
        known = {str(one.number): one for one in self.collections}
        if number not in known:
            raise NotFoundError("there is no such store or run here")
        return known[number]


def collections_at(path: Path, number: int) -> list[Collection]:
    """What lies at a path, numbered from `number` on.

    Raises:
        InputError: neither a store nor a run.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: there is nothing; give the folder of a store or of a run")
        store = next((one for one in (path, path.parent) if (one / layout.MARK).is_file()), None)
        runs = [] if store else runs_at(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if store:
        return [StoreCollection.at(number, store)]
    if not runs:
        raise InputError(f"{path}: neither a store nor a run (it has no store.json and no tracks.txt)")
    return [*(RunCollection(place, folders) for place, folders in enumerate(runs, number))]

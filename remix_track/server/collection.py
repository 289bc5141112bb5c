"""What is looked at together: the people of one store, or of one run. Both have the same tables; see `index_people`."""

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from remix_track.server.recording import Recording
from remix_track.store.index_people import TrackletFacts
from remix_track.store.store import Store


class Collection(Protocol):
    """A store or a run.

    Attributes:
        number: of it on this server, from 1: the first part of its addresses.
        title: its folder's name.
        store: the store; None for a run.
        folder: where it lies.
        folders: those of its runs; none of a store.
    """

    number: int
    title: str
    store: Store | None
    folder: Path
    folders: tuple[Path, ...]

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection for the queries of `index_people`, as the files are now.

        Raises:
            InputError: they cannot be read.
        """

    def names(self) -> dict[int, str]:
        """The names of people who have one.

        Raises:
            InputError: the file with them is damaged.
        """

    def crops(self, tracklet: TrackletFacts) -> list[Path]:
        """The files with pictures of a tracklet, best first; none where none were kept.

        Raises:
            InputError: a file that cannot be read, or a name that leads out of the folder.
        """

    def recording(self, key: str) -> Recording:
        """One of its recordings.

        Raises:
            NotFoundError: there is none of this key.
            InputError: its files are damaged.
        """

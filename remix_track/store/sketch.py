"""`index-*.sketch`: the shadow of each vector of a store (see `bounds`), in one file, in the order of the index.

As the index, it is made from the folders, a job at a time, and thrown away when in doubt. Beside it the index holds the
sums of cells (see `cells`), from which the cameras are taken out.
"""

import contextlib
import dataclasses
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.store import layout
from remix_track.store.bounds import principal_directions, shadows
from remix_track.store.cells import CELL, CellCentring
from remix_track.store.index_file import IndexPlace, connected, meta, rebuild_advice, set_meta
from remix_track.store.shadow_file import ShadowFile
from remix_track.store.vectors import map_vectors, usable

SAMPLE = 1024
_SAMPLE = 4096
_BATCH = 50_000
"""Tracklets after which others get at the index."""
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Shadows:
    """All shadows of a store, without the cameras.

    Attributes:
        directions: (D, K) along which they are.
        shadow: (N, K + 1) of each tracklet; row i is number i + 1 in the index.
        cell: (N,) int32 the cell of each, a place in `centring.offset`; -1: no vector.
        shortest: (N,) what is left of each vector without its camera is at least so long, and
        longest: (N,) at most.
        centring: what is taken out.
        jobs: key of each job that has tracklets, number of the first one, and how many; ascending.
        sample: (S, D) some of the vectors without their cameras, from all over the store; at most a thousand.
    """

    directions: NDArray[np.float32]
    shadow: NDArray[np.float32]
    cell: NDArray[np.int32]
    shortest: NDArray[np.float32]
    longest: NDArray[np.float32]
    centring: CellCentring
    jobs: tuple[tuple[str, int, int], ...]
    sample: NDArray[np.float32]

    def towards(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """A query (D,) of an unknown camera, of unit length, as vectors without their cameras are compared with it."""
        rest = query - self.centring.mean
        return np.asarray(rest / max(float(np.linalg.norm(rest)), 1e-9), np.float32)

    def upper(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) what the cosine of each vector without its camera with `query` (D,) is at most; -inf: no vector."""
        of = shadows(query[None], self.directions)[0]
        taken_out = np.append(self.centring.offset @ query, 0).astype(np.float32)
        product: NDArray[np.float32] = self.shadow @ of
        product += np.float32(1e-4)
        product -= taken_out[self.cell]
        product /= np.where(product > 0, self.shortest, self.longest)
        product[self.cell < 0] = -np.inf
        return product

    def centred(self, root: Path, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors (N, D) of tracklets of these numbers (N,) without their cameras, of unit length.

        Args:
            root: folder of the store.
            ids: of tracklets that have a vector.

        Raises:
            InputError: vectors of a job are missing or damaged.
        """
        vectors = np.zeros((len(ids), len(self.directions)), np.float32)
        job = np.searchsorted([first for _, first, _ in self.jobs], ids, "right") - 1
        for number in np.unique(job).tolist():
            rows = np.flatnonzero(job == number)
            key, first, count = self.jobs[number]
            mapped = map_vectors(layout.vectors_path(root, key), count, vectors.shape[1])
            vectors[rows] = usable(mapped[ids[rows] - first])
        vectors -= self.centring.offset[self.cell[ids - 1]]
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(length, np.float32(1e-9)))


class Sketch:
    """The shadows of one store on the disk; brought up to date and mapped when a search needs them."""

    def __init__(self, place: IndexPlace) -> None:
        """Nothing is read yet."""
        self._root, self._place = place.root, place
        self._last: tuple[tuple[str, ...], Shadows] | None = None

    def shadows(self, width: int) -> Shadows:
        """All shadows as the index is now.

        Args:
            width: D, length of a vector.

        Raises:
            InputError: no room for them, or vectors of a job are missing or damaged.
        """
        while self._extend(width):
            pass
        with self._connected() as connection:
            state = tuple(meta(connection, name) for name in ("sketch", "sketched", "changes"))
            if self._last is None or self._last[0] != state:
                self._last = state, self._fitted(connection)
            return self._last[1]

    def _extend(self, width: int) -> bool:
        """Add some thousand tracklets; whether there may be more."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            file = ShadowFile.named(self._place.folder, meta(connection, "sketch"))
            if file is None or file.width != width or not file.has(_last(connection)):
                file = self._begin(connection, width)
            done, added = int(meta(connection, "sketched") or 0), 0
            chosen = "SELECT id, key, first, tracklets FROM jobs WHERE id > ? AND tracklets > 0 ORDER BY id"
            for number, key, first, count in connection.execute(chosen, (done,)).fetchall():
                vectors = map_vectors(layout.vectors_path(self._root, key), count, width)
                if vectors.shape[1]:
                    _add(connection, file, vectors, number, first)
                set_meta(connection, "sketched", str(number))
                added += count
                if added >= _BATCH:
                    break
            connection.execute("COMMIT")
        return added >= _BATCH

    def _begin(self, connection: sqlite3.Connection, width: int) -> ShadowFile:
        """A new file, with directions from a sample of all vectors at its head."""
        ShadowFile.remove_all(self._place.folder)
        name = f"{secrets.token_hex(4)}:{width}"
        file = ShadowFile.named(self._place.folder, name)
        assert file is not None
        file.begin(principal_directions(self._sample(connection, width), file.kept))
        connection.execute("DELETE FROM cells")
        set_meta(connection, "sketch", name)
        set_meta(connection, "sketched", "0")
        return file

    def _sample(self, connection: sqlite3.Connection, width: int) -> NDArray[np.float32]:
        jobs = connection.execute("SELECT key, tracklets FROM jobs WHERE tracklets > 0 ORDER BY key").fetchall()
        step = max(sum(count for _, count in jobs) // _SAMPLE, 1)
        parts, at = [np.zeros((0, width), np.float32)], 0
        for key, count in jobs:
            rows = np.arange(-at % step, count, step)
            at += count
            if len(rows):
                vectors = map_vectors(layout.vectors_path(self._root, key), count, width)
                if vectors.shape[1]:
                    parts.append(usable(vectors[rows]))
        return np.concatenate(parts)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with connected(self._place.folder) as connection:
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{self._root}: what searches need cannot be written ({error}); make room") from None
        except (ValueError, IndexError, KeyError) as error:
            if isinstance(error, InputError):
                raise
            told = f"{self._root}: its index does not fit its folders ({error}); {rebuild_advice(self._root)}"
            raise InputError(told) from None

    def _fitted(self, connection: sqlite3.Connection) -> Shadows:
        file = ShadowFile.named(self._place.folder, meta(connection, "sketch"))
        assert file is not None
        shadow, directions = file.rows(_last(connection)), file.directions()
        cell, centring = _cells(connection, len(shadow), file.width)
        shortest, longest = _lengths(shadow, directions, cell, centring)
        cell[~(longest > 0)] = -1
        jobs = connection.execute(
            "SELECT key, first, tracklets FROM jobs WHERE tracklets > 0 ORDER BY first"
        ).fetchall()
        sample = np.zeros((0, file.width), np.float32)
        made = Shadows(directions, shadow, cell, shortest, longest, centring, tuple(jobs), sample)
        known = np.flatnonzero(cell >= 0) + 1
        some = known[np.linspace(0, len(known) - 1, min(len(known), SAMPLE)).astype(np.int64)]
        return dataclasses.replace(made, sample=made.centred(self._root, some))


def _last(connection: sqlite3.Connection) -> int:
    """The number of the last tracklet that has a shadow."""
    return int(connection.execute("SELECT coalesce(max(first + count), 1) - 1 FROM cells").fetchone()[0])


def _add(connection: sqlite3.Connection, file: ShadowFile, vectors: NDArray[np.float16], job: int, first: int) -> None:
    """Write the shadows of a job, whose first tracklet has the number `first`, and the sums of its cells."""
    directions = file.directions()
    for begin in range(0, len(vectors), _ROWS_AT_ONCE):
        block = usable(vectors[begin : begin + _ROWS_AT_ONCE])
        file.write(first + begin, shadows(block, directions))
        starts = np.arange(0, len(block), CELL)
        sums = np.add.reduceat(block, starts, axis=0)
        known = np.add.reduceat(block.any(axis=1).astype(np.int64), starts)
        counts = np.diff(np.append(starts, len(block)))
        rows = zip((first + begin + starts).tolist(), counts.tolist(), known.tolist(), map(bytes, sums), strict=True)
        connection.executemany(f"INSERT INTO cells (job, first, count, known, sum) VALUES ({job}, ?, ?, ?, ?)", rows)


def _cells(connection: sqlite3.Connection, last: int, width: int) -> tuple[NDArray[np.int32], CellCentring]:
    """The cell of each number up to `last`, and what is taken out of each; those of a camera in the order of time."""
    rows = connection.execute(
        "SELECT cells.first, count, known, jobs.camera FROM cells JOIN jobs ON jobs.id = cells.job "
        "ORDER BY jobs.camera, coalesce(jobs.first_utc, 0), jobs.key, cells.first"
    ).fetchall()
    first, count, known, camera = np.array(rows, np.int64).reshape(-1, 4).T
    sums = np.empty((len(rows), width), np.float32)
    place = {number: row for row, number in enumerate(first.tolist())}
    for number, content in connection.execute("SELECT first, sum FROM cells"):
        sums[place[number]] = np.frombuffer(content, np.float32)
    cell = np.full(last, -1, np.int32)
    for row, (begin, length) in enumerate(zip(first.tolist(), count.tolist(), strict=True)):
        cell[begin - 1 : begin - 1 + length] = row
    return cell, CellCentring.fit(sums, known, camera)


def _lengths(
    shadow: NDArray[np.float32], directions: NDArray[np.float32], cell: NDArray[np.int32], centring: CellCentring
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N,) twice: how long each vector is without its camera, at least and at most; 0 at most: it is none."""
    offset = np.concatenate([shadows(centring.offset, directions), np.zeros((1, shadow.shape[1]), np.float32)])
    square = np.einsum("ck,ck->c", offset, offset)
    shortest, longest = np.empty(len(shadow), np.float32), np.zeros(len(shadow), np.float32)
    for begin in range(0, len(shadow), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        some, taken_out = shadow[rows], offset[cell[rows]]
        along = np.einsum("nk,nk->n", some[:, :-1], taken_out[:, :-1])
        rest = some[:, -1] * taken_out[:, -1]
        own = np.einsum("nk,nk->n", some, some)
        middle = own + square[cell[rows]] - 2 * along
        shortest[rows] = np.sqrt(np.maximum(middle - 2 * rest - 1e-4, 1e-6))
        longest[rows] = np.where(own > 0, np.sqrt(np.maximum(middle + 2 * rest, 0) + 1e-4), 0)
    return shortest, longest

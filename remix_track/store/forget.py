"""People forgotten: their vectors, crops, boxes and names go out of every file of a store.

A job that has something of them is written anew beside its place, without them, and put there. What else lies in its
folder, and all detections and vectors that are kept for other settings of the tracker, are of all people, and go too.
What the index has of them is written over. Numbers that were forgotten stay given.
"""

import json
import logging
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.store.job_writer import sync_folder, sync_tree
from remix_track.store.layout import ENROLLED
from remix_track.store.parquet import TRACKLETS, TRACKS, Columns, TableWriter, write_table
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import NOBODY, Key, without
from remix_track.store.stored_job import StoredJob
from remix_track.store.tracklets import Tracklets
from remix_track.store.vectors import write_vectors

if TYPE_CHECKING:
    from remix_track.store.store import Store

logger = logging.getLogger(__name__)

_HIDDEN = ".forget"
_KNOWN = {layout.JOB, layout.TRACKS, layout.TRACKLETS, layout.VECTORS, layout.CROPS}
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        people: how many.
        tracklets: of theirs, and old ones without a person.
        jobs: that were written anew.
        unread: folders of jobs that are damaged, so that what they have of anybody is still there.
    """

    people: int
    tracklets: int
    jobs: int
    unread: tuple[str, ...] = ()


def forget_people(store: "Store", people: Iterable[int]) -> Forgotten:
    """Forget these people.

    Raises:
        InputError: there is no such person, or the store is damaged or cannot be written.
    """
    files = PeopleFiles(store.path)
    with files.locked():
        _sweep(store)
        table = files.settle()
        numbers = {files.log().current(number) for number in people}
        unknown = sorted(numbers - (set(table["person"].tolist()) - {NOBODY}))
        if unknown:
            raise InputError(f"{store.path}: has no person {unknown[0]}; see `remix-track people`")
        tracklets = store.tracklets()
        return _forget(store, files, tracklets, np.isin(tracklets.person, list(numbers)), numbers)


def forget_before(store: "Store", moment: datetime) -> Forgotten:
    """Forget all people who were not seen since, and tracklets of that time that have no person.

    Where the time of day of a recording is not known, the time at which its file was changed last stands for it. Who
    has a name given by images is forgotten as well, unless the person was seen since.

    Raises:
        InputError: the store is damaged or cannot be written.
    """
    files = PeopleFiles(store.path)
    with files.locked():
        _sweep(store)
        files.settle()
        tracklets = store.tracklets()
        person, seen = tracklets.person, _last_seen(store, tracklets)
        old = seen < np.datetime64(round(moment.timestamp() * 1000), "ms")
        recent = set(person[~old].tolist())
        numbers = set(person[old].tolist()) - recent - {0}
        if not _unread(store):  # who has rows and no tracklets was half forgotten when that was ended
            numbers |= set(files.table()["person"].tolist()) - set(person.tolist()) - {NOBODY}
        return _forget(store, files, tracklets, np.isin(person, list(numbers)) | (old & (person == 0)), numbers)


def _last_seen(store: "Store", tracklets: Tracklets) -> NDArray[np.datetime64]:
    """(T,) when each ended; a file of unknown time of day ended when it was changed last."""
    changed = np.array([store.job(key).job.source.modified_ns // 10**6 for key in tracklets.jobs], np.int64)
    of_file = np.append(changed, 0)[tracklets.job].astype("datetime64[ms]")
    return np.where(np.isnat(tracklets.last_utc), of_file, tracklets.last_utc)


def _forget(
    store: "Store", files: PeopleFiles, tracklets: Tracklets, gone: NDArray[np.bool_], people: set[int]
) -> Forgotten:
    """First the jobs, last the table: where this is ended half way, it can be asked for again."""
    layout.inside(store.path, store.path / layout.PERCEPTION)  # before anything is done
    jobs, unread = np.unique(tracklets.job[gone]).tolist(), set[str]()
    for number in jobs:
        rows = tracklets.job == number
        stored = _readable(store, tracklets.jobs[number])
        if stored is None:
            unread.add(str(layout.job_folder(store.path, tracklets.jobs[number])))
        elif stored.job.camera == ENROLLED and gone[rows].all():
            shutil.rmtree(stored.folder)  # nothing but images of the person
        else:
            rewrite_without(stored, tracklets.track[gone & rows])
    _remove_perception(store.path / layout.PERCEPTION)
    log, table = files.log(), files.table()
    also = {number for number in log.into if log.current(number) in people} | people
    keys = set(tracklets[gone].keys()) | _keys_of(table, np.isin(table["person"], list(people)))
    files.give_numbers(files.last_number())
    files.write_events([*without(files.events(), also, keys), *_forgotten_lines(also)])  # one write: both or none
    left = np.array([key not in keys for key in zip(table["job"], table["track"].tolist(), strict=True)], bool)
    rows = {name: column[left] for name, column in table.items()}
    for name, nothing in (("runner_up", 0), ("runner_up_distance", np.nan)):
        rows[name] = np.where(np.isin(rows["runner_up"], list(also)), nothing, rows[name]).astype(rows[name].dtype)
    files.write_table(rows)
    store.scrub()
    return Forgotten(len(people), int(gone.sum()), len(jobs) - len(unread), tuple(sorted({*unread, *_unread(store)})))


def _forgotten_lines(people: Iterable[int]) -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return [{"event": "forget", "person": number, "utc": now} for number in sorted(people)]


def _readable(store: "Store", key: str) -> StoredJob | None:
    """A job; None where it is damaged since the index took it in."""
    try:
        stored = store.job(key)
        stored.vectors(len(stored.tracklets()["track"]))
    except InputError:
        return None
    return stored


def _keys_of(table: Columns, rows: NDArray[np.bool_]) -> set[Key]:
    return set(zip(table["job"][rows].tolist(), table["track"][rows].tolist(), strict=True))


def _unread(store: "Store") -> tuple[str, ...]:
    return tuple(str(layout.job_folder(store.path, one.key)) for one in store.facts() if one.problem)


def _remove_perception(folder: Path) -> None:
    if folder.exists():
        logger.warning("%s: kept detections are of all people, and are removed; they are computed when needed", folder)
        shutil.rmtree(folder)


def rewrite_without(stored: StoredJob, tracks: NDArray[np.int64]) -> None:
    """Write a job without these tracks, in its place, so that what is archived again skips it.

    Raises:
        InputError: the job is damaged, or cannot be written.
    """
    others = sorted(one.name for one in stored.folder.iterdir() if one.name not in _KNOWN)
    if others:
        logger.warning("%s: %s are of all people, and are removed", stored.folder, ", ".join(others))
    beside = stored.folder.with_name(f".{stored.folder.name}--{secrets.token_hex(4)}{_HIDDEN}")
    try:
        beside.mkdir()
        _write(stored, beside, tracks)
        sync_tree(beside)
        old = beside.with_name(f"{beside.name[: -len(_HIDDEN)]}-old{_HIDDEN}")
        stored.folder.rename(old)
        beside.rename(stored.folder)
        sync_folder(stored.folder.parent)
        shutil.rmtree(old)
    except OSError as error:
        raise InputError(f"{stored.folder}: cannot be written ({error.strerror}); make room, forget again") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(stored: StoredJob, beside: Path, tracks: NDArray[np.int64]) -> None:
    rows = stored.tracklets()
    kept = ~np.isin(rows["track"], tracks)
    vectors = stored.vectors(len(kept))
    left = np.flatnonzero(kept)
    blocks = (vectors[left[start : start + _ROWS]] for start in range(0, len(left), _ROWS))
    write_vectors(beside / layout.VECTORS, blocks, (len(left), vectors.shape[1]))
    boxes = 0
    with TableWriter(beside / layout.TRACKS, TRACKS) as writer:
        for group in stored.tracks():
            stay = ~np.isin(group["track"], tracks)
            boxes += int(stay.sum())
            writer.write({name: column[stay] for name, column in group.items()})
    write_table(beside / layout.TRACKLETS, TRACKLETS, {name: column[kept] for name, column in rows.items()})
    for names in rows["crops"][kept].tolist():
        for path in stored.crops(names):
            target = beside / path.relative_to(stored.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    facts = json.loads((stored.folder / layout.JOB).read_text(encoding="utf-8"))
    facts["result"] |= {"boxes": boxes, "tracklets": len(left)}
    (beside / layout.JOB).write_text(json_text(facts, indent=2), encoding="utf-8")


def _sweep(store: "Store") -> None:
    """Remove what killed processes left; a job that an earlier one had taken away is put back."""
    store.sweep()
    for path in (store.path / layout.PEOPLE).glob(".*-*"):  # half-written; who writes there has the lock that we have
        path.unlink()
    put_back(store.path)


def put_back(store: Path) -> None:
    """Put jobs back that a process had taken away when it was killed, and remove what it had half written.

    To be called inside the lock of people, which all who write jobs anew have.

    Args:
        store: folder of the store.

    Raises:
        InputError: a job cannot be put back.
    """
    hidden = [
        path
        for pattern in (f"{layout.JOBS}/.*{_HIDDEN}", f"{layout.LIVE}/*/.*{_HIDDEN}")
        for path in store.glob(pattern)
    ]
    for path in hidden:
        key, _, rest = path.name.removesuffix(_HIDDEN)[1:].rpartition("--")
        if rest.endswith("-old") and not path.with_name(key).exists():
            try:
                path.rename(path.with_name(key))
            except OSError as error:
                raise InputError(f"{path}: cannot be put back as {key} ({error.strerror}); rename it") from None
        else:
            shutil.rmtree(path, ignore_errors=True)

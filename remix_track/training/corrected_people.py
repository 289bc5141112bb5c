"""People of a store whom a user has said something of, as labelled crops of several cameras: `corrections:STORE`.

Who was named, merged or split is confirmed: the user looked at that person's tracklets, and would have taken out what
is somebody else's. So all of them are labels, and confirmed people are different ones. Rejected tracklets are left out.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from remix_track.data.crop_set import Crop, CropSet, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import Log
from remix_track.store.store import open_store

if TYPE_CHECKING:
    from remix_track.store.store import Store

KIND = "corrections:"


def read_corrections(path: Path) -> CropSet:
    """The crops of the confirmed people of a store, with their cameras, all for training.

    Raises:
        InputError: no store, a damaged one, or one without corrections.
    """
    store = open_store(path)
    files = PeopleFiles(store.path)
    people = confirmed(files.log())
    table = files.table()
    wanted = {
        (job, track): person
        for job, track, person in zip(*(table[name].tolist() for name in ("job", "track", "person")), strict=True)
        if person in people
    }
    crops, names = _crops(store, wanted)
    if not crops:
        raise InputError(f"{path}: nobody there is corrected yet, so it has no labels; see remix-track correct")
    return crop_set(f"corrections of {path.name}", FolderStore(store.path, NameTable.of(names)), crops)


def confirmed(log: Log) -> set[int]:
    """The people whom a user named, merged or split."""
    acts = [one for one in log.acts if one.who and not one.undone and one.kind != "reject"]
    people = {log.current(number) for one in acts for number in (one.person, one.other) if number}
    return people - log.forgotten


def _crops(store: "Store", people: dict[tuple[str, int], int]) -> tuple[list[Crop], list[bytes]]:
    """The crops of tracklets, each of its person, and their files relative to the store."""
    tracklets = store.tracklets(jobs=sorted({job for job, _ in people}))
    crops, names = list[Crop](), list[bytes]()
    for number in np.unique(tracklets.job).tolist():
        stored = store.job(tracklets.jobs[number])
        rows = stored.tracklets()
        for track, files in zip(rows["track"].tolist(), rows["crops"].tolist(), strict=True):
            person = people.get((stored.key, track))
            for path in () if person is None else stored.crops(files):
                crops.append(Crop(str(person), stored.job.camera))
                names.append(bytes(path.relative_to(store.path)))
    return crops, names

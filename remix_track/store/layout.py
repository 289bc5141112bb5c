"""Where things lie in a store; and that no name read from a file leads out of it."""

import os
import re
from pathlib import Path

from remix_track.errors import InputError

FORMAT = 1
MARK = "store.json"
WEIGHTS = "weights.json"
JOBS = "jobs"
LIVE = "live"
PEOPLE = "people"
PERCEPTION = "perception"
JOB = "job.json"
TRACKS = "tracks.parquet"
TRACKLETS = "tracklets.parquet"
VECTORS = "vectors.npy"
CROPS = "crops"
PERSONS = "people.parquet"
ENROLLED = "enrolled"
"""The camera of crops that users gave with a name: no camera that stands anywhere."""

_KEY = re.compile(r"[\w-][\w.-]{0,150}")
_PART = re.compile(r"[0-9]{4,9}", re.ASCII)
_SIGN = "~"
_CROP = re.compile(rf"{CROPS}/[0-9]{{1,19}}/[0-9]{{1,19}}\.jpg", re.ASCII)


def is_key(text: str) -> bool:
    """Whether `text` can be the key of a job: the name of a folder, neither hidden nor a path."""
    return _KEY.fullmatch(text) is not None


def is_part(text: str) -> bool:
    """Whether `text` can be the name of a part of what a camera wrote while it ran."""
    return _PART.fullmatch(text) is not None


def part_key(key: str, part: str) -> str:
    """The key of a part, by the key of its job and its name: `KEY~0001` lies in `live/KEY/0001`."""
    return f"{key}{_SIGN}{part}"


def whole_key(key: str) -> str:
    """The key without its part: a track of a camera that runs has one number in all parts."""
    return key.partition(_SIGN)[0]


def key_of_folder(folder: Path) -> str:
    """The key of the job, or of the part, in a folder."""
    is_live = folder.parent.parent.name == LIVE
    return part_key(folder.parent.name, folder.name) if is_live else folder.name


def job_folder(root: Path, key: str) -> Path:
    """Where the job, or part, of a key lies.

    Raises:
        InputError: what should be a key is none, or a link leads out of the store.
    """
    name, sign, part = key.partition(_SIGN)
    if not is_key(name) or (sign and not is_part(part)):
        raise InputError(f"{key[:80]!r}: cannot be the key of a job; see `Store.jobs`")
    return inside(root, root / LIVE / name / part if sign else root / JOBS / name)


def crop_name(track: int, frame: int) -> str:
    """Where a crop lies in the folder of its job."""
    return f"{CROPS}/{track}/{frame:06d}.jpg"


def crop_path(folder: Path, name: str) -> Path:
    """The file of a crop, by its name as `tracklets.parquet` of the job in `folder` has it.

    Raises:
        InputError: the name, or a link on the way, leads out of the job's folder.
    """
    if not _CROP.fullmatch(name):
        raise InputError(f"{folder / TRACKLETS}: names a crop {name[:80]!r}, which is no crop of this job; track again")
    return inside(folder, folder / name)


def vectors_path(root: Path, key: str) -> Path:
    """The vectors of a job.

    Raises:
        InputError: what should be a key is none, or a link leads out of the store.
    """
    return inside(root, job_folder(root, key) / VECTORS)


def inside(folder: Path, path: Path) -> Path:
    """`path`, which lies in `folder` also after links are followed.

    Raises:
        InputError: a link leads out of it.
    """
    try:
        real, base = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not real.is_relative_to(base):
        raise InputError(f"{path}: a link that leads out of the store; replace it by what it leads to")
    return path

"""Harvested crops on disk: one folder per video and settings, written atomically and once.

`ROOT/<video's name>-<fingerprint>/<tracklet>_<frame>.jpg` and `harvest.json`. A folder of such folders is a data set
like any other (`read_video_folders`), and the first field of an image's name says which tracklet it is of.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track import file_lock, settings
from remix_track.bounded_file import read_bounded
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.digests import sha256_of
from remix_track.errors import InputError
from remix_track.json_text import json_text

FORMAT_VERSION = 2
NOTES = "harvest.json"
Show = Callable[[str, int, int, int, int | None], None]
"""Told how far a harvest is: the video, its number from 1, of how many, frames done, frames in all or None."""

_LARGEST_NOTES = 64 * 2**20
_BLOCKS, _BLOCK = 64, 2**16


@dataclass(frozen=True, slots=True)
class Harvest:
    """What was taken from one video; `harvest.json`.

    Attributes:
        video: its file's name.
        fingerprint: of the video and the settings.
        detector: that found the people, as it names itself.
        frames: looked at.
        fps: of those.
        stride: every so many frames of the video were looked at; frame numbers are the video's.
        tracklets: (number, first frame, last frame, crops) of each. Two that overlap in time are different people.
        files: digest of the images' names and sizes.
        format_version: of this file.
    """

    video: str
    fingerprint: str
    detector: str
    frames: int
    fps: float
    stride: int
    tracklets: tuple[tuple[int, ...], ...]
    files: str
    format_version: int = FORMAT_VERSION

    @property
    def crops(self) -> int:
        """Number of images."""
        return sum(row[3] for row in self.tracklets)


def crop_name(tracklet: int, frame: int) -> str:
    """A crop's file name."""
    return f"{tracklet:06d}_{frame:07d}.jpg"


def tracklet_and_frame(name: str) -> tuple[int, int]:
    """What `crop_name` was given, from a name or a path.

    Raises:
        ValueError: not such a name.
    """
    tracklet, _, frame = Path(name).stem.partition("_")
    return int(tracklet), int(frame)


def fingerprint(video: Path, chosen: HarvestSettings, detector: Path | None) -> str:
    """12 hexadecimal digits that change with the video's content, the settings and the detector's file.

    Of a video its size and 64 blocks spread over it are read: gigabytes take no time, and a copy under another name or
    date is the same video.

    Raises:
        InputError: a file that cannot be read.
    """
    digest = hashlib.sha256(f"{FORMAT_VERSION} ".encode())
    values = dataclasses.asdict(chosen)
    if detector is not None:
        files = sorted(path for path in detector.iterdir() if path.is_file()) if detector.is_dir() else [detector]
        values["detector"] = [sha256_of(path) for path in files]
    digest.update(json.dumps(values, sort_keys=True).encode())
    try:
        with video.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(b"%d" % size)
            for number in range(_BLOCKS):
                file.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK))
    except OSError as error:
        raise InputError(f"{video}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()[:12]


def read_harvest(folder: Path) -> Harvest | None:
    """What is in a folder of crops; None where nothing is there yet.

    Raises:
        InputError: the folder is not what was written; it is left as it is.
    """
    remedy = f"delete {folder} to have it made again, or name it as folders:{folder} to train on what is there"
    if not folder.exists():
        return None
    try:
        values: Any = json.loads(read_bounded(folder / NOTES, _LARGEST_NOTES))
        found = settings.build(Harvest, values, NOTES)
        if found.format_version != FORMAT_VERSION or any(len(row) != 4 for row in found.tracklets):
            raise InputError(f"format version {found.format_version}")
        changed = "" if _listing(folder) == found.files else "images are missing, added or changed"
    except Exception as error:  # the file may come from others
        changed = f"{NOTES}: {' '.join(str(error).split())[:120]}"
    if changed:
        raise InputError(f"{folder}: its crops are not as they were written ({changed}); {remedy}")
    return found


@contextlib.contextmanager
def new_folder(folder: Path, check: Callable[[], None]) -> Iterator[Path | None]:
    """A hidden folder beside `folder` to write to, renamed at the end; removed where the body fails or is stopped.

    Processes that want the same folder wait for each other; those that come late get None, and `folder` is there.
    What a killed process left is cleared away by the next.

    Raises:
        InputError: it cannot be written.
    """
    hidden = folder.with_name(f".{folder.name}")
    try:
        with contextlib.ExitStack() as stack:
            while not _locked(hidden, stack):
                check()
                time.sleep(0.2)
            if folder.exists():
                shutil.rmtree(hidden)
                yield None
                return
            _clear(hidden)
            try:
                yield hidden
                hidden.rename(folder)
            except BaseException:
                shutil.rmtree(hidden, ignore_errors=True)
                raise
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); make room, or name another"
        ) from None


def write_notes(folder: Path, made: Harvest) -> None:
    """Write `harvest.json`, with the digest of the images that are in `folder`."""
    made = dataclasses.replace(made, files=_listing(folder))
    (folder / NOTES).write_text(json_text(dataclasses.asdict(made)), encoding="utf-8")


def _locked(hidden: Path, stack: contextlib.ExitStack) -> bool:
    """Take the folder for this process; False where another one has it, or moved it away just now."""
    hidden.mkdir(parents=True, exist_ok=True)
    handle = os.open(hidden, os.O_RDONLY)
    try:
        # The lock lies on the folder, whatever its name is; a process that is killed loses it.
        file_lock.lock(handle)
        ours = hidden.stat().st_ino == os.fstat(handle).st_ino
    except (BlockingIOError, FileNotFoundError):
        ours = False
    except BaseException:
        os.close(handle)
        raise
    if ours:
        stack.callback(os.close, handle)
    else:
        os.close(handle)
    return ours


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _listing(folder: Path) -> str:
    digest = hashlib.sha256()
    with os.scandir(folder) as entries:
        for name, size in sorted((one.name, one.stat().st_size) for one in entries if one.name != NOTES):
            digest.update(f"{name} {size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()

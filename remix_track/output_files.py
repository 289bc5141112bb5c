"""Results are never overwritten and never half-written: claim a folder, write a file in one piece."""

import contextlib
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.reservations import MARK


def refuse_existing(*paths: Path | None, overwrite: bool | None = None) -> None:
    """See before the work that each file has a place of its own; None is none.

    Args:
        paths: of the files.
        overwrite: what is there may go; None where there is no such choice.

    Raises:
        InputError: something is there, without `overwrite`; or two of them are one.
    """
    named = [path for path in paths if path is not None]
    for number, path in enumerate(named):
        if path.exists() and not overwrite:
            choice = "" if overwrite is None else ", or `overwrite`"
            raise InputError(f"{path}: there is something already; give another name{choice}")
        if path.resolve() in [other.resolve() for other in named[:number]]:
            raise InputError(f"{path}: is named for two outputs; give each a name of its own")


def reserve_folder(path: Path, *, overwrite: bool = False) -> Path:
    """Make an empty folder for one result and return it; it is this process's until `reservations.release`.

    A folder that holds anything is refused, and with `overwrite` emptied first, but only where an earlier run of
    ours left its mark: `--output ~` must not cost anyone their home. One that a run writes to is never taken.

    Raises:
        InputError: the folder holds a result, or something that is not ours, or cannot be written, or is in use.
    """
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            if (path / MARK).is_file():
                return _retaken(path, overwrite=overwrite)
            raise InputError(
                f"{path}: not a result of remix-track, so `overwrite` leaves it alone; give another `output`"
                if overwrite
                else _already(path)
            )
        path.mkdir(parents=True, exist_ok=True)
        reservations.reserve(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({_reason(error)}); give another `output`") from None
    return path


def reserve_numbered_folder(parent: Path, name: str) -> Path:
    """Make `parent/name`, or `parent/name-2`, `-3`, ...: the first that is free, also with other runs at work."""
    for number in range(1, 100_000):
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
            reservations.reserve(path)
        except (FileExistsError, reservations.BusyError):
            continue
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({_reason(error)}); give another `output`") from None
        return path
    raise InputError(f"{parent / name}: 100,000 results are there already; give another `output`")


def reserve_existing_folder(path: Path) -> Path:
    """Take a folder with what it holds, to go on with it.

    Raises:
        InputError: a run writes to it, or it cannot be written.
    """
    try:
        reservations.reserve(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({_reason(error)})") from None
    return path


def release_folder(folder: Path) -> None:
    """Remove a claimed folder in which nothing was written, so that the same `--output` can be given again."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [MARK]:
            (folder / MARK).unlink()
            folder.rmdir()
    reservations.release(folder)


def _retaken(path: Path, *, overwrite: bool) -> Path:
    """A result of ours, emptied where that was asked for; a mark alone is what another run left that gave it back."""
    reservations.reserve(path)
    try:
        if not overwrite and any(one.name != MARK for one in path.iterdir()):
            raise InputError(_already(path))
        if path.is_symlink():
            raise InputError(f"{path}: cannot be written (through a symbolic link nothing is removed); name its target")
        for one in path.iterdir():
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            elif one.name != MARK:
                one.unlink()
    except BaseException:
        reservations.release(path)
        raise
    return path


def _already(path: Path) -> str:
    return f"{path}: there is something already; give another `output`, or `overwrite` to replace a result"


@contextlib.contextmanager
def atomic_write(path: Path, *, parents: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to `path` at the end, removed if the body fails.

    The file has the rights that the umask gives to a new file, whatever the body's writer gave it.

    Folders on the way are made where `parents` says so, but never one that was claimed: where it is gone, so is its
    result. Other processes than the one that claimed it do not know that, and say `parents=False`.

    Raises:
        InputError: the disk is full, the folder cannot be written, or a claimed folder is not there as it was.
    """
    # The suffix stays, because writers go by it; tempfile's own files would not have the rights of a new file.
    temporary = path.parent / f".{path.stem[:100]}-{secrets.token_hex(4)}{path.suffix}"
    try:
        reservations.check(path)
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        yield temporary
        if temporary.stat().st_mode != mode:  # safetensors puts a private file of its own in the place
            temporary.chmod(stat.S_IMODE(mode))
        reservations.check(path)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({_reason(error)})") from None
    finally:
        # Where the folder is gone or is none, there is nothing to remove.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

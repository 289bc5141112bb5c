"""Compiled networks kept in the user's own cache folder, so that the next start neither converts nor compiles.

Where that folder cannot be used, they are kept in memory: at least each process converts but once.
"""

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.digests import sha256_of_bytes
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.machine import cache_folder
from remix_track.output_files import atomic_write

KEPT = 16
"""Networks that are kept; the one that was not used for longest goes first."""
LARGEST = 2**31
_HEADER = b"remix-track compiled network 2\n"
_LONGEST_NOTES = 1_000_000
_log = logging.getLogger(__name__)
_in_memory: dict[str, tuple[str, bytes]] = {}
"""Notes as JSON, and content, of what no file could keep."""


def recall(key: str) -> tuple[dict[str, Any], bytes] | None:
    """Notes and content that were kept under `key`; None where there is nothing whole, or another user's file.

    A compiled network is executed as it is, so a file that another user could have put there is not read.
    """
    return _from_file(key) or _from_memory(key)


def _from_memory(key: str) -> tuple[dict[str, Any], bytes] | None:
    found = _in_memory.get(key)
    return None if found is None else (json.loads(found[0]), found[1])


def _from_file(key: str) -> tuple[dict[str, Any], bytes] | None:
    folder = cache_folder("compiled")
    if folder is None:
        return None
    path = folder / key
    try:
        found = path.stat()
        if found.st_size > LARGEST or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            return None
        with path.open("rb") as file:
            if file.readline(len(_HEADER)) != _HEADER:
                return None
            notes = json.loads(file.readline(_LONGEST_NOTES))
            content = file.read(LARGEST)
        if notes.pop("sha256") != _digest(notes, content):
            return None
    except Exception:  # in a cache any trouble means that nothing is there
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return notes, content


def keep(key: str, notes: Mapping[str, Any], content: bytes) -> None:
    """Keep content and notes (plain values); where that cannot be, the next start takes longer and nothing else."""
    if not _to_file(key, notes, content):
        _in_memory[key] = json_text(notes), content
        while len(_in_memory) > KEPT:
            del _in_memory[next(iter(_in_memory))]


def _to_file(key: str, notes: Mapping[str, Any], content: bytes) -> bool:
    folder = cache_folder("compiled")
    if folder is None or len(content) > LARGEST:
        return False
    line = json_text({**notes, "sha256": _digest(notes, content)}).encode()
    if len(line) > _LONGEST_NOTES:
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(folder / key) as temporary, temporary.open("wb") as file:
            file.writelines((_HEADER, line, content))
        _prune(folder)
    except (OSError, InputError) as error:
        _log.info("compiled networks are not kept: %s", error)
        return False
    return True


def _digest(notes: Mapping[str, Any], content: bytes) -> str:
    """Of both: a letter that changed in the notes is as bad as one in the network."""
    # Numbers as keys come back as texts, which sort otherwise.
    as_read = json.loads(json.dumps(notes))
    return sha256_of_bytes(json.dumps(as_read, sort_keys=True).encode(), content)


def _prune(folder: Path) -> None:
    def last_used(path: Path) -> float:
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
        return 0.0

    kept = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=last_used, reverse=True)
    for path in kept[KEPT:]:
        path.unlink(missing_ok=True)

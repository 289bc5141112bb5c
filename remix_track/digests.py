"""SHA-256 digests: of files, of what was read, and of everything on which a kept result depends."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.near_files import path_advice

_BLOCK = 1 << 20


def sha256_of(*paths: Path, kind: str = "") -> str:
    """Of the contents of files, one after another, in hex.

    Args:
        paths: of the files.
        kind: what they are, for the message.

    Raises:
        InputError: one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            what = f"{kind} cannot" if kind else "cannot"
            raise InputError(f"{path}: {what} be read ({error.strerror}); {path_advice(path, error)}") from None
    return digest.hexdigest()


def sha256_of_bytes(*contents: bytes) -> str:
    """Of contents, one after another, in hex."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def key_of(facts: Mapping[str, Any]) -> str:
    """The name under which something is kept in a cache: equal facts (any JSON values, else as text), equal name."""
    return sha256_of_bytes(json.dumps(facts, sort_keys=True, default=str).encode())[:32]


def quick_digest(path: Path) -> str | None:
    """What tells footage from other footage, in hex: of a file its size, beginning and end; of a folder its list.

    None for what is neither, such as a camera, or cannot be read. A copy has the same one; what was encoded anew has
    another.
    """
    try:
        if path.is_dir():
            listed = sorted((entry.name, entry.stat().st_size) for entry in path.iterdir() if entry.is_file())
            return key_of({"files": listed})
        if not path.is_file():
            return None
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(_BLOCK)
            file.seek(max(0, size - _BLOCK))
            return sha256_of_bytes(str(size).encode(), begin, file.read(_BLOCK))[:32]
    except (OSError, ValueError):
        return None

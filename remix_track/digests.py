"""SHA-256 digests: of files, of what was read, and of everything on which a kept result depends."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.errors import InputError

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
            raise InputError(f"{path}: {what} be read ({error.strerror}); check the path") from None
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

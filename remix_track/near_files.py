"""The file that was meant by a mistyped name: the nearest one in the same folder."""

import itertools
import os
from pathlib import Path

from remix_track.setting_values import nearest

_MOST = 20_000
"""Entries of a folder that are looked at."""
_CUTOFF = 0.75


def near_file(path: Path | str) -> str:
    """`did you mean videos/gate.mp4?` for a file or folder that is not there; empty where nothing is called nearly so.

    Only what lies in the folder that was named is looked at.
    """
    wanted = Path(path)
    try:
        with os.scandir(wanted.parent) as entries:
            names = {entry.name.lower(): entry.name for entry in itertools.islice(entries, _MOST)}
    except (OSError, ValueError):
        return ""
    near = nearest(wanted.name.lower(), names, cutoff=_CUTOFF)
    return "" if near is None else f"did you mean {wanted.parent / names[near]}?"


def path_advice(path: Path, error: OSError) -> str:
    """What to do about a file that cannot be read: the nearest name where it is not there, else to check the path."""
    return (near_file(path) if isinstance(error, FileNotFoundError) else "") or "check the path"

"""Walking folders of any size: bounded, links followed once, hidden folders left out."""

import os
from collections.abc import Iterator
from pathlib import Path

from remix_track.errors import InputError

_MOST_FOLDERS = 20_000


def folders_below(root: Path, depth: int) -> Iterator[Path]:
    """The folders down to `depth` below `root`, each before those in it, by name.

    Raises:
        InputError: there are so many that this cannot be the folder that was meant.
    """
    open_ = [(root, 0)]
    seen = {root.resolve()}
    while open_:
        folder, level = open_.pop()
        if folder != root:
            yield folder
        if level == depth:
            continue
        for child in sorted(_children(folder), reverse=True):
            if child.resolve() not in seen:
                seen.add(child.resolve())
                open_.append((child, level + 1))
        if len(seen) > _MOST_FOLDERS:
            raise InputError(f"{root}: more than {_MOST_FOLDERS:,} folders below; give the folder of the sequences")


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []  # not ours to read; what can be read is searched

"""The folder of a run, given where one of its files is asked for."""

import re
from pathlib import Path

from remix_track.errors import InputError
from remix_track.media_files import natural_key


def parts_in(folder: Path, name: str) -> list[Path]:
    """The parts of one of a run's files, in order: `tracks.txt`, `tracks-0002.txt`, `tracks-0003-UTC.txt` ..."""
    stem, dot, ending = name.rpartition(".")
    form = re.compile(rf"{re.escape(stem)}(-\d{{4,}}(-\d+T\d+Z)?)?{re.escape(dot + ending)}")
    found = [path for path in folder.glob(f"{stem}*{dot}{ending}") if form.fullmatch(path.name)]
    return sorted(found, key=lambda path: (path.name != name, natural_key(path)))


def files_at(path: Path, name: str, advice: str) -> list[Path]:
    """The file itself, or of a run's folder every part of its file that is called so.

    Args:
        path: a file, or the folder of a run.
        name: of the file, such as `embeddings.npz`.
        advice: what to do where the folder has none.

    Raises:
        InputError: a folder without such a file.
    """
    if not path.is_dir():
        return [path]
    found = parts_in(path, name)
    if not found:
        raise InputError(f"{path}: holds no {name}; {advice}")
    return found

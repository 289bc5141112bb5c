"""Several sources: those on the command line, and those in a list file."""

import codecs
import glob
from collections.abc import Sequence
from pathlib import Path

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError
from remix_track.media_files import is_video, natural_key
from remix_track.text_files import utf8
from remix_track.trackers.sources.images import images_like, matching
from remix_track.trackers.sources.opening import is_address, is_camera, is_glob

_MOST_SOURCES = 10_000


def expand_sources(
    names: Sequence[str | Path | int], list_file: Path | None = None, *, most: int = _MOST_SOURCES
) -> list[str | Path | int]:
    """The sources to track: the named ones, then those of a list file.

    A glob of videos becomes those videos, in natural order; a glob of images stays one source. A list file names one
    source a line, relative to its own folder; blank lines and lines that begin with `#` are skipped. Lists do not
    nest.

    Raises:
        InputError: no source at all, too many, a list that is not text, or a line that names nothing.
    """
    sources = [source for name in names for source in _videos_of(name)]
    if list_file is not None:
        sources += _listed(list_file)
    if not sources:
        raise InputError(
            f"{list_file}: names no source; write one a line" if list_file else "no source given; name a video or more"
        )
    if len(sources) > most:
        raise InputError(f"{len(sources)} sources are more than {most}; split them into several runs")
    return sources


def _videos_of(name: str | Path | int) -> list[str | Path | int]:
    text = str(name)
    if isinstance(name, int) or is_address(text) or not is_glob(text) or _exists(text) or images_like(text):
        return [name]
    videos = [path for path in matching(text) if is_video(path)]
    return [*sorted(videos, key=natural_key)] or [name]


def _listed(list_file: Path) -> list[str | Path | int]:
    content = read_bounded(list_file, advice="a list of sources is a text file, one a line")
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    sources: list[str | Path | int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = line.strip()
        # Names of files are bytes, which need not be UTF-8; but what then is no file is no text either.
        if utf8(name) != name and not _exists(str(list_file.parent / name)):
            raise InputError(f"{list_file}: not text; a list of sources is a text file, one a line")
        if name and not name.startswith("#"):
            sources += _from_line(name, list_file, number)
    return sources


def _from_line(name: str, list_file: Path, number: int) -> list[str | Path | int]:
    if is_address(name) or is_camera(name):
        return [name]
    forms = dict.fromkeys((name, name.replace("\\", "/")))  # a list from Windows
    for form in forms:
        path = list_file.parent / Path(form).expanduser()
        if _exists(str(path)):
            return [path]
        if is_glob(form):
            pattern = str(Path(glob.escape(str(list_file.parent))) / form)
            if next(matching(pattern), None):
                return _videos_of(pattern)
    tried = " (nor with slashes for its backslashes)" if len(forms) > 1 else ""
    raise InputError(
        f"{list_file}:{number}: {name[:200]}: no such file or folder{tried}; paths are relative to the list"
    )


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False

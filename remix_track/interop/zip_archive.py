"""Archives of a few texts, written the same each time and read within bounds."""

import io
import zipfile
from collections.abc import Mapping

from remix_track.errors import InputError
from remix_track.mot_parsing import MAX_BYTES

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(texts: Mapping[str, str]) -> bytes:
    """A zip with these files, which says nothing of the time it was made at."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def member_called(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """The first file at `name`, at the top or in a folder; None without."""
    found = (one for one in archive.infolist() if one.filename == name or one.filename.endswith(f"/{name}"))
    return next(found, None)


def read_member(archive: zipfile.ZipFile, name: str, missing: bytes | None = None) -> bytes:
    """The content of a file in an archive; nothing is unpacked to the disk.

    Args:
        archive: open for reading.
        name: the file, in any folder.
        missing: what it is where it is not there.

    Raises:
        InputError: it is missing, or larger than a MOT text file may be.
    """
    member = member_called(archive, name)
    if member is None:
        if missing is None:
            raise InputError(f"no {name} in it")
        return missing
    with archive.open(member) as file:
        # What the archive says of its sizes may be wrong.
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1024**2} MiB")
    return content

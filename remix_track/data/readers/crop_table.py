"""Your own labelled crops as a table: a CSV of `path,identity,camera`, as editors and spreadsheets write it."""

import csv
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from remix_track.bounded_file import check_ordinary
from remix_track.data.crop_set import Crop, CropSet, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError, parsing

logger = logging.getLogger(__name__)

SPLITS = {split.name.lower(): split for split in Split}
_COLUMNS = ("path", "identity", "camera")
_SEPARATORS = ",;\t"
_SAVE = "save it as CSV in UTF-8 with the columns path,identity,camera"


def read_crop_table(path: Path, *, strict: bool = True) -> CropSet:
    r"""A CSV with a header line and columns `path`, `identity`, `camera`, and maybe `split` (train, query, gallery).

    Paths are relative to the CSV's folder, or absolute. Identity `-1` is junk. Spreadsheets' habits are read: a mark of
    the byte order, `;` or tabs between columns, a first line `sep=;`, lines of separators alone, and the backslashes of
    Windows: `crops\0.jpg` is `crops/0.jpg` where only that is there.

    Args:
        path: the CSV, UTF-8.
        strict: an image that is not there is an error; False: it is left out with a warning.

    Raises:
        InputError: not readable, a column is missing, a line is not whole, or images are missing.
    """
    crops: list[Crop] = []
    names: list[bytes] = []
    missing: list[str] = []
    check_ordinary(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, parsing(path, "a CSV in UTF-8", _SAVE):
            for line, where in _lines(path, file):
                crop = _crop_of_line(line, where)
                name = _file_named(line["path"], path.parent)
                if name is None:
                    missing.append(line["path"])
                    continue
                crops.append(crop)
                names.append(os.fsencode(name))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if missing:
        _report_missing(path, missing, strict=strict)
    return crop_set(f"table {path.name}", FolderStore(path.parent, NameTable.of(names)), crops)


def _lines(path: Path, file: Iterable[str]) -> Iterator[tuple[dict[str, str], str]]:
    """Each line by its columns, without blanks around the values, and where it stands."""
    texts, skipped = iter(file), 0
    header = next(texts, "")
    if header.lower().startswith("sep="):  # how Excel is told the separator
        header, skipped = next(texts, ""), 1
    separator = max(_SEPARATORS, key=header.count)
    columns = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator, strict=True), [])]
    for column in _COLUMNS:
        if column not in columns:
            raise InputError(f"{path}: no column {column!r}; the first line must be path,identity,camera")
    rows = csv.reader(texts, delimiter=separator, strict=True)
    for row in rows:
        values = [value.strip() for value in row]
        if any(values):
            yield dict(zip(columns, values, strict=False)), f"{path}:{rows.line_num + 1 + skipped}"


def _crop_of_line(line: dict[str, str], where: str) -> Crop:
    for column in _COLUMNS:
        if not line.get(column):
            raise InputError(f"{where}: {column} is empty; each line is path,identity,camera")
    split = line.get("split") or "train"
    if split not in SPLITS:
        raise InputError(f"{where}: split {split!r} is not known; expected train, query or gallery")
    return Crop(line["identity"], line["camera"], SPLITS[split])


def _file_named(name: str, folder: Path) -> str | None:
    """The name under which the image is there: as it is written, else with slashes for backslashes; else None."""
    return next((form for form in (name, name.replace("\\", "/")) if (folder / form).is_file()), None)


def _report_missing(path: Path, missing: list[str], *, strict: bool) -> None:
    message = f"{path}: {len(missing):,} listed images are missing, the first {', '.join(missing[:3])}"
    backslashes = sum("\\" in name for name in missing)
    if not strict:
        logger.warning("%s; going on without them", message)
    elif backslashes:
        raise InputError(
            f"{message}; {backslashes:,} of these paths have the backslash of Windows, and are not there with a slash"
            " either; write them relative to the table's folder"
        )
    else:
        raise InputError(
            f"{message}; correct the paths, or go on without them (data.strict = false; remix-train eval --any-count)"
        )

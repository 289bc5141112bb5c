"""One's own labelled crops: a plain folder, or a CSV of `path,identity,camera`."""

import csv
import logging
import os
import re
from pathlib import Path

from remix_track.data.crop_set import Crop, CropSet, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.picture_files import pictures_below
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_SPLITS = {split.name.lower(): split for split in Split}
_CAMERA_WITH_SEQUENCE = re.compile(r"(c\d+)s\d+")


def read_crop_folder(root: Path) -> CropSet:
    """A folder of crops, labelled by where they lie or what they are called.

    Folders `train`, `query` and `gallery` directly in `root` are splits; without them everything is for training.
    Inside a split (or `root`) a picture has its identity from

    - its folder, if it lies in one: `person7/cam2_0001.jpg` is person7 at camera cam2. The first `_` field of the name
      is the camera; a name that begins with the identity again (`0002/0002_c1s1_000451.jpg`) has it second, and a name
      of one field only is of camera `0`;
    - its name otherwise: `identity_camera_anything.jpg`.

    `c1s1` is camera `c1`, as Market-1501 means it. Identity `-1` is junk; `0000` is a person like any other.

    Raises:
        InputError: the folder is missing or holds no picture that names an identity and a camera.
    """
    crops: list[Crop] = []
    names: list[bytes] = []
    odd: list[str] = []
    has_splits = any((root / name).is_dir() for name in _SPLITS)
    for folder, pictures in pictures_below(root):
        parts = os.fsdecode(folder).split("/")[:-1]
        split = Split.TRAIN
        if has_splits:
            if not parts or parts[0] not in _SPLITS:
                odd += [os.fsdecode(folder + name) for name in pictures]
                continue
            split = _SPLITS[parts.pop(0)]
        for name in pictures:
            path = folder + name
            labels = _labels(os.fsdecode(name), parts)
            if labels is None:
                odd.append(os.fsdecode(path))
            else:
                crops.append(Crop(*labels, split))
                names.append(path)
    if odd:
        logger.warning("%s: %d pictures are left out, no identity and camera: %s", root, len(odd), ", ".join(odd[:3]))
    return crop_set(f"folder {root.name}", FolderStore(root, NameTable.of(names)), crops)


def read_crop_table(path: Path, *, strict: bool = True) -> CropSet:
    """A CSV with a header line and columns `path`, `identity`, `camera`, and `split` if wanted (train, query, gallery).

    Paths are relative to the CSV's folder, or absolute. Identity `-1` is junk.

    Args:
        path: the CSV, UTF-8.
        strict: a picture that is not there is an error; False: it is left out with a warning.

    Raises:
        InputError: not readable, a column is missing, a line is not whole, or pictures are missing.
    """
    crops: list[Crop] = []
    names: list[bytes] = []
    missing: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            _check_columns(path, lines.fieldnames or [])
            for line in lines:
                crop = _crop_of_line(line, f"{path}:{lines.line_num}")
                if not (path.parent / line["path"]).is_file():
                    missing.append(line["path"])
                    continue
                crops.append(crop)
                names.append(os.fsencode(line["path"]))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (csv.Error, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a CSV in UTF-8 ({error})") from None
    if missing:
        message = f"{path}: {len(missing):,} listed pictures are missing, the first {', '.join(missing[:3])}"
        if strict:
            raise InputError(f"{message}; correct the paths, or read it with strict = false to go on without them")
        logger.warning("%s; going on without them", message)
    return crop_set(f"table {path.name}", FolderStore(path.parent, NameTable.of(names)), crops)


def _labels(name: str, folders: list[str]) -> tuple[str, str] | None:
    fields = name.rpartition(".")[0].split("_")
    if not folders:
        return (fields[0], _camera(fields[1])) if len(fields) >= 2 and fields[0] and fields[1] else None
    identity = "/".join(folders)
    if fields[0] == folders[-1]:
        fields = fields[1:]
    return identity, _camera(fields[0]) if len(fields) >= 2 and fields[0] else "0"


def _camera(field: str) -> str:
    match = _CAMERA_WITH_SEQUENCE.fullmatch(field)
    return match[1] if match else field


def _check_columns(path: Path, columns: object) -> None:
    for column in ("path", "identity", "camera"):
        if column not in (columns if isinstance(columns, list) else []):
            raise InputError(f"{path}: no column {column!r}; the first line must be path,identity,camera")


def _crop_of_line(line: dict[str, str], where: str) -> Crop:
    for column in ("path", "identity", "camera"):
        if not line[column]:
            raise InputError(f"{where}: {column} is empty; each line is path,identity,camera")
    split = line.get("split") or "train"
    if split not in _SPLITS:
        raise InputError(f"{where}: split {split!r} is not known; expected train, query or gallery")
    return Crop(line["identity"], line["camera"], _SPLITS[split])

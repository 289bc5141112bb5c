"""MSMT17: four lists name the images of each split; V1, V2, or everything merged for training."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from remix_track.bounded_file import read_bounded
from remix_track.data.crop_set import Crop, CropSet, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.readers.image_files import images_below
from remix_track.data.readers.published_counts import Published, check_counts
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

TRAIN_IDENTITIES = 1_041
MSMT17 = Published(
    {Split.TRAIN: 32_621, Split.QUERY: 11_659, Split.GALLERY: 82_161},
    {Split.TRAIN: TRAIN_IDENTITIES, Split.QUERY: 3_060, Split.GALLERY: 3_060},
    cameras=15,
)
MSMT17_MERGED = Published({Split.TRAIN: 126_441}, {Split.TRAIN: 4_101}, cameras=15)

Version = Literal["V1", "V2"]
_FOLDERS: dict[Version, tuple[str, str]] = {"V1": ("train", "test"), "V2": ("mask_train_v2", "mask_test_v2")}
_LISTS = {
    "list_train.txt": (0, Split.TRAIN),
    "list_val.txt": (0, Split.TRAIN),
    "list_query.txt": (1, Split.QUERY),
    "list_gallery.txt": (1, Split.GALLERY),
}
_LARGEST_LIST = 64 * 2**20


@dataclass(frozen=True, slots=True)
class _Line:
    path: str
    identity: int
    camera: str


def read_msmt17(root: Path, *, version: Version | None = None, merged: bool = False, strict: bool = True) -> CropSet:
    """MSMT17 (Wei et al., CVPR 2018), by its lists; the camera is the third `_` field of a file's name.

    `list_train` and `list_val` are the training split. People of the test lists are numbered from 0 again there, so
    1,041 is added: the set has 4,101 people, `0000` among them.

    Args:
        root: the folder that holds the lists, or the one above it (`MSMT17_V1`, `MSMT17_V2`).
        version: V1, or V2 (faces masked); None takes the one that is there.
        merged: all four lists are for training: 126,441 images of 4,101 people.
        strict: a listed file that is missing, or a count that is not the published one, is an error; False: a warning,
            and the set is what is there.

    Raises:
        InputError: no lists, both versions where none is named, a line that is not `path label`, missing files.
    """
    folder, inner = _locate(root, version)
    crops, names, missing = [], [], []
    present = {side: _files(folder / side) for side in inner}
    for list_name, (half, split) in _LISTS.items():
        for line in _read_list(folder / list_name):
            name = os.fsencode(line.path)
            if name not in present[inner[half]]:
                missing.append(f"{inner[half]}/{line.path}")
                continue
            identity = line.identity + half * TRAIN_IDENTITIES
            crops.append(Crop(f"{identity:04d}", line.camera, Split.TRAIN if merged else split))
            names.append(os.fsencode(inner[half]) + b"/" + name)
    _report_missing(folder, missing, strict)
    title = f"{folder.name if folder.name.startswith('MSMT17') else 'MSMT17'}{' merged' if merged else ''}"
    result = crop_set(title, FolderStore(folder, NameTable.of(names)), crops)
    check_counts(result, MSMT17_MERGED if merged else MSMT17, where=str(folder), strict=strict)
    return result


def _locate(root: Path, version: Version | None) -> tuple[Path, tuple[str, str]]:
    """The folder with the lists, and its two folders of images as they are spelt there."""
    found = []
    for folder in (root, root / "MSMT17_V1", root / "MSMT17_V2"):
        for candidate, wanted in _FOLDERS.items():
            if version in (None, candidate):
                spelt = [_spelt(folder, name) for name in wanted]
                if spelt[0] and spelt[1]:
                    found.append((folder, (spelt[0], spelt[1])))
    if not found:
        wanted_text = " or ".join(f"{a} and {b}" for v, (a, b) in _FOLDERS.items() if version in (None, v))
        raise InputError(f"{root}: no folders {wanted_text}, nor in MSMT17_V1 or MSMT17_V2; give MSMT17's folder")
    if len(found) > 1:
        raise InputError(f"{root}: both versions of MSMT17 are here; say which with version = 'V1' or 'V2'")
    return found[0]


def _spelt(folder: Path, name: str) -> str | None:
    # The published archive writes mask_train_v2, copies of it mask_train_V2.
    try:
        return next((path.name for path in sorted(folder.iterdir()) if path.name.lower() == name), None)
    except OSError:
        return None


def _files(folder: Path) -> set[bytes]:
    return {inner + name for inner, names in images_below(folder) for name in names}


def _read_list(path: Path) -> list[_Line]:
    text = read_bounded(path, _LARGEST_LIST, "MSMT17 comes with four lists")
    lines = enumerate(text.decode("utf-8", "surrogateescape").splitlines(), 1)
    return [_parse(line, f"{path}:{number}") for number, line in lines if line.strip()]


def _parse(line: str, where: str) -> _Line:
    path, _, label = line.strip().rpartition(" ")
    fields = path.rpartition("/")[2].split("_")
    inside = path and not path.startswith("/") and ".." not in path.split("/")
    if not (inside and len(fields) > 3 and label.isdecimal() and len(label) < 9 and fields[2].isdecimal()):
        raise InputError(f"{where}: {line[:80]!r} is not 'folder/name label' with the camera third in the name")
    return _Line(path, int(label), f"c{int(fields[2][:9])}")


def _report_missing(folder: Path, missing: list[str], strict: bool) -> None:
    if not missing:
        return
    message = f"{folder}: {len(missing):,} listed images are missing, the first {', '.join(missing[:3])}"
    if strict:
        raise InputError(f"{message}; unpack it again, or read it with strict = false to go on with what is there")
    logger.warning("%s; going on without them", message)

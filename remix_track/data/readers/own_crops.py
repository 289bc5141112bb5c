"""Your own labelled crops in a plain folder, labelled by folder or file name."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from remix_track.data.crop_set import Crop, CropSet, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.readers.crop_table import SPLITS
from remix_track.data.readers.image_files import images_below
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_CAMERA_WITH_SEQUENCE = re.compile(r"(c\d+)s\d+")
# A folder of one letter and digits may as well be a person, so it is a camera only where people lie inside.
_CAMERA_FOLDER = re.compile(r"(?:cam(?:era)?|view)[-_ ]?\d+", re.IGNORECASE)
_CAMERA_LEVEL = re.compile(r"(?:cam(?:era)?|view|c)[-_ ]?\d+", re.IGNORECASE)
_ADVICE = "lay the folders out as person/camera_number.jpg, or give a CSV of path,identity,camera (table:FILE)"
_MANY_CAMERAS = 20


class _Picture(NamedTuple):
    """A crop's path below the root, the folders between its split and itself, its name, and its split."""

    path: bytes
    folders: tuple[str, ...]
    name: str
    split: Split


def read_crop_folder(root: Path) -> CropSet:
    """A folder of crops, labelled by where they lie or what they are called.

    Folders `train`, `query` and `gallery` directly in `root` are splits; without them everything is for training.
    Inside a split (or `root`) an image has its identity from

    - its folder, if it lies in one: `person7/cam2_0001.jpg` is person7 at camera cam2. The first `_` field of the name
      is the camera; a name that begins with the identity again (`0002/0002_c1s1_000451.jpg`) has it second, and a name
      of one field only is of camera `0`;
    - its folders without the one that is a camera: `cam01/person02/...` and `person02/cam01/...` are person02 at camera
      cam01. A level of folders is the cameras if all its names are `cam`, `camera`, `view` or `c` and a number;
    - its name below folders that are all cameras: `cam01/person02_0001.jpg`;
    - its name otherwise: `identity_camera_anything.jpg`.

    `c1s1` is camera `c1`, as Market-1501 means it. Identity `-1` is junk; `0000` is a person like any other.

    Raises:
        InputError: the folder is missing, holds no image that names an identity and a camera, or its layout would
            make one person several or each image a camera of its own.
    """
    pictures, odd = _pictures(root)
    level = _camera_level(root, pictures)
    crops: list[Crop] = []
    names: list[bytes] = []
    for picture in pictures:
        labels = _labels(picture, level)
        if labels is None:
            odd.append(os.fsdecode(picture.path))
        else:
            crops.append(Crop(*labels, picture.split))
            names.append(picture.path)
    if odd:
        logger.warning("%s: %d images are left out, no identity and camera: %s", root, len(odd), ", ".join(odd[:3]))
    result = crop_set(f"folder {root.name}", FolderStore(root, NameTable.of(names)), crops)
    _check(root, result, len(odd), level)
    return result


def _pictures(root: Path) -> tuple[list[_Picture], list[str]]:
    """The crops below `root`, and the paths of those that lie outside the splits."""
    found: list[_Picture] = []
    odd: list[str] = []
    has_splits = any((root / name).is_dir() for name in SPLITS)
    for folder, names in images_below(root):
        parts = os.fsdecode(folder).split("/")[:-1]
        split = Split.TRAIN
        if has_splits:
            if not parts or parts[0] not in SPLITS:
                odd += [os.fsdecode(folder + name) for name in names]
                continue
            split = SPLITS[parts.pop(0)]
        found += [_Picture(folder + name, tuple(parts), os.fsdecode(name), split) for name in names]
    return found, odd


def _camera_level(root: Path, pictures: Sequence[_Picture]) -> int | None:
    """Which level of folders is the camera, from 0; None where the folders are people alone.

    Raises:
        InputError: folders of one name lie in several others, and nothing tells which level is the person.
    """
    folders = {picture.folders for picture in pictures}
    depths = {len(parts) for parts in folders}
    depth = max(depths, default=0)
    if depth == 0:
        return None
    if depth == 1:
        names = {parts[0] for parts in folders if parts}
        return 0 if len(depths) == 1 and all(map(_CAMERA_FOLDER.fullmatch, names)) else None
    # One level of cameras and one of people; what a third one is, nothing tells.
    levels = [level for level in range(depth) if all(map(_CAMERA_LEVEL.fullmatch, _names_at(folders, level)))]
    if len(depths) == 1 and depth == 2 and len(levels) == 1:
        return levels[0]
    repeated = _repeated(folders)
    if repeated or levels:
        found = f"folders named {repeated} lie in several others" if repeated else f"folders lie {depth} deep"
        raise InputError(
            f"{root}: {found}; read as people, each by its whole path, they would give {len(folders)} identities, by"
            f" their last name {len({parts[-1:] for parts in folders})}; {_ADVICE}"
        )
    return None


def _names_at(folders: set[tuple[str, ...]], level: int) -> set[str]:
    return {parts[level] if level < len(parts) else "" for parts in folders}


def _without(parts: tuple[str, ...], level: int) -> tuple[str, ...]:
    return parts[:level] + parts[level + 1 :]


def _repeated(folders: set[tuple[str, ...]]) -> str | None:
    """A name that folders of several parents share, such as `cam1` in each person's folder."""
    parents: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for parts in folders:
        for level in range(1, len(parts)):
            parents[parts[level]].add(parts[:level])
    return min((name for name, found in parents.items() if len(found) > 1), default=None)


def _labels(picture: _Picture, level: int | None) -> tuple[str, str] | None:
    fields = picture.name.rpartition(".")[0].split("_")
    folders = picture.folders
    if level is not None:
        camera = folders[level]
        if len(folders) > 1:
            return "/".join(_without(folders, level)), camera
        fields = fields[1:] if fields[0] == camera else fields
        return (fields[0], camera) if len(fields) >= 2 and fields[0] else None
    if not folders:
        return (fields[0], _camera(fields[1])) if len(fields) >= 2 and fields[0] and fields[1] else None
    identity = "/".join(folders)
    if fields[0] == folders[-1]:
        fields = fields[1:]
    return identity, _camera(fields[0]) if len(fields) >= 2 and fields[0] else "0"


def _camera(field: str) -> str:
    match = _CAMERA_WITH_SEQUENCE.fullmatch(field)
    return match[1] if match else field


def _check(root: Path, crops: CropSet, odd: int, level: int | None) -> None:
    """Say what the folders were taken for, or refuse what cannot be meant."""
    people, cameras, pictures = len(crops.identity_names), len(crops.camera_names), len(crops)
    if cameras > _MANY_CAMERAS and 2 * cameras > pictures:
        raise InputError(
            f"{root}: the names of its {pictures:,} images would give {people:,} identities at {cameras:,} cameras"
            f" ({', '.join(crops.camera_names[:3])}, ...); {_ADVICE}"
        )
    if level is not None and (people < 2 or odd > pictures):
        raise InputError(
            f"{root}: its folders are named like cameras, and the names of the images below would give {people:,}"
            f" identities; {_ADVICE}"
        )
    if level is not None:
        logger.warning("%s: folders are read as cameras: %d identities at %d cameras", root, people, cameras)

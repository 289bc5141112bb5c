"""Market-1501, DukeMTMC-reID, CUHK03-NP and RandPerson: public sets whose file names are their labels."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from remix_track.data.crop_set import Crop, CropSet, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.readers.image_files import images_in, inner_folder
from remix_track.data.readers.published_counts import Published, check_counts
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_FOLDERS = {Split.TRAIN: "bounding_box_train", Split.QUERY: "query", Split.GALLERY: "bounding_box_test"}


def _counts(train: int, query: int, gallery: int, people: int, tested: int, cameras: int, junk: int = 0) -> Published:
    images = {Split.TRAIN: train, Split.QUERY: query, Split.GALLERY: gallery}
    return Published(images, {Split.TRAIN: people, Split.QUERY: tested}, junk, cameras)


MARKET1501 = _counts(12_936, 3_368, 15_913, people=751, tested=750, cameras=6, junk=3_819)
DUKEMTMC_REID = _counts(16_522, 2_228, 17_661, people=702, tested=702, cameras=8)
CUHK03_NP = {
    "labeled": _counts(7_368, 1_400, 5_328, people=767, tested=700, cameras=2),
    "detected": _counts(7_365, 1_400, 5_332, people=767, tested=700, cameras=2),
}
RANDPERSON = Published({Split.TRAIN: 132_145}, {Split.TRAIN: 8_000}, cameras=19)

_IDENTITY_CAMERA = re.compile(r"(?P<identity>-1|\d{1,9})_c(?P<camera>\d{1,4})(?!\d)")
_RANDPERSON_NAME = re.compile(r"(?P<identity>\d{1,9})_(?:s(?P<s>\d+)_c(?P<c>\d+)|c(?P<c2>\d+)_s(?P<s2>\d+))_")


def read_market1501(root: Path, *, strict: bool = True) -> CropSet:
    """Market-1501 (Zheng et al., ICCV 2015): names like `0002_c1s1_000451_03.jpg`.

    `-1` is junk, `0000` a distractor.

    Args:
        root: the folder that holds `bounding_box_train`, `query` and `bounding_box_test`, or the one above it.
        strict: a count that is not the published one is an error; False: a warning.

    Raises:
        InputError: a folder is missing, or a count differs.
    """
    folder = inner_folder(root, "Market-1501-v15.09.15", "market1501", holds=_FOLDERS[Split.TRAIN])
    return _read_three_folders("Market-1501", folder, MARKET1501, strict, _market_crop)


def read_market_layout(root: Path) -> CropSet:
    """Any set whose folders and names are those of Market-1501; of the three folders those that are there.

    No counts are published for it, so none are checked.

    Raises:
        InputError: none of the three folders is there, or no image in them names an identity and a camera.
    """
    crops: list[Crop] = []
    names: list[bytes] = []
    there = {split: inner for split, inner in _FOLDERS.items() if (root / inner).is_dir()}
    if not there:
        raise InputError(f"{root}: none of {', '.join(_FOLDERS.values())} is here; give the folder that holds them")
    for split, inner in there.items():
        found, found_names = _named_crops(root / inner, f"{inner}/".encode(), _market_crop, split)
        crops += found
        names += found_names
    return crop_set(root.name or str(root), FolderStore(root, NameTable.of(names)), crops)


def read_dukemtmc_reid(root: Path, *, strict: bool = True) -> CropSet:
    """DukeMTMC-reID (Zheng et al., ICCV 2017): names like `0001_c2_f0046182.jpg`.

    Its authors have withdrawn the set; this reads copies that exist and fetches none. For arguments and errors see
    `read_market1501`.
    """
    folder = inner_folder(root, "DukeMTMC-reID", holds=_FOLDERS[Split.TRAIN])
    return _read_three_folders("DukeMTMC-reID", folder, DUKEMTMC_REID, strict, _plain_crop)


def read_cuhk03_np(root: Path, *, boxes: Literal["labeled", "detected"], strict: bool = True) -> CropSet:
    """CUHK03 under the new protocol (Zhong et al., CVPR 2017), 767 people to train on and 700 to test.

    Args:
        root: the folder that holds `labeled` and `detected`, or the one above it.
        boxes: drawn by hand, or by a detector.
        strict: see `read_market1501`.

    Raises:
        InputError: a folder is missing, or a count differs.
    """
    folder = inner_folder(root, "cuhk03-np", "CUHK03-NP", holds=boxes) / boxes
    return _read_three_folders(f"CUHK03-NP {boxes}", folder, CUHK03_NP[boxes], strict, _plain_crop)


def read_randperson(root: Path, *, strict: bool = True) -> CropSet:
    """The subset of RandPerson (Wang et al., ACM MM 2020) that its authors train on; train only.

    Names are `000000_s00_c00_f000264.jpg`; scene and camera also come the other way round. A camera is one scene's
    camera: `c00` of two scenes is two cameras, 19 in all.

    Args:
        root: the folder of images, or the one above it (`randperson_subset`).
        strict: see `read_market1501`.

    Raises:
        InputError: a folder is missing, or a count differs.
    """
    folder = root / "randperson_subset" if (root / "randperson_subset").is_dir() else root
    crops, names = _named_crops(folder, b"", _randperson_crop, Split.TRAIN)
    return _checked("RandPerson", folder, crops, names, RANDPERSON, strict)


_Reading = Callable[[str, Split], Crop | None]


def _read_three_folders(name: str, folder: Path, published: Published, strict: bool, reading: _Reading) -> CropSet:
    crops: list[Crop] = []
    names: list[bytes] = []
    for split, inner in _FOLDERS.items():
        found, found_names = _named_crops(folder / inner, f"{inner}/".encode(), reading, split)
        crops += found
        names += found_names
    return _checked(name, folder, crops, names, published, strict)


def _named_crops(folder: Path, prefix: bytes, reading: _Reading, split: Split) -> tuple[list[Crop], list[bytes]]:
    crops, names, odd = [], [], []
    for name in images_in(folder):
        crop = reading(name.decode("utf-8", "replace"), split)
        if crop is None:
            odd.append(name)
        else:
            crops.append(crop)
            names.append(prefix + name)
    if odd:
        shown = ", ".join(repr(name.decode("utf-8", "replace"))[:80] for name in odd[:3])
        logger.warning(
            "%s: %d images are left out, their names say no identity and camera: %s", folder, len(odd), shown
        )
    return crops, names


def _checked(
    name: str, folder: Path, crops: list[Crop], names: list[bytes], published: Published, strict: bool
) -> CropSet:
    result = crop_set(name, FolderStore(folder, NameTable.of(names)), crops)
    check_counts(result, published, where=str(folder), strict=strict)
    return result


def _plain_crop(name: str, split: Split) -> Crop | None:
    match = _IDENTITY_CAMERA.match(name)
    return match and Crop(match["identity"], f"c{int(match['camera'])}", split)


def _market_crop(name: str, split: Split) -> Crop | None:
    crop = _plain_crop(name, split)
    if crop is not None and crop.identity == "0000":
        return Crop(None, crop.camera, split)
    return crop


def _randperson_crop(name: str, split: Split) -> Crop | None:
    match = _RANDPERSON_NAME.match(name)
    if not match:
        return None
    scene, camera = match["s"] or match["s2"], match["c"] or match["c2"]
    return Crop(match["identity"], f"s{scene}c{camera}", split)

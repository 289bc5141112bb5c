"""Small copies of public re-ID data sets: their published names, images of our own, and the usual rubbish."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def jpeg(seed: int = 0, height: int = 16, width: int = 8) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 2, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(pixels, (width, height)))[1].tobytes()


def write(root: Path, names: Iterable[str], data: bytes | None = None) -> None:
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(seed) if data is None else data)


def rubbish(folder: Path) -> None:
    """What real copies hold besides images: none of it may count, and none may end the reading."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Thumbs.db").write_bytes(b"\x00")
    (folder / "._0002_c1s1_000451_03.jpg").write_bytes(b"\x00")
    (folder / "0009_c1s1_000001_00.jpg").mkdir()


MARKET = {
    "bounding_box_train": ["0007_c3s1_000101_01.jpg", "0002_c1s1_000451_03.jpg", "0002_c6s4_000776_01.jpg"],
    "query": ["0001_c1s1_001051_00.jpg"],
    "bounding_box_test": [
        "-1_c1s1_000401_03.jpg",
        "0000_c1s1_000151_01.jpg",
        "0001_c2s1_000301_00.jpg",
        "0001_c1s1_001051_01.jpg",
    ],
}


def market(root: Path) -> Path:
    folder = root / "Market-1501-v15.09.15"
    for inner, names in MARKET.items():
        write(folder / inner, names)
    rubbish(folder / "bounding_box_train")
    write(folder / "query", ["readme_first.jpg"])
    return folder


def msmt17(root: Path, version: str = "V1") -> Path:
    folder = root / f"MSMT17_{version}"
    train, test = ("train", "test") if version == "V1" else ("mask_train_v2", "mask_test_v2")
    lists = {
        "list_train.txt": (
            train,
            ["0000/0000_000_01_0303morning_0015_0.jpg 0", "0001/0001_000_14_0303noon_0036_1.jpg 1"],
        ),
        "list_val.txt": (train, ["0001/0001_001_03_0303noon_0040_2.jpg 1"]),
        "list_query.txt": (test, ["0000/0000_000_10_0302afternoon_1196_0.jpg 0"]),
        "list_gallery.txt": (
            test,
            ["0000/0000_001_02_0302noon_0049_1.jpg 0", "0001/0001_000_01_0114morning_1_0.jpg 1"],
        ),
    }
    for name, (inner, lines) in lists.items():
        write(folder / inner, [line.split(" ")[0] for line in lines])
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder

"""What every tracker is given of a clip, read from a folder: boxes, scores and vectors, and where the images are.

Runs in the peers' environments, which have no remix-track: only the standard library, numpy and OpenCV are at hand.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GivenFrame:
    """One frame: corners (N, 4) in pixels, scores (N,), vectors (N, D) or None, and the image (H, W, 3) BGR."""

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    vectors: NDArray[np.float32] | None
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class GivenClip:
    """A folder with `clip.json`, `boxes.npz` and `vectors-NAME.npz`; `has_images` says whether frames show anything.

    Without images every frame is black, for trackers that ask for one.
    """

    folder: Path
    fps: float
    frames: int
    width: int
    height: int
    stride: int
    pictures: str | None

    @classmethod
    def read(cls, folder: Path) -> "GivenClip":
        """What `clip.json` says."""
        facts = json.loads((folder / "clip.json").read_text())
        names = ("fps", "frames", "width", "height", "stride", "pictures")
        return cls(folder, *(facts[name] for name in names))

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def has_images(self) -> bool:
        """Whether there is something to see."""
        return self.pictures is not None

    def boxes(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]]:
        """Corners, scores, and the rows of the files, frame by frame."""
        held = np.load(self.folder / "boxes.npz", allow_pickle=False)
        starts = np.searchsorted(held["frame"], np.arange(1, self.frames + 2))
        for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            yield held["xyxy"][first:last], held["score"][first:last], np.arange(first, last)

    def seen(self, appearance: str | None) -> Iterator[GivenFrame]:
        """The clip, frame by frame; `appearance` names the vectors, None is motion only."""
        vectors = None
        if appearance is not None:
            vectors = np.load(self.folder / f"vectors-{appearance}.npz", allow_pickle=False)["vectors"]
        for (xyxy, score, rows), image in zip(self.boxes(), self.images(), strict=True):
            yield GivenFrame(xyxy, score, None if vectors is None else vectors[rows], image)

    def images(self) -> Iterator[NDArray[np.uint8]]:
        """`frames` images."""
        if self.pictures is None:
            black = np.zeros((self.height, self.width, 3), np.uint8)
            for _ in range(self.frames):
                yield black
            return
        place = Path(self.pictures)
        source = cv2.VideoCapture(str(place / "%06d.jpg" if place.is_dir() else place))
        for number in range(self.frames):
            for _ in range(self.stride if number else 1):
                there, image = source.read()
            if not there:
                raise RuntimeError(f"{place} ends before frame {number + 1}")
            yield np.asarray(image, np.uint8)


Rows = Iterable[tuple[int, Any, float]]
"""What a tracker reports of a frame: id, corners, score."""


def run_peer(make: Callable[[str, GivenClip, bool], Callable[[GivenFrame], Rows]]) -> None:
    """The command line of a peer: `TRACKER OUTPUT CLIP [CLIP ...] [--appearance NAME]`, a text file for each clip.

    Args:
        make: from the tracker's name, the clip and whether there are vectors, what takes one frame after another.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("tracker")
    parser.add_argument("output", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--appearance", default=None)
    options = parser.parse_args()
    for clip in map(GivenClip.read, options.clips):
        step = make(options.tracker, clip, options.appearance is not None)
        lines = []
        for number, frame in enumerate(clip.seen(options.appearance), 1):
            for id_, (left, top, right, bottom), score in step(frame):
                box = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
                lines.append(f"{number},{id_},{box},{score:.2f},-1,-1,-1\n")
        (options.output / f"{clip.name}.txt").write_text("".join(lines))

"""What every peer's own process does alike: read the video, keep the boxes, take the time, write MOT text and a video.

Runs in the peers' environments, which have no remix-track: only the standard library, numpy and OpenCV are at hand.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def peer_parser() -> argparse.ArgumentParser:
    """The flags that every peer takes."""
    parser = argparse.ArgumentParser()
    add = parser.add_argument
    add("video", type=Path)
    add("--weights", type=Path, required=True, help="YOLO weights")
    add("--imgsz", type=int, required=True)
    add("--conf", type=float, required=True, help="boxes below it are not given to the tracker")
    add("--frames", type=int, default=None, help="stop after so many")
    add("--output", type=Path, required=True, help="folder for tracks.txt, times.json and video.mp4")
    add("--write-video", action="store_true", help="with boxes and ids")
    return parser


def black_image() -> NDArray[np.uint8]:
    """For a network's first run, which sets it up and does not count."""
    return np.zeros((576, 768, 3), np.uint8)


class Recording:
    """Boxes, times and video of one run; the clock runs from construction to `finish`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._lines: list[str] = []
        self._seen: list[tuple[int, float, float, float, float]] = []
        self._film: cv2.VideoWriter | None = None
        self._frames = 0
        self._began = time.perf_counter()

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """The frames of the video, (H, W, 3) uint8 BGR."""
        video = cv2.VideoCapture(str(self._options.video))
        while self._options.frames is None or self._frames < self._options.frames:
            there, image = video.read()
            if not there:
                break
            self._frames += 1
            yield np.asarray(image, np.uint8)
        video.release()

    def count(self) -> bool:
        """Say that another frame came from somewhere else; False once there were enough."""
        self._frames += 1
        return self._options.frames is None or self._frames < self._options.frames

    def add(self, number: int, xyxy: Any, score: Any) -> None:
        """A box of the current frame: its id from 1, corners in pixels, confidence."""
        left, top, right, bottom = (float(value) for value in xyxy)
        self._seen.append((number, left, top, right, bottom))
        box = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
        self._lines.append(f"{self._frames},{number},{box},{1.0 if score is None else float(score):.2f},-1,-1,-1\n")

    def draw(self, image: NDArray[np.uint8]) -> None:
        """The current frame goes into the video, if there is to be one: thin boxes and numbers, the least there is."""
        seen, self._seen = self._seen, []
        if not self._options.write_video:
            return
        if self._film is None:
            height, width = image.shape[:2]
            path, coder = str(self._options.output / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v")
            self._film = cv2.VideoWriter(path, coder, 25, (width, height))
        drawn = image.copy()
        for number, left, top, right, bottom in seen:
            corner = round(left), round(top)
            cv2.rectangle(drawn, corner, (round(right), round(bottom)), (0, 200, 0), 2)
            cv2.putText(drawn, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 200, 0), 2)
        self._film.write(drawn)

    def finish(self) -> None:
        """Write what there is."""
        if self._film is not None:
            self._film.release()
        seconds = time.perf_counter() - self._began
        (self._options.output / "tracks.txt").write_text("".join(self._lines))
        (self._options.output / "times.json").write_text(json.dumps({"frames": self._frames, "seconds": seconds}))

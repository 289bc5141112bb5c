"""A 1080p video of 30 to 60 people with exact truth: nine drawn streets side by side in one image.

One street of that size would show people as tall as half the image, most of them hidden behind the front row.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from remix_track.mot_text import MotRows, format_frame
from remix_track.synthetic.scenes import StreetScene

FRAMES, FPS = 120, 20
_ROWS = _COLUMNS = 3
_WIDTH, _HEIGHT, _PEOPLE = 640, 360, 9
_LEAST_SEEN = 0.1
"""Whoever shows less of their body counts for nobody: no tracker can know."""


def crowd_video(folder: Path, frames: int = FRAMES) -> Path:
    """The folder with `video.mp4` and `gt/gt.txt`, drawn if it is not there; drawing takes minutes."""
    if (folder / "gt" / "gt.txt").is_file():
        return folder
    print(f"drawing {frames} frames of nine streets", flush=True)
    (folder / "gt").mkdir(parents=True, exist_ok=True)
    scenes = [
        StreetScene(seed, frames=frames, width=_WIDTH, height=_HEIGHT, people=_PEOPLE, fps=FPS)
        for seed in range(_ROWS * _COLUMNS)
    ]
    _write_video(scenes, frames, folder / "video.mp4")
    lines = [_truth(scenes, frame) for frame in range(1, frames + 1)]
    (folder / "gt" / "gt.txt").write_text("".join(lines))
    return folder


def _write_video(scenes: list[StreetScene], frames: int, path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = _COLUMNS * _WIDTH, _ROWS * _HEIGHT, "yuv420p"
        for frame in range(1, frames + 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(scenes, frame), format="bgr24")))
        container.mux(stream.encode(None))


def _picture(scenes: list[StreetScene], frame: int) -> NDArray[np.uint8]:
    tiles = [scene.render(frame) for scene in scenes]
    rows = [np.concatenate(tiles[row * _COLUMNS : (row + 1) * _COLUMNS], axis=1) for row in range(_ROWS)]
    return np.concatenate(rows)


def _truth(scenes: list[StreetScene], frame: int) -> str:
    """The frame's lines: each street's boxes cut at its border and moved to its place."""
    lines = []
    for place, scene in enumerate(scenes):
        seen = _cut(scene.rows(frame))
        tlwh = seen.tlwh + np.array([place % _COLUMNS * _WIDTH, place // _COLUMNS * _HEIGHT, 0, 0])
        lines.append(format_frame(frame, seen.id + 100 * place, tlwh, seen.score))
    return "".join(lines)


def _cut(rows: MotRows) -> MotRows:
    shown = rows[rows.visibility >= _LEAST_SEEN]
    corner = np.clip(shown.tlwh[:, :2], 0, [_WIDTH, _HEIGHT])
    other = np.clip(shown.tlwh[:, :2] + shown.tlwh[:, 2:], 0, [_WIDTH, _HEIGHT])
    return replace(shown, tlwh=np.concatenate([corner, other - corner], axis=1))

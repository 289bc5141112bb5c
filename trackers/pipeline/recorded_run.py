"""What a run left behind, for those who look at it again: its rows, and which frames of which source they are of."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.bounded_file import read_bounded
from remix_track.boxes import xyxy_from_tlwh
from remix_track.errors import InputError, parsing
from remix_track.run_files import files_at

_LARGEST = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class RecordedRun:
    """A run, or one part of it; row i of every array is the same box, sorted by frame.

    Attributes:
        folder: where it is.
        frame: (N,) int64, as the source numbers them.
        id: (N,) int64.
        xyxy: (N, 4) float64 corners in pixels.
        score: (N,) float64 confidences; 1 also where a track coasts.
        source: what it was tracked from, as its summary says; None without a summary.
        fps: frames per second of its output, likewise.
        first, stride, frames: which frames of the source it has. Without a summary, as of a run that was killed, they
            end at the last row: what came after it was not looked at.
        last: the last of them, where a summary says it. Of a run that passed frames over it is not the one that stride
            and number lead to.
        size: width and height of its images in pixels; None without a summary.
        digest: of its source, see `quick_digest`; None where it is not known.
    """

    folder: Path
    frame: NDArray[np.int64]
    id: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    score: NDArray[np.float64]
    source: str | None = None
    fps: float | None = None
    first: int = 1
    stride: int = 1
    frames: int | None = None
    last: int | None = None
    size: tuple[int, int] | None = None
    digest: str | None = None


def read_recorded_run(path: Path) -> RecordedRun:
    """A run by its folder, or by one of its files of MOT text.

    Raises:
        InputError: no such run; files that cannot be read; images of several sizes, of which one part has to be named.
    """
    if path.is_file() and path.suffix != ".txt" and (path.parent / "tracks.txt").is_file():
        raise InputError(f"{path}: not the MOT text of a run; give its folder, {path.parent}")
    texts = files_at(path, "tracks.txt", "give the folder of a run, or its MOT text")
    folder = path if path.is_dir() else path.resolve().parent
    read = [mot_text.read(text) for text in texts]
    frame, id_, tlwh, score = (
        np.concatenate([getattr(part, name) for part in read]) for name in ("frame", "id", "tlwh", "score")
    )
    order = np.argsort(frame, kind="stable")
    xyxy = xyxy_from_tlwh(tlwh[order]).astype(np.float64)
    rows = frame[order], id_[order], xyxy, score[order]
    summary = folder / "summary.json"
    if not summary.is_file():
        return RecordedRun(folder, *rows, frames=int(frame.max()) if len(frame) else None)
    with parsing(summary, "the summary of a run", "track again"):
        told = json.loads(read_bounded(summary, _LARGEST))
        names = {text.name for text in texts}
        parts = [part for part in told["parts"] if names & set(part["files"])]
        return RecordedRun(folder, *rows, **_facts(folder, told["source"], parts))


def _facts(folder: Path, source: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    if len({(int(part["width"]), int(part["height"])) for part in parts}) > 1:
        raise InputError(f"{folder}: images of several sizes, which no video has; give one of its tracks-*.txt")
    if not parts:
        return {}
    first, last = int(parts[0]["first_frame"]), int(parts[-1]["last_frame"])
    frames = sum(int(part["frames"]) for part in parts)
    stride = max(1, round((last - first) / (frames - 1))) if frames > 1 else 1
    fps = float(source["fps"]) / stride
    size = int(parts[0]["width"]), int(parts[0]["height"])
    return {
        "source": str(source["path"]), "fps": fps, "first": first, "stride": stride, "frames": frames, "last": last,
        "size": size,
        "digest": source.get("digest"),
    }  # fmt: skip

"""A run's folder, or a MOT text file alone, as an annotated video."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from remix_track import mot_text
from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.interop.annotated_video import AnnotatedVideo

SUMMARY, TRACKS = "summary.json", "tracks.txt"
_LARGEST = 50_000_000


def read_run(path: Path, label: str = "person") -> AnnotatedVideo:
    """The tracks of a run.

    MOT text of a run has no classes, so all of them get one label. The name is that of the folder, under which `eval`
    looks for results.

    Args:
        path: the folder, of which all parts are taken, or a file of MOT text, of whose video nothing else is known.
        label: of every track.

    Raises:
        InputError: no such run; files that cannot be read; parts whose images are of several sizes.
    """
    if not path.is_dir():
        return _annotated(path.stem if path.name != TRACKS else path.resolve().parent.name, [path], label)
    name = path.resolve().name
    if not (path / SUMMARY).is_file():
        if (path / TRACKS).is_file():
            return _annotated(name, [path / TRACKS], label)
        raise InputError(f"{path}: no {SUMMARY} and no {TRACKS}; give the folder of a run, or a file of MOT text")
    with parsing(path / SUMMARY, "the summary of a run", f"give {TRACKS} itself"):
        return _with_summary(path, json.loads(read_bounded(path / SUMMARY, _LARGEST)), name, label)


def _with_summary(folder: Path, summary: dict[str, Any], name: str, label: str) -> AnnotatedVideo:
    parts, source = summary["parts"], summary["source"]
    texts = [folder / _text_of(part) for part in parts]
    sizes = {(int(part["width"]), int(part["height"])) for part in parts}
    if len(sizes) != 1:
        found = ", ".join(f"{width}x{height}" for width, height in sorted(sizes))
        raise InputError(f"{folder}: images of {len(sizes)} sizes ({found}); give one of its tracks-*.txt")
    ((width, height),) = sizes
    fps = float(source["fps"]) if source.get("fps") else None
    frames = max(int(part["last_frame"]) for part in parts)
    return _annotated(name, texts, label).with_facts(width=width, height=height, fps=fps, frames=frames)


def _text_of(part: dict[str, Any]) -> str:
    """The MOT text of a part; a name only, that cannot lead out of the folder."""
    return next(Path(name).name for name in part["files"] if name.startswith("tracks") and name.endswith(".txt"))


def _annotated(name: str, texts: list[Path], label: str) -> AnnotatedVideo:
    rows = [mot_text.read(text) for text in texts]
    frame, id_, tlwh, score = (
        np.concatenate([getattr(part, field) for part in rows]) for field in ("frame", "id", "tlwh", "score")
    )
    return AnnotatedVideo(name, frame, id_, tlwh, np.zeros(len(frame), np.int64), score, (label,))

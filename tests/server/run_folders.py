"""Folders of runs over one drawn video, and its truth, for tests of pages."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.server.drawn_store import FPS, FRAMES, HEIGHT, WIDTH, box, frames, write_video

CHANGE = 41
"""The frame from which run B calls track 1 track 3."""


@dataclass
class Runs:
    """Two runs over the video of the drawn gate: in B the id of track 1 changes; and the truth, which A has."""

    a: Path
    b: Path
    truth: Path


def run_folder(folder: Path, name_of, *, source: Path, video: bool = True) -> Path:
    """A run whose tracks are called `name_of(track, frame)`."""
    folder.mkdir(parents=True)
    (folder / "tracks.txt").write_text(mot_text(name_of))
    part = {"files": ["tracks.txt"], "first_frame": 1, "last_frame": FRAMES, "frames": FRAMES, "width": WIDTH}
    summary = {"source": {"path": str(source), "fps": float(FPS)}, "parts": [{**part, "height": HEIGHT}]}
    (folder / "summary.json").write_text(json.dumps(summary))
    if video:
        write_video(folder / "video.mp4", [frame.image for frame in frames("gate")])
    return folder


def mot_text(name_of) -> str:
    lines = []
    for index in range(1, FRAMES + 1):
        for track, first in ((1, 1), (2, 21)):
            if index >= first:
                left, top, right, bottom = box(track, index)
                lines.append(f"{index},{name_of(track, index)},{left},{top},{right - left},{bottom - top},1,-1,-1,-1\n")
    return "".join(lines)


def two_runs(folder: Path) -> Runs:
    source = folder / "gate.mp4"
    a = run_folder(folder / "a", lambda track, index: track, source=source)
    b = run_folder(folder / "b", lambda track, index: 3 if track == 1 and index >= CHANGE else track, source=source)
    truth = folder / "truth" / "gate"
    (truth / "gt").mkdir(parents=True)
    (truth / "gt" / "gt.txt").write_text(mot_text(lambda track, index: track))
    (truth / "seqinfo.ini").write_text(
        f"[Sequence]\nname=gate\nframeRate={FPS}\nseqLength={FRAMES}\nimWidth={WIDTH}\nimHeight={HEIGHT}\n"
    )
    return Runs(a, b, folder / "truth")

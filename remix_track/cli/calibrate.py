"""`remix-track calibrate`: the tracker's threshold measured on unlabelled footage and stored with the weights."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.progress import stage_line
from remix_track.cli.terminal import show, show_text
from remix_track.cli.train_harvest import HarvestOnly
from remix_track.data.crops.tracklets import DEFAULT_FOOTAGE

if TYPE_CHECKING:
    from remix_track.training.threshold_from_labels import Calibration


def run(words: Sequence[str]) -> int:
    """Harvest, compare, store; 0."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, HarvestOnly).harvest

    from remix_track.training.calibrate import calibrate

    with stage_line(quiet=arguments.quiet) as line:
        made = calibrate(
            arguments.footage,
            weights=arguments.weights,
            output=arguments.output,
            overwrite=arguments.overwrite,
            crops=arguments.crops,
            settings=settings,
            on_progress=line,
        )
    if not arguments.quiet:
        show_text(describe(made.calibration))
        show(
            f"stored: {made.weights}    histogram: {made.histogram}    "
            f"try: remix-track video.mp4 --weights {made.weights}"
        )
    return 0


def describe(calibration: "Calibration") -> str:
    """The threshold, the rule and what it costs, in two lines."""
    return (
        f"max_cosine_distance {calibration.max_cosine_distance:.4f}, where missed and accepted together are least:\n"
        f"{calibration.missed:.1%} of {calibration.crops:,} crops are farther from their own tracklet or person, "
        f"{calibration.accepted:.1%} of {calibration.pairs:,} are as near to another one"
    )


def parser() -> argparse.ArgumentParser:
    """The flags of the calibration."""
    made = Parser(
        prog="remix-track calibrate",
        usage="remix-track calibrate VIDEO [VIDEO ...] --weights W [options]",
        description="Measure on unlabelled footage how alike crops of a person are; store the tracker's threshold.",
    )
    made.add_argument("footage", metavar="VIDEO", nargs="+", help="videos, folders of them, corrections:STORE")
    made.add_argument("--weights", metavar="W", required=True, help=".safetensors, .onnx, .xml, default or imagenet")
    made.add_argument("--output", "-o", metavar="W2", type=Path, help="a copy with the threshold (default: W itself)")
    made.add_argument("--overwrite", action="store_true", help="replace a threshold or file that is there")
    made.add_argument("--crops", metavar="DIR", type=Path, default=DEFAULT_FOOTAGE, help="of harvested crops")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    add_sections(made, HarvestOnly)
    return made

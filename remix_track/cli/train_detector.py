"""`remix-train detector`: train the small person detector that comes with the package, or one for other cameras."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from remix_track import settings
from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.progress import stage_line
from remix_track.cli.terminal import show, show_text
from remix_track.detector_training.settings import DetectorTraining
from remix_track.errors import InputError
from remix_track.output_files import reserve_existing_folder, reserve_folder, reserve_numbered_folder
from remix_track.settings_text import changed, to_toml

DEFAULT_OUTPUT = Path("runs/detector")


def parser() -> argparse.ArgumentParser:
    """The flags of the training."""
    made = Parser(
        prog="remix-train detector",
        usage="remix-train detector --config FILE.toml [options]",
        description="Train a small person detector: drawn and pasted people, footage labelled by YOLO; ONNX out.",
    )
    made.add_argument("--config", metavar="FILE.toml", type=Path, help="settings that differ from the defaults")
    made.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="a single setting, wins over --config"
    )
    made.add_argument("--print-config", action="store_true", help="print the resolved settings as TOML and stop")
    made.add_argument("--output", "-o", metavar="DIR", type=Path, help="folder of the run (default: runs/detector-N)")
    made.add_argument("--resume", metavar="DIR", type=Path, help="go on with the run in this folder")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made


def run(words: Sequence[str]) -> int:
    """Train, and say what the held-out frames say."""
    arguments = parser().parse_args(words)
    if arguments.resume and (arguments.config or arguments.output):
        raise InputError("--resume takes settings and folder from the run; leave --config and --output out")
    chosen = _chosen(arguments)
    if arguments.print_config:
        show_text(to_toml(chosen))
        return 0

    from remix_track.detector_training.run import run as train

    folder = _folder(arguments)
    with stage_line(quiet=arguments.quiet) as line:
        outcome = train(chosen, folder, line)
    if not arguments.quiet:
        for name, found in (("footage", outcome.footage), ("drawn streets", outcome.streets)):
            show(f"held-out {name}: recall {found.recall:.3f}, precision {found.precision:.3f}, AP {found.average:.3f}")
        show(f"weights: {outcome.weights}    try: remix-track video.mp4 --detector {outcome.weights} --iou 0.55")
    return 0


def _chosen(arguments: argparse.Namespace) -> DetectorTraining:
    file = arguments.resume / "settings.toml" if arguments.resume else arguments.config
    values: dict[str, Any] = settings.read_toml(file) if file else {}
    return changed(DetectorTraining, values, arguments.set, str(file or "defaults"))


def _folder(arguments: argparse.Namespace) -> Path:
    if arguments.resume:
        return reserve_existing_folder(arguments.resume)
    if arguments.output:
        return reserve_folder(arguments.output)
    return reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)

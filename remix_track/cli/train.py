"""`remix-train`: which command is meant, and the training itself."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import settings
from remix_track.cli.commands import REMIX_TRAIN, Command, help_lines, refuse_unknown, run_command
from remix_track.cli.ending import exit_code
from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import begin, say, show, show_text
from remix_track.cli.train_progress import TrainProgress
from remix_track.errors import InputError
from remix_track.output_files import reserve_existing_folder, reserve_folder, reserve_numbered_folder
from remix_track.settings_text import changed, to_toml
from remix_track.training.train_settings import TrainSettings

if TYPE_CHECKING:
    from remix_track.training.checkpoint import Checkpoint
    from remix_track.training.run import Outcome

DEFAULT_OUTPUT = Path("runs/train")
# torchrun starts several processes on a machine; the first one speaks for them.
_SPEAKS = os.environ.get("LOCAL_RANK", "0") == "0"
_SHOWN = {
    "": Command("train", "--config F.toml [options]", "ReMix training: crops in, tracker-ready weights out (below)"),
    **REMIX_TRAIN,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code: 0, 2 (bad input), 129, 130 or 143 (stopped)."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Threads that spin while they wait cost more than they give on busy cores; torch reads this once, on import.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    begin("remix-train")
    return exit_code("remix-train", lambda: _command(words), ends_process=argv is None)


def _command(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "--help-all", "help"):
        show_text(help_lines("remix-train", _SHOWN) + parser().format_help())
        return 0 if words else 2
    if words[0] == "--version":
        from remix_track import __version__

        show(f"remix-train {__version__}")
        return 0
    refuse_unknown("remix-train", words[0], REMIX_TRAIN)
    if words[0] in REMIX_TRAIN:
        return run_command(REMIX_TRAIN[words[0]], words[1:])
    return run(words)


def parser() -> argparse.ArgumentParser:
    """The flags of the training."""
    made = Parser(
        prog="remix-train",
        description="ReMix training: labelled and unlabelled crops in, weights for remix-track out.",
        epilog="Each key and its default: remix-train --print-config. Settings files lie in configs/.",
    )
    made.add_argument("--config", metavar="FILE.toml", type=Path, help="settings that differ from the defaults")
    made.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="a single setting, wins over --config"
    )
    made.add_argument("--single-camera", metavar="WHAT", nargs="+", help="raw videos, folders of them, or KIND:PATH")
    made.add_argument("--detector", metavar="W", help="finds people in raw videos: YOLO weights, builtin, hog, or auto")
    made.add_argument("--print-config", action="store_true", help="print the resolved settings as TOML and stop")
    made.add_argument("--output", "-o", metavar="DIR", type=Path, help="folder of the run (default: runs/train-N)")
    made.add_argument("--overwrite", action="store_true", help="replace an earlier result in --output")
    made.add_argument("--resume", metavar="DIR", type=Path, help="go on with the run in this folder")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made


def run(words: Sequence[str]) -> int:
    """Train, or print the settings."""
    try:
        return _run(parser().parse_args(words))
    except InputError:
        if _SPEAKS:
            raise
        return 2


def _run(arguments: argparse.Namespace) -> int:
    arguments.quiet |= not _SPEAKS
    if arguments.resume and (arguments.config or arguments.output or arguments.overwrite):
        raise InputError("--resume takes settings and folder from the run; leave --config, --output, --overwrite out")
    if arguments.overwrite and arguments.output is None:
        raise InputError("--overwrite needs --output DIR; without it every run gets a folder of its own")
    resumed = _checkpoint(arguments.resume) if arguments.resume else None
    values: dict[str, Any] = settings.read_toml(arguments.config) if arguments.config else {}
    where = str(arguments.config or arguments.resume or "defaults")
    values = _with_footage(resumed.settings if resumed else values, arguments)
    chosen = changed(TrainSettings, values, arguments.set, where)
    if arguments.print_config:
        if _SPEAKS:
            show_text(to_toml(chosen))
        return 0
    if not arguments.quiet:
        logging.getLogger("remix_track").setLevel(logging.INFO)
    _say(_train(chosen, arguments, resumed), quiet=arguments.quiet)
    return 0


def _with_footage(values: Mapping[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings with what `--single-camera` and `--detector` say; a word without a kind is a video."""
    made = dict(values)
    given = {
        ("data", "single_camera"): [_named(word) for word in arguments.single_camera or ()],
        ("harvest", "detector"): arguments.detector,
    }
    for (section, key), value in given.items():
        if value and isinstance(made.get(section, {}), Mapping):
            made[section] = {**made.get(section, {}), key: value}
    return made


def _named(word: str) -> str:
    return word if re.match("[a-z0-9-]+:.", word) and not Path(word).exists() else f"footage:{word}"


def _checkpoint(folder: Path) -> "Checkpoint":
    from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint

    return load_checkpoint(newest_checkpoint(folder))


def _train(chosen: TrainSettings, arguments: argparse.Namespace, resumed: "Checkpoint | None") -> "Outcome":
    from remix_track.training.run import run_training
    from remix_track.training.stopping import Stopped, StopRequest

    folders: list[Path] = []

    def claim() -> Path:
        folders.append(_claim(arguments))
        return folders[0]

    try:
        with StopRequest() as stop, TrainProgress(quiet=arguments.quiet) as progress:
            return run_training(chosen, claim, resumed=resumed, stop=stop, show=progress.update)
    except Stopped:
        how = f"go on with: remix-train --resume {folders[0]}" if folders else "nothing was trained yet"
        if _SPEAKS:
            say(f"remix-train: stopped; {how}")
        raise


def _claim(arguments: argparse.Namespace) -> Path:
    if arguments.resume:
        return reserve_existing_folder(arguments.resume)
    if arguments.output:
        return reserve_folder(arguments.output, overwrite=arguments.overwrite)
    return reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)


def _say(outcome: "Outcome", *, quiet: bool) -> None:
    if quiet:
        return
    scores = outcome.scores
    if scores:
        show(f"Rank-1 {100 * scores['rank1']:.1f}  mAP {100 * scores['map']:.1f}  on the target")
    if outcome.calibration:
        show(f"max_cosine_distance {outcome.calibration.max_cosine_distance:.4f}")
    show(f"weights: {outcome.weights}    try: remix-track video.mp4 --weights {outcome.weights}")


if __name__ == "__main__":
    sys.exit(main())

"""`remix-track adapt`: weights trained further on unlabelled videos of your own cameras."""

import argparse
import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import settings as settings_
from remix_track.cli.calibrate import describe, embed_harvests
from remix_track.cli.flags import Parser
from remix_track.cli.harvesting import DEFAULT_FOOTAGE, harvest_videos
from remix_track.cli.live_line import LiveLine
from remix_track.cli.terminal import say, show, show_text
from remix_track.cli.train_progress import TrainProgress
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.machine import cache_folder
from remix_track.output_files import reserve_existing_folder, reserve_folder
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.data.crops.harvest_cache import Harvest
    from remix_track.training.adapt_settings import Start
    from remix_track.training.adaptation import Adaptation
    from remix_track.training.calibration import Calibration
    from remix_track.training.stopping import StopRequest
    from remix_track.training.train_settings import TrainSettings

logger = logging.getLogger(__name__)

FEWEST_TRACKLETS = 8
"""Fewer show too few people to learn from."""
DRAWN: dict[str, Any] = {
    "identities": 200,
    "cameras": 6,
    "videos": 1,
    "sequences": 1,
    "target_identities": 60,
    "seed": 0,
}
"""The drawn people that keep what is known alive; see `synthesize`."""


def run(words: Sequence[str]) -> int:
    """Harvest, train, calibrate, write; 0, or 1 where the old domain lost more than it may."""
    arguments = parser().parse_intermixed_args(words)
    if arguments.output.suffix != ".safetensors":
        raise InputError(f"--output {arguments.output}: weights are written as .safetensors; give such a name")
    if arguments.output.exists() and not arguments.overwrite:
        raise InputError(f"{arguments.output}: there is something already; give another --output, or --overwrite")

    from remix_track.training.stopping import Stopped, StopRequest

    try:
        with StopRequest() as stop:
            return _adapt(arguments, stop)
    except Stopped:
        say("remix-track: stopped; the same command goes on from here")
        raise


def _adapt(arguments: argparse.Namespace, stop: "StopRequest") -> int:
    from remix_track.training.adapt_settings import read_start
    from remix_track.training.adaptation import adapt_encoder, resumable, write_adapted
    from remix_track.training.run import WEIGHTS

    began, output = time.perf_counter(), arguments.output
    start = read_start(arguments.weights)
    drawn = drawn_folder()
    settings = _settings(arguments, start, drawn)
    if {f"synthetic:{drawn}", f"synthetic-target:{drawn}"} & {*settings.data.multi_camera, settings.data.target}:
        _draw(drawn, stop, quiet=arguments.quiet)
    where = ", ".join(arguments.footage)[:200]
    harvests = list(
        harvest_videos(
            arguments.footage, arguments.crops, settings.harvest, quiet=arguments.quiet, check=stop.check_here
        )
    )
    _refuse_too_few(harvests, where)
    folder = output.with_name(f"{output.stem}-adapt")
    resumed = resumable(folder, settings, anew=output.exists())

    def claim() -> Path:
        return reserve_existing_folder(folder) if resumed else reserve_folder(folder, overwrite=True)

    with TrainProgress(quiet=arguments.quiet) as progress:
        found = adapt_encoder(settings, claim, resumed, stop, progress.update)
    calibration = _calibrate(found.outcome.weights, harvests, where, stop, quiet=arguments.quiet)
    write_adapted(folder / WEIGHTS, output, calibration.max_cosine_distance if calibration else None, start)
    _write_facts(folder / "adapt.json", arguments, found, calibration, harvests, time.perf_counter() - began)
    return _say(arguments, settings, found, calibration)


def _settings(arguments: argparse.Namespace, start: "Start", drawn: Path) -> "TrainSettings":
    """All settings, with the labelled half and the old domain: what the user names, else drawn people."""
    from remix_track.training.adapt_settings import adapt_settings

    data = {
        "multi_camera": arguments.labelled or [f"synthetic:{drawn}"],
        "single_camera": [f"footage:{video}" for video in arguments.footage],
        "footage_folder": str(arguments.crops),
    }
    values = settings_.read_toml(arguments.config) if arguments.config else {}
    changes = [*arguments.set, *([f"harvest.detector={arguments.detector}"] if arguments.detector else [])]
    made = adapt_settings(start, data, values, changes, str(arguments.config or "--set"))
    target = arguments.target or _scored(arguments.labelled or [], made.data.strict) or f"synthetic-target:{drawn}"
    return dataclasses.replace(made, data=dataclasses.replace(made.data, target=target))


def _scored(labelled: Sequence[str], strict: bool) -> str:
    """The first of the labelled sets that has query and gallery; empty for none."""
    from remix_track.data.crop_set import Split
    from remix_track.training.data_sets import open_labelled

    for name in labelled:
        crops = open_labelled(name, strict=strict)
        if len(crops.rows(Split.QUERY)) and len(crops.rows(Split.GALLERY)):
            return name
    return ""


def drawn_folder() -> Path:
    """Where drawn people are kept, see `cache_folder`.

    Raises:
        InputError: there is no home folder.
    """
    name = "-".join(f"{key[0]}{value}" for key, value in sorted(DRAWN.items()))
    folder = cache_folder("drawn")
    if folder is None:
        raise InputError("there is no home folder to keep drawn people in; set XDG_CACHE_HOME to a folder")
    return folder / name


def _draw(folder: Path, stop: "StopRequest", *, quiet: bool) -> None:
    """Draw the people once; a folder that is there is whole."""
    if folder.is_dir():
        return
    from remix_track.synthetic.dataset import synthesize

    with LiveLine("drawn people", quiet=quiet) as line:

        def show(part: str, done: int, total: int) -> None:
            stop.check_here()
            line.show(part, done, total, "drawing, once", f"{part}: {done:,} of {total:,} drawn")

        synthesize(folder, **DRAWN, show=show)


def _refuse_too_few(harvests: "Sequence[tuple[Path, Harvest]]", where: str) -> None:
    from remix_track.data.crops.harvest import refuse_too_few

    made = [one for _, one in harvests]
    refuse_too_few(made, where)
    tracklets, frames = sum(len(one.tracklets) for one in made), sum(one.frames for one in made)
    if tracklets < FEWEST_TRACKLETS:
        raise InputError(
            f"{where}: {tracklets} tracklets in {frames:,} frames are too few to learn from; "
            f"at least {FEWEST_TRACKLETS} are needed: give more footage, or a better detector"
        )


def _calibrate(
    weights: Path, harvests: "Sequence[tuple[Path, Harvest]]", where: str, stop: "StopRequest", *, quiet: bool
) -> "Calibration | None":
    """The threshold from one's own footage; None, and a line, where it says too little."""
    from remix_track.encoder.load import load_embedder
    from remix_track.training.tracklet_calibration import calibrate_tracklets

    embedder = load_embedder(weights)
    assert embedder is not None
    stop.check_here()
    try:
        return calibrate_tracklets(embed_harvests(harvests, embedder, where, quiet=quiet), where)[0]
    except InputError as error:
        logger.warning("%s; the threshold is that of the labelled people", error)
        return None


def _write_facts(
    path: Path,
    arguments: argparse.Namespace,
    found: "Adaptation",
    calibration: "Calibration | None",
    harvests: "Sequence[tuple[Path, Harvest]]",
    seconds: float,
) -> None:
    facts: dict[str, Any] = {
        "weights": arguments.weights,
        "output": str(arguments.output),
        "footage": {made.video: {"tracklets": len(made.tracklets), "crops": made.crops} for _, made in harvests},
        "old_domain": {"before": found.before, "after": found.outcome.scores, "lost_map": found.lost},
        "calibration": None if calibration is None else dataclasses.asdict(calibration),
        "seconds_of_last_run": round(seconds, 1),
    }
    write_text(path, json_text(facts, indent=2))


def _say(
    arguments: argparse.Namespace,
    settings: "TrainSettings",
    found: "Adaptation",
    calibration: "Calibration | None",
) -> int:
    before, after = 100 * found.before["map"], 100 * found.outcome.scores["map"]
    if not arguments.quiet:
        show(f"old domain ({settings.data.target}): mAP {before:.1f} before, {after:.1f} after")
        if calibration is not None:
            show_text(describe(calibration))
        show(f"weights: {arguments.output}    try: remix-track video.mp4 --weights {arguments.output}")
    if found.lost <= arguments.allowed_loss:
        return 0
    say(
        f"remix-track: the old domain lost {found.lost:.1f} points of mAP, more than --allowed-loss "
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
    add("--labelled", metavar="KIND:PATH", action="append", help="labelled people (default: drawn ones)")
    add("--target", metavar="KIND:PATH", help="old domain (default: --labelled with query and gallery, else drawn)")
    add("--allowed-loss", type=float, default=2.0, metavar="P", help="points of mAP it may lose there (default: 2)")
    add("--detector", metavar="D", help="finds people: YOLO weights, hog, or auto (default: auto)")
    add("--config", metavar="FILE.toml", type=Path, help="settings that differ, in remix-train's sections")
    add("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="a single setting, wins over --config")
    add("--crops", metavar="DIR", type=Path, default=DEFAULT_FOOTAGE, help="of harvested crops")
    add("--overwrite", action="store_true", help="replace W2, and a finished run of it")
    add("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made

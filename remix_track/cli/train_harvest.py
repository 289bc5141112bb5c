"""`remix-train harvest`: crops of people cut out of raw videos."""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.progress import stage_line
from remix_track.cli.terminal import show
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.errors import InputError


@dataclass(frozen=True, slots=True)
class HarvestOnly:
    """The section of a training's settings that says how to harvest, for commands that begin with a harvest."""

    harvest: HarvestSettings = field(default_factory=HarvestSettings)


def parser() -> argparse.ArgumentParser:
    """The flags of the harvest."""
    made = Parser(
        prog="remix-train harvest",
        usage="remix-train harvest OUT VIDEO [VIDEO ...] [options]",
        description="Cut crops of people out of raw videos, a folder for each; a video that is done is not done again.",
    )
    made.add_argument("folder", metavar="OUT", type=Path, help="folder of the crops; may hold earlier ones")
    made.add_argument("footage", metavar="VIDEO", nargs="+", help="video files, or folders that hold some")
    made.add_argument(
        "--tracks",
        metavar="FILE",
        type=Path,
        help="corrected tracks of the one VIDEO, as remix-track import writes them: OUT has labelled people",
    )
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    add_sections(made, HarvestOnly)
    return made


def run(words: Sequence[str]) -> int:
    """Harvest, and say of each video how much was found."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, HarvestOnly).harvest
    if not arguments.quiet:
        logging.getLogger("remix_track").setLevel(logging.WARNING)

    if arguments.tracks is not None:
        return _corrected(arguments, settings)

    from remix_track.data.crops.harvest import harvest_videos, refuse_too_few

    made = []
    with stage_line(quiet=arguments.quiet) as line:
        for folder, one in harvest_videos(arguments.footage, arguments.folder, settings, on_progress=line):
            made.append(one)
            if not arguments.quiet:
                show(f"{folder}: {one.frames:,} frames, {len(one.tracklets):,} tracklets, {one.crops:,} crops")
    refuse_too_few(made, ", ".join(arguments.footage)[:200])
    if not arguments.quiet:
        crops = sum(one.crops for one in made)
        show(f"{crops:,} crops; train on them: remix-train --single-camera folders:{arguments.folder} ...")
    return 0


def _corrected(arguments: argparse.Namespace, settings: HarvestSettings) -> int:
    """Labelled crops of corrected tracks."""
    from remix_track.data.crops.harvest import harvest_corrected

    if len(arguments.footage) != 1:
        raise InputError("--tracks: they are of one video; give that alone")
    with stage_line(quiet=arguments.quiet) as line:
        people, crops = harvest_corrected(
            arguments.footage[0], arguments.tracks, arguments.folder, settings, on_progress=line
        )
    if not arguments.quiet:
        show(f'{people:,} people, {crops:,} crops; train on them: data.multi_camera = ["folder:{arguments.folder}"]')
    return 0

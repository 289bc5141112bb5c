"""`remix-train synthesize`: draw a data set of people to train on."""

import argparse
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser, add_settings, collect_settings
from remix_track.cli.terminal import say, show
from remix_track.synthetic.style import SetSettings, Style

_PLAIN_SECONDS = 10.0


def parser() -> argparse.ArgumentParser:
    """The flags of the drawing."""
    made = Parser(
        prog="remix-train synthesize",
        usage="remix-train synthesize OUT [options]",
        description="Draw a data set: labelled crops, crops of many videos, a target domain, MOT sequences.",
    )
    made.add_argument("folder", metavar="OUT", type=Path, help="new folder of the data set")
    add_settings(made, made.add_argument_group("How much is drawn"), SetSettings, "set")
    add_settings(made, made.add_argument_group("How alike people are, and how unlike cameras"), Style, "style")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made


def run(words: Sequence[str]) -> int:
    """Draw the data set and say what is in it."""
    arguments = parser().parse_args(words)
    size, style = collect_settings(arguments, SetSettings(), "set"), collect_settings(arguments, Style(), "style")

    from remix_track.synthetic.dataset import synthesize

    counts = synthesize(
        arguments.folder,
        style=style,
        **dataclasses.asdict(size),
        show=None if arguments.quiet else _Lines().show,
    )
    if not arguments.quiet:
        crops = f"{counts.labelled:,} labelled crops, {counts.single_camera:,} of videos, {counts.query:,} queries"
        show(f"{arguments.folder}: {crops}, {counts.gallery:,} in the gallery, {counts.frames:,} frames")
    return 0


class _Lines:
    """A line on stderr every ten seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def show(self, part: str, done: int, total: int) -> None:
        """Say how far along the drawing is."""
        if time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            say(f"{part}: {done:,} of {total:,}")

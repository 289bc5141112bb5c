"""`remix-train synthesize`: draw a data set of people to train on."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags import Parser
from remix_track.cli.terminal import say, show

_PLAIN_SECONDS = 10.0


def parser() -> argparse.ArgumentParser:
    """The flags of the drawing."""
    made = Parser(
        prog="remix-train synthesize",
        description="Draw a data set: labelled crops, crops of many videos, a target domain, MOT sequences.",
    )
    made.add_argument("folder", metavar="OUT", type=Path, help="new folder of the data set")
    made.add_argument("--identities", type=int, default=400, help="labelled people (default: 400)")
    made.add_argument("--cameras", type=int, default=6, help="cameras of the labelled part (default: 6)")
    made.add_argument("--videos", type=int, default=60, help="videos of the unlabelled part (default: 60)")
    made.add_argument("--target-identities", type=int, help="people of the target (default: a quarter of --identities)")
    made.add_argument("--sequences", type=int, default=2, help="MOT sequences (default: 2)")
    made.add_argument(
        "--wardrobe",
        choices=("paint-box", "street"),
        default="paint-box",
        help="clothes of all colours alike, or as on a street: black, grey, navy, denim (default: paint-box)",
    )
    made.add_argument(
        "--lookalikes", type=float, default=0.25, help="share of people in the clothes of another (default: 0.25)"
    )
    made.add_argument(
        "--colour-cast", type=float, default=1.0, help="how far the cameras' white balance differs (default: 1)"
    )
    made.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default: 0)")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made


def run(words: Sequence[str]) -> int:
    """Draw the data set and say what is in it."""
    arguments = parser().parse_args(words)

    from remix_track.synthetic.dataset import synthesize
    from remix_track.synthetic.style import Style

    counts = synthesize(
        arguments.folder,
        identities=arguments.identities,
        cameras=arguments.cameras,
        videos=arguments.videos,
        seed=arguments.seed,
        sequences=arguments.sequences,
        target_identities=arguments.target_identities,
        style=Style(arguments.wardrobe, arguments.lookalikes, arguments.colour_cast),
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

"""What the commands that track share: the flags of what is written, and what is shown of runs."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Self

from remix_track.cli.flags_from_settings import Parser, add_settings, collect_settings
from remix_track.cli.progress import ProgressLine
from remix_track.cli.terminal import add_rows, say, show, show_table
from remix_track.trackers.sinks.formats import OutputSettings

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.linked_videos import Linked
    from remix_track.trackers.pipeline.outputs import Outputs

_OUTPUTS = "output"


def add_outputs(parser: Parser, folder: str, *, skip: Collection[str] = ()) -> None:
    """Add the flags that say what is written and shown, but for those of `OutputSettings` in `skip`."""
    group = parser.add_argument_group("What is written and shown")
    group.add_argument(
        "--output", type=Path, default=None, metavar="DIR", help=f"result folder (default: {folder}, numbered)"
    )
    group.add_argument("--overwrite", action="store_true", help="replace an earlier result in --output")
    add_settings(parser, group, OutputSettings, _OUTPUTS, skip=skip)
    group.add_argument("--quiet", action="store_true", help="no progress, no table; errors and warnings only")


def wanted_outputs(arguments: argparse.Namespace) -> OutputSettings:
    """What the flags of `add_outputs` ask for.

    Raises:
        InputError: a length of parts that none can have.
    """
    return collect_settings(arguments, OutputSettings(), _OUTPUTS)


class RunLines:
    """What is shown of runs: how far they are, a table of each at its end, and what was wrong.

    Attributes:
        progress: the line that says how far they are.
        problems: what was wrong with sources, each once.
    """

    def __init__(self, *, quiet: bool, tables: bool = True) -> None:
        """Begin; without `tables` standard output is left to what the run itself writes there."""
        self.progress = ProgressLine(quiet=quiet)
        self.problems: set[str] = set()
        self._quiet = quiet or not tables

    def report(self, problem: str) -> None:
        """Say at once what was wrong: a run over many videos may be stopped before its end."""
        if problem not in self.problems:
            say(f"remix-track: {problem}")
        self.problems.add(problem)

    def show_table(self, outputs: "Outputs") -> None:
        """Frames, people, speed, where the time went, and where the files are."""
        self.progress.close()
        if not self._quiet:
            print_table(outputs)

    def show_linked(self, linked: "Linked") -> None:
        """How many people there are in all videos together."""
        if not self._quiet:
            several = f"{linked.people_in_several} of them in more than one video"
            people = f"{linked.people} people of {len(linked.tracks)} tracks, {several}"
            show(f"{people} (mean distance at most {linked.distance:.4f}): {linked.folder / 'people.csv'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.close()


def print_table(outputs: "Outputs") -> None:
    """Print frames, people, speed, where the time went, and where the files are."""
    from rich.table import Table

    summary, appearance = outputs.summary, outputs.summary["appearance"]
    count = len(summary["parts"])
    several = f"{count} parts of " if count > 1 else ""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    # Paths and names fold rather than lose their end.
    table.add_column(overflow="fold")
    rows = (
        ("source", summary["source"]["path"]),
        ("frames", f"{summary['frames']} at {summary['frames_per_second']:.1f} fps"),
        ("people", summary["tracks"]),
        ("detector", summary["detector"]),
        ("appearance", appearance if isinstance(appearance, str) else appearance["name"]),
        ("ms per frame", ", ".join(f"{name} {spent:.1f}" for name, spent in summary["milliseconds_per_frame"].items())),
        ("files", f"{outputs.folder}/ ({several}{', '.join([*outputs.names, 'summary.json'])})"),
    )
    add_rows(table, rows)
    show_table(table)

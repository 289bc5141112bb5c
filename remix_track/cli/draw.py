"""`remix-track draw RUN`: a run's video drawn once more, without networks; people can be hidden."""

from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser, add_sections, add_settings, collect_sections, collect_settings
from remix_track.cli.progress import ProgressLine
from remix_track.cli.terminal import show
from remix_track.trackers.pipeline.redraw import HidingSettings
from remix_track.trackers.settings import TrackSettings

_WHAT = (
    "A run's video drawn once more from its rows and its source, without networks. --blur hides the people that the "
    "run has rows of, also in short gaps and shortly before and after; whom the tracker never found is not hidden, so "
    "look at the result before you publish it."
)
_OTHERS = {"detector", "appearance", "tracker", "association", "offline", "crops", "stream"}


def run(words: Sequence[str]) -> int:
    """Draw; 0."""
    arguments = parser().parse_intermixed_args(words)
    drawing = collect_sections(arguments, TrackSettings).drawing
    hiding = collect_settings(arguments, HidingSettings(), "hiding")

    from remix_track.trackers.pipeline.recorded_run import read_recorded_run
    from remix_track.trackers.pipeline.redraw import redraw

    recorded = read_recorded_run(arguments.run)
    output = arguments.output or recorded.folder / "redrawn.mp4"
    with ProgressLine(quiet=arguments.quiet) as line:
        frames = redraw(
            recorded,
            output,
            source=arguments.source,
            only=arguments.only,
            hiding=hiding,
            drawing=drawing,
            on_progress=line,
        )
    if not arguments.quiet:
        show(f"{output}: {frames:,} frames")
    return 0


def parser() -> Parser:
    """The flags of the drawing."""
    made = Parser(prog="remix-track draw", description=_WHAT, usage="remix-track draw RUN [options]")
    add = made.add_argument
    add("run", metavar="RUN", type=Path, help="folder of a run, or one of its tracks.txt")
    add("--source", metavar="SOURCE", help="what it was tracked from (default: as its summary.json says)")
    add("--output", metavar="FILE", type=Path, help="the video (default: redrawn.mp4 in the folder of the run)")
    add("--only", metavar="ID", type=int, nargs="+", default=(), help="draw these people only")
    add("--quiet", action="store_true", help="no progress; errors and warnings only")
    add_settings(made, made.add_argument_group("Who is hidden"), HidingSettings, "hiding")
    add_sections(made, TrackSettings, skip=_OTHERS)
    return made

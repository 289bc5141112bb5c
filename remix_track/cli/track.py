"""`remix-track video.mp4`: track videos; write annotated videos, MOT text and summaries."""

import argparse
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from remix_track.cli.archive_flags import add_archive, refuse_without_store
from remix_track.cli.flags_from_settings import Parser, add_sections, add_settings, collect_sections, collect_settings
from remix_track.cli.habits import TRACK
from remix_track.cli.progress import ProgressLine, tell_first_starts
from remix_track.cli.terminal import add_rows, say, show, show_table
from remix_track.errors import InputError
from remix_track.media_files import is_video
from remix_track.setting_values import Limits, typed
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sinks.formats import OutputSettings

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.outputs import Outputs
    from remix_track.trackers.pipeline.record_sources import ResultFolders
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

_OUTPUTS = "output"
_WHAT = "Track people in videos, images, cameras and streams; write annotated videos, MOT text and summaries."


def run(words: Sequence[str]) -> int:
    """Track every source; 0, or 2 where a source was damaged (its result is kept)."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, TrackSettings)

    from remix_track.trackers.pipeline.linked_videos import check_links
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import expand_sources, open_source

    if arguments.store is not None:
        from remix_track.cli.archive import run_archive

        return run_archive(arguments, settings)
    refuse_without_store(arguments)
    names = expand_sources(arguments.sources, arguments.list_file)
    appearance = settings.appearance.weights != "none"
    _check(arguments)
    wanted = wanted_outputs(arguments)
    if arguments.link:
        check_links(len(names), wanted, arguments.link_distance, appearance=appearance)
    wanted.check(appearance=appearance)
    tell_first_starts(quiet=arguments.quiet)
    session = Session(settings, threads=arguments.threads)
    opener = partial(
        open_source,
        start=arguments.start,
        stride=arguments.stride,
        frames=arguments.frames,
        fps=arguments.fps,
        stream=settings.stream,
    )
    with RunLines(quiet=arguments.quiet) as lines:
        (_link if arguments.link else _record)(arguments, names, session, opener, wanted, lines)
    return 2 if lines.problems else 0


def _check(arguments: argparse.Namespace) -> None:
    within = arguments.project is not None or arguments.name is not None
    if arguments.overwrite and arguments.output is None and not within:
        raise InputError("--overwrite needs --output DIR; without it every run gets a folder of its own")
    if within and (arguments.output is not None or arguments.link):
        raise InputError("--project and --name number folders in PROJECT; --output and --link have one folder")
    if arguments.output is not None and is_video(arguments.output) and not arguments.output.is_dir():
        raise InputError(f"{arguments.output}: --output is a folder, in which video.mp4 is written; give another name")
    if arguments.link_distance is not None and not arguments.link:
        raise InputError("--link-distance goes with --link")
    if arguments.threads is not None:
        typed(arguments.threads, int, "--threads", Limits(low=1))


def _record(
    arguments: argparse.Namespace,
    names: Sequence[Any],
    session: "Session",
    opener: "Callable[[Any], Source]",
    wanted: OutputSettings,
    lines: "RunLines",
) -> None:
    from remix_track.trackers.pipeline.record_sources import record_sources

    folders = _folders(arguments, several=len(names) > 1)
    record_sources(
        names,
        session,
        opener,
        wanted,
        folders,
        on_progress=lines.progress,
        on_recorded=lines.show_table,
        report=lines.report,
    )


def _folders(arguments: argparse.Namespace, *, several: bool) -> "ResultFolders":
    """Where results go: `--output`, or numbered folders within `--project`, of the name `--name` or the source's."""
    from remix_track.trackers.pipeline.record_sources import DEFAULT_OUTPUT, ResultFolders

    output, name = arguments.output, arguments.name
    if arguments.project is not None or name is not None:
        output = arguments.project or DEFAULT_OUTPUT
        # Of several sources, each has a folder of its own name within the one that is named.
        output, name = (output / name, None) if several and name else (output, name)
        several = True
    return ResultFolders(
        output,
        several=several,
        overwrite=arguments.overwrite,
        name=name,
        on_numbered=lambda line: None if arguments.quiet else say(f"remix-track: {line}"),
    )


def _link(
    arguments: argparse.Namespace,
    names: Sequence[Any],
    session: "Session",
    opener: "Callable[[Any], Source]",
    wanted: OutputSettings,
    lines: "RunLines",
) -> None:
    from remix_track.trackers.pipeline.linked_videos import link_videos

    linked = link_videos(
        names,
        session,
        opener,
        wanted,
        output=arguments.output,
        overwrite=arguments.overwrite,
        link_distance=arguments.link_distance,
        on_progress=lines.progress,
        on_recorded=lines.show_table,
        report=lines.report,
    )
    if not arguments.quiet:
        show(
            f"{linked.people} people of {len(linked.tracks)} tracks, {linked.people_in_several} of them in more than "
            f"one video (mean distance at most {linked.distance:.4f}): {linked.folder / 'people.csv'}"
        )


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

    def __init__(self, *, quiet: bool) -> None:
        self.progress = ProgressLine(quiet=quiet)
        self.problems: set[str] = set()
        self._quiet = quiet

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


def parser() -> Parser:
    """The flags of the main job."""
    usage = "remix-track SOURCE [SOURCE ...] [options]"
    parser = Parser(prog="remix-track", description=_WHAT, usage=usage, habits=TRACK)
    read = parser.add_argument_group("What is read")
    add = read.add_argument
    add("sources", nargs="*", metavar="SOURCE", help="video, folder or glob of images, MOT sequence, webcam index, URL")
    add("--sources", dest="list_file", metavar="list.txt", type=Path, help="a file with one source a line")
    add("--start", type=int, default=1, metavar="N", help="first frame, from 1 (default: 1)")
    add("--stride", type=int, default=1, metavar="N", help="take every N-th frame (default: 1)")
    add("--frames", type=int, default=None, metavar="N", help="stop after N frames")
    add("--fps", type=float, default=None, metavar="F", help="frames per second, where the source is silent or wrong")
    add_outputs(parser, "runs/track/NAME")
    add = parser.add_argument_group("Where results go, numbered").add_argument
    add("--project", type=Path, metavar="DIR", help="folder in which the result folder is made (default: runs/track)")
    add("--name", metavar="NAME", help="of the result folder (default: that of the source)")
    add = parser.add_argument_group("Several videos").add_argument
    add("--link", action="store_true", help="one id for a person in all the videos named")
    add("--link-distance", type=float, metavar="D", help="largest mean distance of one person (default: measured)")
    add_archive(parser)
    parser.add_argument(
        "--threads", type=int, default=None, metavar="N", help="threads at work at once (default: one per core)"
    )
    parser.hide("--project", "--name", "--sources", "--start", "--stride", "--fps", "--link-distance", "--threads")
    add_sections(parser, TrackSettings)
    return parser


def add_outputs(parser: Parser, folder: str, *, skip: Collection[str] = ()) -> None:
    """Add the flags that say what is written and shown, but for those of `OutputSettings` in `skip`."""
    group = parser.add_argument_group("What is written and shown")
    group.add_argument(
        "--output", type=Path, default=None, metavar="DIR", help=f"result folder (default: {folder}, numbered)"
    )
    group.add_argument("--overwrite", action="store_true", help="replace an earlier result in --output")
    add_settings(parser, group, OutputSettings, _OUTPUTS, skip=skip)
    group.add_argument("--quiet", action="store_true", help="no progress, no table; errors and warnings only")

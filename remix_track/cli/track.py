"""`remix-track video.mp4`: track videos; write annotated videos, MOT text and summaries."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.cli.archive_flags import add_archive, refuse_without_store
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.habits import TRACK
from remix_track.cli.progress import tell_first_starts
from remix_track.cli.terminal import say
from remix_track.cli.tracking_output import RunLines, add_outputs, wanted_outputs
from remix_track.errors import InputError
from remix_track.media_files import is_video
from remix_track.setting_values import Limits, typed
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.record_sources import ResultFolders
    from remix_track.trackers.pipeline.recorder import Recogniser
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

_WHAT = "Track people in videos, images, cameras and streams; write annotated videos, MOT text and summaries."


def run(words: Sequence[str]) -> int:
    """Track every source; 0, or 2 where a source was damaged (its result is kept)."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, TrackSettings)

    from remix_track.trackers.pipeline.linked_videos import check_links, link_videos
    from remix_track.trackers.pipeline.record_sources import record_sources
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import expand_sources, open_source

    watched = _are_cameras(arguments)
    if arguments.store is not None and not watched:
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
    with RunLines(quiet=arguments.quiet, tables=not wanted.uses_stdout) as lines:
        told: dict[str, Any] = {
            "on_progress": lines.progress,
            "on_recorded": lines.show_table,
            "report": lines.report,
        }
        if arguments.link:
            where = {name: getattr(arguments, name) for name in ("output", "overwrite", "link_distance")}
            lines.show_linked(link_videos(names, session, opener, wanted, **where, **told))
        else:
            folders = _folders(arguments, several=len(names) > 1)
            knows = _recogniser(arguments.store, session) if watched else None
            record_sources(names, session, opener, wanted, folders, recogniser=knows, **told)
    return 2 if lines.problems else 0


def _are_cameras(arguments: argparse.Namespace) -> bool:
    """Whether `--store` is for cameras and streams, whose people it tells while they run, and not for an archive."""
    from remix_track.trackers.sources import is_live
    from remix_track.trackers.sources.opening import is_address

    live = [is_live(one) or is_address(one) for one in arguments.sources]
    return arguments.store is not None and bool(live) and all(live) and not arguments.link


def _recogniser(store: Path, session: "Session") -> "Callable[[str, Source], Recogniser]":
    from remix_track.store.live_people import people_of_cameras
    from remix_track.store.store import open_store

    return people_of_cameras(open_store(store, create=True), session)


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

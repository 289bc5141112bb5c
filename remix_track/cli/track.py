"""`remix-track video.mp4`: people in; annotated video, MOT text and a summary out."""

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track import stop_signals
from remix_track.cli.carrying import Carrying
from remix_track.cli.flags import Parser, add_sections, collect_sections
from remix_track.cli.progress import Progress, tell_first_starts
from remix_track.cli.results import print_table
from remix_track.cli.terminal import say
from remix_track.errors import InputError
from remix_track.output_files import reserve_folder, reserve_numbered_folder
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.trackers.api import Runs
    from remix_track.trackers.pipeline.run import Run
    from remix_track.trackers.sources import Source

DEFAULT_OUTPUT = Path("runs/track")
_WHAT = "People in; annotated video, MOT text and a summary out."


def run(words: Sequence[str]) -> int:
    """Track every source; 0, or 2 where a source was damaged (its result is kept)."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, TrackSettings)

    from remix_track.cli.link import check_link, track_linked
    from remix_track.trackers.api import Runs
    from remix_track.trackers.sources import expand_sources

    names = expand_sources(arguments.sources, arguments.list_file)
    if not names:
        raise InputError("no source given; try: remix-track video.mp4, or remix-track --help")
    if arguments.overwrite and arguments.output is None:
        raise InputError("--overwrite needs --output DIR; without it every run gets a folder of its own")
    if arguments.embeddings and settings.appearance.weights == "none":
        raise InputError("--embeddings needs appearance; give --weights other than none")
    check_link(arguments, settings, names)
    check_outputs(arguments)
    tell_first_starts(quiet=arguments.quiet)
    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"--threads {arguments.threads}: must be 1 or more")
    runs = Runs(settings, threads=arguments.threads)
    said: set[str] = set()
    # Said at once: a run over many videos may be stopped before its end.
    for problem in (track_linked if arguments.link else _track_each)(names, runs, arguments):
        if problem not in said:
            say(f"remix-track: {problem}")
        said.add(problem)
    return 2 if said else 0


def _track_each(names: Sequence[str | Path | int], runs: "Runs", arguments: argparse.Namespace) -> Iterator[str]:
    """Track what has an end one after another, then all that is live at once; what was wrong, a line each.

    Among several, one that cannot be opened or has no frames does not keep the others from being tracked.
    """
    from remix_track.cli.side_by_side import track_side_by_side
    from remix_track.trackers.sources import is_live, open_source

    several, live = len(names) > 1, list[Callable[[], "Source"]]()
    claim = partial(_claim, arguments, several=several, claimed=set[Path]())
    for name in names:
        stop_signals.check()
        opened = partial(
            open_source,
            name,
            start=arguments.start,
            stride=arguments.stride,
            frames=arguments.frames,
            fps=arguments.fps,
            stream=runs.settings.stream,
        )
        if several and is_live(name):
            live.append(opened)
            continue
        try:
            source = opened()
        except InputError as error:
            if not several:
                raise
            yield str(error)
            continue
        if several and source.live:
            # Hung up for now: nobody would read it while others are tracked.
            source.close()
            live.append(opened)
        else:
            yield from _track_one(source, opened, runs, arguments, claim, several=several)
    if live:
        yield from track_side_by_side(live, runs, arguments, claim)


def _track_one(
    source: "Source",
    opened: Callable[[], "Source"],
    runs: "Runs",
    arguments: argparse.Namespace,
    claim: Callable[[str], Path],
    *,
    several: bool,
) -> list[str]:
    """Track one source into its own folder."""
    with source:
        pictures = arguments.video or arguments.crops or arguments.show
        tracking = runs.run(source, stride=arguments.stride, reopen=opened if pictures else None)
        try:
            carry_out(tracking, runs.settings, arguments, lambda: claim(source.name))
        except InputError as error:
            if several and not source.frames_read:
                return [str(error)]
            raise
    return [f"{source.name}: {problem}" for problem in source.problems]


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse `--show` and `--segment` before anything is loaded or made.

    Raises:
        InputError: there is no screen, or a length that none can have.
    """
    from remix_track.trackers.sinks.window import require_screen

    if arguments.segment is not None and arguments.segment <= 0:
        raise InputError(f"--segment {arguments.segment:g}: must be above 0 minutes, such as 60")
    if arguments.show:
        require_screen()


def carry_out(
    tracking: "Run", settings: TrackSettings, arguments: argparse.Namespace, claim: Callable[[], Path]
) -> None:
    """Track to the end of the source and write what the flags ask for into the folder that `claim` makes."""
    name, total, quiet = tracking.source.name, tracking.source.frames, arguments.quiet
    with Carrying(tracking, settings, arguments, claim, title=name) as carrying:
        if tracking.offline:
            # The first frame comes when all are tracked.
            with Progress(name, total, quiet=quiet) as progress:
                tracking.on_progress = lambda done: progress.update(done, "tracking; linking and writing come after")
                carrying.step()
        else:
            carrying.step()
        with Progress(name, total, quiet=quiet) as progress:
            while carrying.step():
                progress.update(tracking.frames, f"{tracking.people_now} tracks now, {len(tracking.people)} in all")
    if carrying.outputs and not quiet:
        print_table(tracking, carrying.outputs)


def _claim(arguments: argparse.Namespace, name: str, *, several: bool, claimed: set[Path]) -> Path:
    """The folder of a source; never one of `claimed`, those of this run, as two sources may have one name."""
    if arguments.output is not None and not several:
        return reserve_folder(arguments.output, overwrite=arguments.overwrite)
    parent = DEFAULT_OUTPUT if arguments.output is None else arguments.output
    if not arguments.overwrite:
        return reserve_numbered_folder(parent, name)
    candidates = (parent / (name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
    folder = next(path for path in candidates if path not in claimed)
    claimed.add(folder)
    return reserve_folder(folder, overwrite=True)


def parser() -> argparse.ArgumentParser:
    """The flags of the main job."""
    parser = Parser(prog="remix-track", description=_WHAT, usage="remix-track SOURCE [SOURCE ...] [options]")
    add = parser.add_argument
    add("sources", nargs="*", metavar="SOURCE", help="video, folder or glob of images, MOT sequence, webcam index, URL")
    add("--sources", dest="list_file", metavar="list.txt", type=Path, help="a file with one source a line")
    add("--start", type=int, default=1, metavar="N", help="first frame, from 1 (default: 1)")
    add("--stride", type=int, default=1, metavar="N", help="take every N-th frame (default: 1)")
    add("--frames", type=int, default=None, metavar="N", help="stop after N frames")
    add("--fps", type=float, default=None, metavar="F", help="frames per second, where the source is silent or wrong")
    add("--output", type=Path, default=None, metavar="DIR", help="result folder (default: runs/track/NAME, numbered)")
    add("--overwrite", action="store_true", help="replace an earlier result in --output")
    add("--threads", type=int, default=None, metavar="N", help="threads at work at once (default: one per core)")
    add("--link", action="store_true", help="one id for a person in all the videos named")
    add("--link-distance", type=float, metavar="D", help="largest mean distance of one person (default: calibrated)")
    add("--segment", type=float, metavar="MINUTES", help="begin new files each MINUTES: video-0001-UTC.mp4 ...")
    add_outputs(parser)
    add_sections(parser, TrackSettings)
    return parser


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what is written and shown."""
    add = parser.add_argument
    add("--no-video", dest="video", action="store_false", help="do not write video.mp4")
    add("--csv", action="store_true", help="also write tracks.csv")
    add("--jsonl", action="store_true", help="also write tracks.jsonl, an object per frame")
    add("--crops", action="store_true", help="also write crops/ID/FRAME.jpg")
    add("--embeddings", action="store_true", help="also write embeddings.npz, a mean vector per track")
    add("--show", action="store_true", help="show the frames in a window; q or Esc quits")
    add("--quiet", action="store_true", help="no progress, no table; errors and warnings only")

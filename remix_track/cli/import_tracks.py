"""`remix-track import corrected.zip`: corrected tracks of an annotation tool as ground truth for `eval`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import say, show
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.interop.annotated_video import AnnotatedVideo

DEFAULT_OUTPUT = Path("runs/import")


def run(words: Sequence[str]) -> int:
    """Read the file, write a MOT sequence for each of its videos, say where they are; 0."""
    arguments = parser().parse_intermixed_args(words)

    from remix_track.interop.formats import read_annotations

    of_run, said = _of_run(arguments), _said(arguments)
    known = of_run | said
    size = (known["width"], known["height"]) if known.get("width") and known.get("height") else None
    videos = read_annotations(arguments.file, arguments.kind, size)
    if len(videos) != 1 and (arguments.name is not None or arguments.run is not None):
        raise InputError(f"{arguments.file}: holds {len(videos)} videos; leave --run and --name out")
    for video in videos:
        # The run has the name that is scored by; of the rest the file knows best, as it may be of another part.
        lacking = {name: fact for name, fact in of_run.items() if name == "name" or getattr(video, name) is None}
        _write(video.with_facts(**(lacking | said)), arguments)
    return 0


def _of_run(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the run that was exported knows of the video."""
    from remix_track.interop.run_folder import read_run

    if arguments.run is None:
        return {}
    video = read_run(arguments.run)
    return {name: getattr(video, name) for name in ("name", "width", "height", "fps", "frames")}


def _said(arguments: argparse.Namespace) -> dict[str, Any]:
    """What flags say of the video, which wins."""
    from remix_track.interop.annotated_video import size_of

    said = {name: getattr(arguments, name) for name in ("name", "fps") if getattr(arguments, name) is not None}
    return (
        said if arguments.size is None else said | dict(zip(("width", "height"), size_of(arguments.size), strict=True))
    )


def _write(video: "AnnotatedVideo", arguments: argparse.Namespace) -> None:
    from remix_track import reservations
    from remix_track.interop.truth import write_sequence
    from remix_track.output_files import reserve_numbered_folder

    folder = reserve_numbered_folder(arguments.output, video.name)
    try:
        write_sequence(video, folder)
        _link_video(arguments.run, folder)
    finally:
        reservations.release(folder)
    tracks = len({*video.id.tolist()})
    show(f"{folder}: {tracks:,} tracks, {len(video):,} boxes in {video.last_frame:,} frames")
    show(f"score a run by it: remix-track eval --data {folder} --results {arguments.run or 'RUN'}")


def _link_video(run: Path | None, folder: Path) -> None:
    """The run's video beside the truth, so that `tune` and `eval` can track it."""
    from remix_track.media_files import is_video
    from remix_track.trackers.pipeline.recorded_run import read_recorded_run

    source = None if run is None else read_recorded_run(run).source
    if source is None or not Path(source).is_file() or not is_video(Path(source)):
        return
    path = folder / f"video{Path(source).suffix}"
    try:
        path.symlink_to(Path(source).resolve())
    except OSError as error:  # of file systems without links; the truth is whole
        say(f"remix-track: note: {path} cannot be made ({error.strerror}); copy the video there to track it")


def parser() -> argparse.ArgumentParser:
    """The flags of the import."""
    from remix_track.interop.formats import READABLE

    made = Parser(prog="remix-track import", description="Corrected tracks of an annotation tool as truth for eval.")
    add = made.add_argument
    add("file", metavar="FILE", type=Path, help="that the tool exported")
    add("--from", dest="kind", choices=READABLE, help="which format it has (default: what it looks like)")
    add("--run", metavar="RUN", type=Path, help="that was exported: gives name, size, rate and length of the video")
    add("--output", metavar="DIR", type=Path, default=DEFAULT_OUTPUT, help=f"default: {DEFAULT_OUTPUT}/NAME, numbered")
    add("--name", metavar="NAME", help="of the sequence (default: as FILE or RUN has it)")
    add("--size", metavar="WxH", help="of the images, where FILE is in percent of it")
    add("--fps", type=float, metavar="F", help="frames per second, where FILE is silent")
    return made

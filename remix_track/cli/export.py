"""`remix-track export RUN --to cvat`: the tracks of a run in a file of an annotation tool."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import show
from remix_track.errors import InputError


def run(words: Sequence[str]) -> int:
    """Read the tracks, write the file, say where it is; 0."""
    arguments = parser().parse_intermixed_args(words)

    from remix_track.interop.annotated_video import size_of
    from remix_track.interop.formats import FORMATS
    from remix_track.interop.run_folder import read_run
    from remix_track.output_files import atomic_write

    chosen = FORMATS[arguments.to]
    video = read_run(arguments.run, arguments.label)
    if arguments.size is not None:
        width, height = size_of(arguments.size)
        video = video.with_facts(width=width, height=height)
    video = video.with_facts(fps=arguments.fps)
    folder = arguments.run if arguments.run.is_dir() else arguments.run.parent
    path = arguments.output or folder / f"{video.name}{chosen.ending}"
    if path.exists():
        raise InputError(f"{path}: there is something already; give another --output")
    content = chosen.write(video)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    tracks = len({*video.id.tolist()})
    show(f"{path}: {chosen.title}, {tracks:,} tracks, {len(video):,} boxes in {video.last_frame:,} frames")
    return 0


def parser() -> argparse.ArgumentParser:
    """The flags of the export."""
    from remix_track.interop.formats import FORMATS

    made = Parser(prog="remix-track export", description="The tracks of a run in a file of an annotation tool.")
    add = made.add_argument
    add("run", metavar="RUN", type=Path, help="folder of a run, or MOT text such as tracks.txt")
    add("--to", required=True, choices=FORMATS, help="; ".join(f"{key}: {one.title}" for key, one in FORMATS.items()))
    add("--output", metavar="FILE", type=Path, help="default: in the folder of the run, by the name of the run")
    add("--label", default="person", metavar="NAME", help="of every track, as the tool calls it (default: person)")
    add("--size", metavar="WxH", help="of the images, where RUN is MOT text alone")
    add("--fps", type=float, metavar="F", help="frames per second, likewise")
    return made

"""`remix-track count RUN | STORE --zones zones.toml`: who crosses lines and stays in zones, by the hour."""

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.identify import moment
from remix_track.cli.terminal import add_rows, say, show, show_table
from remix_track.errors import InputError
from remix_track.output_files import refuse_existing
from remix_track.setting_values import typed

if TYPE_CHECKING:
    from remix_track.counting.counts import Counts
    from remix_track.counting.feet import Feet
    from remix_track.counting.heat_map import Image
    from remix_track.counting.table import Row
    from remix_track.counting.zones_file import Zones

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd])")
_MOST_ROWS = 60
_WHAT = (
    "How many people cross lines and stay in zones, and when: of runs by the tracks they have, of a store each person "
    "once, over all its cameras. Lines and zones are in a TOML file; see the guide."
)


class _Camera(NamedTuple):
    """What a heat map of a camera is made from."""

    name: str
    feet: "Iterator[Feet]"
    source: str | None
    folder: Path | None
    size: tuple[int, int] | None
    frame: int


def run(words: Sequence[str]) -> int:
    """Count, print the table, write what is asked for; 0."""
    arguments = parser().parse_intermixed_args(words)
    every = duration(arguments.every, "--every")
    if arguments.zones is None:
        arguments.zones = _drawn(arguments.what)
    if arguments.zones is None and arguments.heatmap is None:
        raise InputError("give --zones FILE.toml with lines and zones, or --heatmap FILE.png")
    for path in (arguments.output, arguments.passages, arguments.plot):
        if path is not None and arguments.zones is None:
            raise InputError(f"{path}: what is counted needs --zones FILE.toml")
    refuse_existing(arguments.output, arguments.passages, arguments.plot)

    from remix_track.counting.zones_file import Zones, read_zones

    zones = read_zones(arguments.zones) if arguments.zones else Zones()
    counts, cameras = _counted(arguments, zones)
    maps = [] if arguments.heatmap is None else [_map_of(arguments.heatmap, one, len(cameras)) for one in cameras]
    refuse_existing(arguments.output, arguments.passages, arguments.plot, *maps)
    if arguments.zones is not None:
        _print(counts, every)
        _write(arguments, counts, every)
    for path, camera in zip(maps, cameras, strict=bool(maps)):
        _draw_heat(path, camera, zones)
    return 0


def _drawn(paths: Sequence[Path]) -> Path | None:
    """The file that the page of counts keeps in the folder of a store or run; None where there is none."""
    path = paths[0] / "zones.toml" if len(paths) == 1 else None
    return path if path is not None and path.is_file() else None


def duration(text: str, where: str) -> float:
    """Seconds of `90s`, `15m`, `1h` or `1d`.

    Raises:
        InputError: it is none, or nothing.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 1 <= seconds <= 366 * 86400:
        raise InputError(f"{where} {text[:40]}: expected a length of time from 1s up, such as 90s, 15m, 1h or 1d")
    return seconds


def _counted(arguments: argparse.Namespace, zones: "Zones") -> "tuple[Counts, list[_Camera]]":
    stores = [path for path in arguments.what if (path / "store.json").is_file()]
    if not stores:
        for name in ("camera", "since", "until"):
            if getattr(arguments, name) is not None:
                raise InputError(f"--{name} goes with a store; leave it out")
        return _of_runs(arguments, zones)
    if len(arguments.what) > 1:
        raise InputError(f"{stores[0]}: a store is counted alone; leave out the others")
    if arguments.fps is not None:
        raise InputError("--fps goes with MOT text; leave it out")
    return _of_store(arguments, zones)


def _of_runs(arguments: argparse.Namespace, zones: "Zones") -> "tuple[Counts, list[_Camera]]":
    from remix_track.counting.run_feet import FPS, count_runs, read_runs_feet

    if arguments.fps is not None:
        typed(arguments.fps, float, "--fps", FPS)
    runs = read_runs_feet(arguments.what, fps=arguments.fps)
    if arguments.zones is not None:
        zones.check_cameras([one.name for one in runs], arguments.zones)
    cameras = [
        _Camera(one.name, iter([one.feet]), one.source, one.folder, one.size, one.frames[0]) for one in runs
    ]  # fmt: skip
    return count_runs(runs, zones), cameras


def _of_store(arguments: argparse.Namespace, zones: "Zones") -> "tuple[Counts, list[_Camera]]":
    from remix_track.counting.store_feet import count_store, feet_of, pieces_of
    from remix_track.store.store import open_store

    store = open_store(arguments.what[0])
    found = pieces_of(store, arguments.camera, moment(arguments.since), moment(arguments.until))
    if not found.pieces:
        why = "no job has a time of day; track with --start-time" if found.without_clock else "no job is of that time"
        raise InputError(f"{store.path}: {why}, see remix-track store {store.path}")
    if found.without_clock:
        say(f"remix-track: {found.without_clock:,} jobs are left out, as nothing says at what time of day they were")
    if arguments.zones is not None:
        zones.check_cameras(found.cameras, arguments.zones)
    cameras = []
    for name in found.cameras:
        pieces = [one for one in found.pieces if one.camera == name]
        job = pieces[-1].job
        size = (job.result.width, job.result.height)
        feet = (feet_of(one) for one in pieces if (one.job.result.width, one.job.result.height) == size)
        cameras.append(_Camera(name, feet, job.job.source.absolute or None, None, size, job.result.first_frame))
    return count_store(found, zones), cameras


def _print(counts: "Counts", every: float) -> None:
    from rich.table import Table

    from remix_track.counting.table import rows_of, total_of

    table = Table(box=None, pad_edge=False)
    titles = ("place", "from", "in", "out", "people", "there", "most", "stay", "longest")
    for title in titles:
        table.add_column(title, justify="left" if title in titles[:2] else "right", overflow="fold")
    left = 0
    for place in counts.places:
        rows = rows_of(place, every)
        left += max(len(rows) - _MOST_ROWS, 0)
        add_rows(table, (_cells(one, _time(one.begin, clock=counts.clock)) for one in rows[:_MOST_ROWS]))
        if len(rows) != 1:
            add_rows(table, [_cells(total_of(place), "in all")])
    show_table(table)
    if left:
        show(f"... and {left:,} rows more; see --output, or give a longer --every")
    alone = f"; {counts.unknown:,} of no known person, each counted as one" if counts.unknown else ""
    show(f"{counts.tracks:,} track{'s' if counts.tracks != 1 else ''}{alone}")


def _cells(row: "Row", begin: str) -> list[str]:
    there = [f"{row.mean_occupancy:.2f}", f"{row.max_occupancy:.0f}"]
    stay = [_stay(row.mean_dwell), _stay(row.longest_dwell)]
    counted = [f"{number:,}" for number in (row.ins, row.outs, row.people)]
    return [row.place, begin, *counted, *("" if one == "nan" else one for one in (*there, *stay))]


def _stay(seconds: float) -> str:
    if seconds != seconds:
        return ""
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _time(seconds: float, *, clock: bool) -> str:
    from remix_track.counting.table import time_text

    if clock:
        return time_text(seconds, clock=True).replace("T", " ")
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _write(arguments: argparse.Namespace, counts: "Counts", every: float) -> None:
    from remix_track.counting.plot import draw_counts
    from remix_track.counting.table import csv_text, passages_csv
    from remix_track.text_files import write_text

    if arguments.output is not None:
        write_text(arguments.output, csv_text(counts, every))
    if arguments.passages is not None:
        write_text(arguments.passages, passages_csv(counts))
    if arguments.plot is not None:
        draw_counts(arguments.plot, counts, every)
    for path in (arguments.output, arguments.passages, arguments.plot):
        if path is not None:
            show(path)


def _map_of(path: Path, camera: _Camera, cameras: int) -> Path:
    """The heat map's file; of several cameras each has its own."""
    from remix_track.trackers.sources.source import folder_name

    return path.with_name(f"{path.stem}-{folder_name(camera.name)}{path.suffix}") if cameras > 1 else path


def _draw_heat(path: Path, camera: _Camera, zones: "Zones") -> None:
    from remix_track.counting.heat_map import HeatMap, write_image

    picture = _picture(camera)
    size = camera.size or (None if picture is None else (picture.shape[1], picture.shape[0]))
    if size is None or min(size) < 1:
        raise InputError(f"{camera.name}: nothing says how large its images are; give the folder of a run")
    heat = HeatMap(*size)
    for feet in camera.feet:
        heat.add(feet)
    write_image(path, heat.over(picture, zones.before(camera.name)))
    show(f"{path}{'' if picture is not None else ' (its source is not there, so no picture is below)'}")


def _picture(camera: _Camera) -> "Image | None":
    """The first frame of the source, else of the run's own video; None where neither is there."""
    from remix_track.trackers.sources import is_live, open_source

    own = str(camera.folder / "video.mp4") if camera.folder is not None else None
    for name, frame in ((camera.source, camera.frame), (own, 1)):
        if name is None or is_live(name) or not Path(name).exists():
            continue
        try:
            with open_source(name, start=frame, frames=1) as source:
                return next(iter(source)).image
        except (InputError, StopIteration):
            continue
    return None


def parser() -> Parser:
    """The flags of the counting."""
    made = Parser(
        prog="remix-track count",
        description=_WHAT,
        usage="remix-track count RUN [RUN ...] | STORE --zones FILE.toml [options]",
    )
    add = made.add_argument
    add("what", metavar="RUN | STORE", type=Path, nargs="+", help="folder of a run, one of its files, or a store")
    add("--zones", metavar="FILE.toml", type=Path, help="lines and zones (default: zones.toml in the folder)")
    add("--every", metavar="TIME", default="1h", help="length of a row: 90s, 15m, 1h, 1d (default: 1h)")
    add("--output", metavar="FILE.csv", type=Path, help="the table as CSV")
    add("--passages", metavar="FILE.csv", type=Path, help="each crossing and each stay, with its frame")
    add("--plot", metavar="FILE.png", type=Path, help="the table as a plot")
    add("--heatmap", metavar="FILE.png", type=Path, help="where feet stood, over the picture")
    add("--fps", type=float, metavar="F", help="frames per second, where RUN is MOT text alone")
    add("--camera", metavar="NAME", help="of a store, this camera only")
    add("--since", metavar="TIME", help="of a store, only what was recorded then or later (UTC: 2026-11-29T15:00Z)")
    add("--until", metavar="TIME", help="of a store, only what was recorded before")
    return made

"""The feet of a run's people, from its folder or one of its files: `tracks.csv`, `tracks.parquet` or MOT text."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.bounded_file import read_bounded
from remix_track.counting.counts import Counts, Recording, count
from remix_track.counting.feet import Feet, track_number
from remix_track.counting.zones_file import Zones
from remix_track.errors import InputError, parsing
from remix_track.extras import ExtraError, extra
from remix_track.run_files import parts_in
from remix_track.setting_values import Limits, typed

_LARGEST_SUMMARY = 50_000_000
_LARGEST_TABLE = 1 << 30
_NEEDED = ("frame", "time", "id", "left", "top", "width", "height")
_CLOCK = ("first_utc", "last_utc")
_ADVICE = "give the folder of a run"
FPS = Limits(low=0.00001, high=100_000)
"""Frames per second that one can give: from one a day up."""


@dataclass(frozen=True, slots=True, eq=False)
class RunFeet:
    """A run as it is counted.

    Attributes:
        name: of its source, which is its camera.
        feet: of everybody.
        begin, end: seconds of its first and last frame.
        clock: times are seconds since 1970; else since the source's first frame.
        source: what it was tracked from; None where no summary says it.
        folder: of the run.
        size: width and height of its images in pixels; None without a summary.
        frames: its first and last frame.
    """

    name: str
    feet: Feet
    begin: float
    end: float
    clock: bool
    source: str | None
    folder: Path
    size: tuple[int, int] | None
    frames: tuple[int, int]


def read_run_feet(path: Path, *, number: int = 0, fps: float | None = None, people: bool = False) -> RunFeet:
    """Read a run.

    Args:
        path: its folder, wherever the file is in it, or one of its files.
        number: of this source among those that are counted together.
        fps: of MOT text that no summary is beside; what says itself when its frames were goes by that.
        people: its ids are people, as those of videos that were linked.

    Raises:
        InputError: no such run, files that cannot be read, or MOT text whose frame rate is not known.
    """
    files = _files(path)
    folder = files[0].parent
    summary = _summary(folder)
    parts = [part for part in summary.get("parts", []) if {one.name for one in files} & set(part["files"])]
    if files[0].suffix == ".txt":
        rows = _of_text(files, parts, None if parts else fps)
    else:
        tables = [(_of_csv if one.suffix == ".csv" else _of_parquet)(one) for one in files]
        rows = {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}
    if len(rows["utc"]):
        clock = not np.isnat(rows["utc"]).any()
    else:  # a camera that saw nobody may still know the time of day
        clock = bool(parts) and all(part.get(key) is not None for part in parts for key in _CLOCK)
    time = rows["utc"].astype("datetime64[ms]").astype(np.int64) / 1000 if clock else rows["time"]
    ids = rows["id"]
    who = ids if people else rows.get("person")
    feet = Feet.of_boxes(track_number(number, ids), time, rows["frame"], rows["tlwh"], who)
    begin, end = _ends(parts, time, clock=clock)
    frames = (int(rows["frame"].min()), int(rows["frame"].max())) if len(time) else (1, 1)
    return RunFeet(_name(summary, folder), feet, begin, end, clock, _source(summary), folder, _size(parts), frames)


def read_runs_feet(paths: Sequence[Path], *, fps: float | None = None) -> list[RunFeet]:
    """Several runs that are counted together; a folder of linked videos is one of each video, and its ids are people.

    Raises:
        InputError: see `read_run_feet`; two of one camera; or a rate that none of them needs.
    """
    wanted = [(one, people) for path in paths for one, people in _videos(path)]
    if fps is not None and not any(_lacks_times(one) for one, _ in wanted):
        raise InputError(f"{paths[0]}: says itself when its frames were; leave `fps` out")
    runs = [read_run_feet(one, number=at, fps=fps, people=people) for at, (one, people) in enumerate(wanted)]
    names = [one.name for one in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: two runs of one source; give one of them, or track both into a store")
    return runs


def _lacks_times(path: Path) -> bool:
    """Whether it is MOT text that nothing says the times of."""
    files = _files(path)
    names = {one.name for one in files}
    parts = [part for part in _summary(files[0].parent).get("parts", []) if names & set(part["files"])]
    return files[0].suffix == ".txt" and not parts


def count_runs(runs: Sequence[RunFeet], zones: Zones) -> Counts:
    """Count in runs; see `counts.count`."""
    clock = all(one.clock for one in runs)
    runs = runs if clock else [_from_its_begin(one) for one in runs]
    recordings = [Recording(one.name, one.feet, one.begin, one.end) for one in runs]
    names = [one.name for one in runs]
    return count(recordings, zones, names, sources=names, clock=clock)


def _from_its_begin(run: RunFeet) -> RunFeet:
    """A run without the time of day, as those are beside which it is counted."""
    if not run.clock:
        return run
    feet = replace(run.feet, time=run.feet.time - run.begin)
    return replace(run, feet=feet, begin=0.0, end=run.end - run.begin, clock=False)


def _videos(path: Path) -> list[tuple[Path, bool]]:
    """The runs in a folder, and whether their ids are people."""
    if not (path / "link.json").is_file():
        return [(path, False)]
    return [(one, True) for one in sorted(path.iterdir()) if one.is_dir() and parts_in(one, "tracks.txt")]


def camera_of_run(folder: Path) -> str:
    """The name of a run's source, which is its camera; that of its folder without a summary.

    Raises:
        InputError: the summary cannot be read.
    """
    return _name(_summary(folder), folder)


def _files(path: Path) -> list[Path]:
    """The parts of the table that says most of those that are there, or the file itself."""
    if not path.is_dir():
        if path.suffix not in (".txt", ".csv", ".parquet"):
            raise InputError(f"{path}: neither MOT text (.txt) nor tracks.csv nor tracks.parquet; {_ADVICE}")
        return [path]
    names = ["tracks.csv", "tracks.parquet", "tracks.txt"]
    if not _has_arrow():
        names.remove("tracks.parquet")
    for name in names:
        found = parts_in(path, name)
        if found:
            return found
    raise InputError(f"{path}: holds no tracks.txt; {_ADVICE}, or MOT text")


def _has_arrow() -> bool:
    try:
        extra("pyarrow.parquet", "tables", "tracks.parquet")
    except ExtraError:
        return False
    return True


def _of_text(files: list[Path], parts: list[Mapping[str, Any]], fps: float | None) -> dict[str, NDArray[Any]]:
    read = [mot_text.read(one) for one in files]
    frame, id_, tlwh = (np.concatenate([getattr(one, name) for one in read]) for name in ("frame", "id", "tlwh"))
    if np.any(id_ < 0):
        raise InputError(f"{files[0]}: has boxes without ids; {_ADVICE}, not detections")
    utc = np.full(len(frame), np.datetime64("NaT"), "datetime64[ms]")
    if fps is not None:
        time = (frame - 1) / float(typed(fps, float, "`fps`", FPS))
    elif parts:
        knots = [(part[f"{end}_frame"], part[f"{end}_time"]) for part in parts for end in ("first", "last")]
        time = _along(frame, knots)
        days = [(part[f"{end}_frame"], part[f"{end}_utc"]) for part in parts for end in ("first", "last")]
        if all(day for _, day in days):
            stamps = [(at, np.datetime64(str(day)[:-1], "ms").astype(np.int64)) for at, day in days]
            utc = np.rint(_along(frame, stamps)).astype("datetime64[ms]")
    else:
        raise InputError(f"{files[0]}: no summary.json beside it says when its frames were; give its `fps`")
    return {"frame": frame, "id": id_, "tlwh": tlwh, "time": time, "utc": utc}


def _along(frame: NDArray[np.int64], knots: list[tuple[Any, Any]]) -> NDArray[np.float64]:
    at, value = np.array(knots, np.float64).T
    return np.asarray(np.interp(frame, at, value))


def _of_csv(path: Path) -> dict[str, NDArray[Any]]:
    content = read_bounded(path, _LARGEST_TABLE, _ADVICE)
    with parsing(path, "tracks.csv", _ADVICE):
        header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            raise ValueError(f"no column {missing[0]}")
        table = dict(zip(header, zip(*lines, strict=True) if lines else [()] * len(header), strict=True))
        made = {name: np.array(table[name], np.float64) for name in _NEEDED}
        utc = np.array([day.removesuffix("Z") for day in table.get("utc", [""] * len(lines))], "datetime64[ms]")
        made["utc"] = utc
        if "person" in table:
            made["person"] = np.array([int(one or 0) for one in table["person"]], np.int64)
        return _plain(made)


def _of_parquet(path: Path) -> dict[str, NDArray[Any]]:
    parquet = extra("pyarrow.parquet", "tables", "tracks.parquet")
    with parsing(path, "tracks.parquet", _ADVICE), path.open("rb") as file:
        table = parquet.ParquetFile(file).read(columns=[*_NEEDED, "utc"])
        made = {name: np.asarray(table.column(name).to_numpy(), np.float64) for name in _NEEDED}
        utc = np.asarray(table.column("utc").cast("timestamp[ms]").to_numpy(), "datetime64[ms]")
        return _plain({**made, "utc": utc})


def _plain(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Whole numbers, and the box as one array; refuses what is no number."""
    tlwh = np.column_stack([columns.pop(name) for name in _NEEDED[3:]])
    if not all(np.isfinite(one).all() for one in (tlwh, columns["frame"], columns["time"], columns["id"])):
        raise ValueError("a value is missing or not finite")
    whole = {name: columns.pop(name).astype(np.int64) for name in ("frame", "id")}
    return {**columns, **whole, "tlwh": tlwh.reshape(-1, 4)}


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    if not path.is_file():
        return {}
    with parsing(path, "the summary of a run", "track again"):
        read = json.loads(read_bounded(path, _LARGEST_SUMMARY))
        return {"source": dict(read["source"]), "parts": [dict(one) for one in read["parts"]]}


def _ends(parts: list[Mapping[str, Any]], time: NDArray[np.float64], *, clock: bool) -> tuple[float, float]:
    """When the run began and ended; of one without a summary, its first and last box."""
    keys = _CLOCK if clock else ("first_time", "last_time")
    if parts and all(part.get(key) is not None for part in parts for key in keys):
        told = parts[0][keys[0]], parts[-1][keys[1]]
        if clock:
            begin, end = (np.datetime64(str(one)[:-1], "ms").astype(np.int64) / 1000 for one in told)
            return float(begin), float(end)
        return float(told[0]), float(told[1])
    return (float(time.min()), float(time.max())) if len(time) else (0.0, 0.0)


def _name(summary: Mapping[str, Any], folder: Path) -> str:
    return str(summary["source"].get("name") or folder.resolve().name) if summary else folder.resolve().name


def _source(summary: Mapping[str, Any]) -> str | None:
    return str(summary["source"]["path"]) if summary and summary["source"].get("path") else None


def _size(parts: list[Mapping[str, Any]]) -> tuple[int, int] | None:
    sizes = {(int(part["width"]), int(part["height"])) for part in parts}
    return sizes.pop() if len(sizes) == 1 else None

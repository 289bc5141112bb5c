"""`remix-track cam1.mp4 cam2.mp4 --link`: every person has one id in all videos.

Who is who is known when the last video is tracked. So all are tracked first, and then gone through once more, for the
files that were asked for.
"""

import argparse
import contextlib
import csv
import io
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from remix_track import __version__, reservations, stop_signals
from remix_track.cli.carrying import outcome
from remix_track.cli.progress import Progress
from remix_track.cli.results import Outputs, print_table
from remix_track.cli.terminal import say, show
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.output_files import release_folder, reserve_folder, reserve_numbered_folder
from remix_track.text_files import write_text
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.trackers.api import Runs
    from remix_track.trackers.linking.replay import Recording, TrackSummary
    from remix_track.trackers.pipeline.run import Run
    from remix_track.trackers.sources import Source

logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = Path("runs/link")
UNLINKED = "unlinked.txt"
_COLUMNS = ("person", "source", "track", "first_frame", "last_frame", "boxes")


@dataclass(slots=True)
class _Tracked:
    """One video after its first pass."""

    name: str | Path | int
    folder: Path
    run: "Run"
    recording: "Recording"
    tracks: "dict[int, TrackSummary]"
    people: dict[int, int]
    seconds: float


def check_link(arguments: argparse.Namespace, settings: TrackSettings, names: Sequence[str | Path | int]) -> None:
    """Refuse, before anything is loaded, what cannot be linked.

    Raises:
        InputError: one source, no appearance, or a window, which would show ids that nobody knows yet.
    """
    if arguments.link_distance is not None and not 0 < arguments.link_distance <= 2:
        raise InputError(f"--link-distance {arguments.link_distance:g}: must be above 0 and at most 2")
    if not arguments.link:
        if arguments.link_distance is not None:
            raise InputError("--link-distance goes with --link")
        return
    if len(names) < 2:
        raise InputError("--link joins the people of several videos; name two or more")
    if settings.appearance.weights == "none":
        raise InputError("--link needs appearance; give --weights other than none")
    if arguments.show:
        raise InputError("--show: who is who is known at the end of all videos; leave it out with --link")


def track_linked(names: Sequence[str | Path | int], runs: "Runs", arguments: argparse.Namespace) -> Iterator[str]:
    """Track all sources, link their tracks, write every result.

    Yields:
        what was wrong with the sources, a line each, as it is found.

    Raises:
        InputError: a result that cannot be written, or no source that could be tracked.
    """
    from remix_track.trackers.association.settings import UNCALIBRATED_COSINE_DISTANCE

    assert runs.embedder is not None
    folder = _claim(arguments)
    try:
        done: list[_Tracked] = []
        for name in names:
            stop_signals.check()
            try:
                done.append(_track(name, runs, arguments, folder))
            except InputError as error:
                yield str(error)
                continue
            yield from (f"{done[-1].run.source.name}: {problem}" for problem in done[-1].run.source.problems)
        if not done:
            raise InputError("--link: none of the sources could be tracked")
        stop_signals.check()
        calibrated = runs.embedder.max_cosine_distance
        distance = arguments.link_distance or calibrated or UNCALIBRATED_COSINE_DISTANCE
        if not (arguments.link_distance or calibrated):
            name = runs.embedder.description["name"]
            logger.warning(
                "%s: no calibrated threshold, so %g is a guess; see remix-track calibrate, or give --link-distance",
                name,
                distance,
            )
        _name_people(done, distance)
        _write_people(folder, done, distance, runs.embedder.description)
        for one in done:
            stop_signals.check()
            _write(one, runs.settings, arguments)
            reservations.release(one.folder)
        reservations.check(folder)
        if not arguments.quiet:
            show(_summary_line(done, distance, folder))
    finally:
        release_folder(folder)


def _claim(arguments: argparse.Namespace) -> Path:
    if arguments.output is None:
        return reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)
    return reserve_folder(arguments.output, overwrite=arguments.overwrite)


def _open(name: str | Path | int, settings: TrackSettings, arguments: argparse.Namespace) -> "Source":
    from remix_track.trackers.sources import open_source

    source = open_source(
        name,
        start=arguments.start,
        stride=arguments.stride,
        frames=arguments.frames,
        fps=arguments.fps,
        stream=settings.stream,
    )
    if source.live:
        source.close()
        raise InputError(f"{source.path}: --link goes through each source twice; record it first, or leave --link out")
    return source


def _track(name: str | Path | int, runs: "Runs", arguments: argparse.Namespace, folder: Path) -> _Tracked:
    """The first pass: the tracks as the tracker has them, in `unlinked.txt` and in memory."""
    from remix_track.trackers.linking.replay import Recording
    from remix_track.trackers.sinks.mot_text import MotTextSink

    began, recording = time.perf_counter(), Recording()
    with _open(name, runs.settings, arguments) as source:
        run = runs.run(source, stride=arguments.stride)
        own = reserve_numbered_folder(folder, source.name)
        try:
            with (
                stop_signals.held(),
                contextlib.closing(iter(run)) as frames,
                MotTextSink(own / UNLINKED) as text,
                Progress(source.name, source.frames, quiet=arguments.quiet) as progress,
            ):
                # With --offline frames come when all are tracked.
                run.on_progress = lambda tracked: progress.update(tracked, "tracking")
                for frame in stop_signals.awaited(frames):
                    reservations.refuse_removed(own)
                    text.write(frame)
                    recording.add(frame)
                    progress.update(run.frames, f"{len(frame.tracks)} tracks now, {len(run.people)} in all")
        except KeyboardInterrupt:
            ended = f"stopped by the user after {run.frames} frames; nothing is linked"
            say(f"remix-track: {ended}, the tracks so far are whole: {own / UNLINKED}")
            raise
        except InputError:
            if not run.frames:
                (own / UNLINKED).unlink(missing_ok=True)
                release_folder(own)
            raise
    return _Tracked(name, own, run, recording, recording.summaries(), {}, time.perf_counter() - began)


def _name_people(done: Sequence[_Tracked], distance: float) -> None:
    """Give each track its person, from 1 in the order in which they come; see `join_tracks`."""
    from remix_track.trackers.linking.across_videos import TrackLooks, join_tracks

    rows = [(video, id_, track) for video, one in enumerate(done) for id_, track in one.tracks.items()]
    width = max((len(track.mean) for *_, track in rows), default=0)
    looks = TrackLooks(
        np.array([video for video, *_ in rows], np.int64),
        np.array([track.first for *_, track in rows], np.int64),
        np.array([track.last for *_, track in rows], np.int64),
        np.array([track.mean for *_, track in rows], np.float32).reshape(-1, width),
    )
    for (video, id_, _), person in zip(rows, join_tracks(looks, distance).tolist(), strict=True):
        done[video].people[id_] = person + 1
    for one in done:
        one.run.people = set(one.people.values())


def _write(one: _Tracked, settings: TrackSettings, arguments: argparse.Namespace) -> None:
    """The second pass over a video: everything that was asked for, with the people's ids."""
    began = time.perf_counter() - one.seconds
    embedder = one.run.tracker.embedder
    with (
        stop_signals.held(),
        outcome(Outputs(one.folder, began), one.run, settings) as outputs,
        contextlib.ExitStack() as stack,
    ):
        looks = embedder.description if embedder else None
        outputs.open(arguments, fps=one.run.fps, drawing=settings.drawing, appearance=looks)
        pictures = None
        if arguments.video or arguments.crops:
            pictures = iter(stack.enter_context(_open(one.name, settings, arguments)))
        progress = stack.enter_context(Progress(f"{one.folder.name} again", one.run.frames, quiet=arguments.quiet))
        replayed = iter(one.recording.replay(one.people, pictures))
        for number, frame in enumerate(stop_signals.awaited(replayed), 1):
            outputs.write(frame)
            progress.update(number, "written with the people's ids")
    if not arguments.quiet:
        print_table(one.run, outputs)


def _write_people(folder: Path, done: Sequence[_Tracked], distance: float, looks: dict[str, Any]) -> None:
    """`people.csv`, a row for each track, and `link.json`."""
    rows: list[tuple[Any, ...]] = [
        (one.people[id_], one.folder.name, id_, track.first, track.last, track.boxes)
        for one in done
        for id_, track in one.tracks.items()
    ]
    ordered = sorted(rows, key=lambda row: (row[0], row[1], row[2]))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(ordered)
    write_text(folder / "people.csv", table.getvalue())
    facts = {
        "remix_track": __version__,
        "link_distance": distance,
        "appearance": looks,
        "people": len(_people(done)),
        "people_in_several": _shared(done),
        "tracks": len(rows),
        "sources": {one.folder.name: str(one.run.source.path) for one in done},
    }
    write_text(folder / "link.json", json_text(facts, indent=2))


def _people(done: Sequence[_Tracked]) -> set[int]:
    return set().union(*(one.run.people for one in done))


def _shared(done: Sequence[_Tracked]) -> int:
    """People who are in more than one video."""
    return sum(sum(person in one.run.people for one in done) > 1 for person in _people(done))


def _summary_line(done: Sequence[_Tracked], distance: float, folder: Path) -> str:
    tracks = sum(len(one.tracks) for one in done)
    return (
        f"{len(_people(done))} people of {tracks} tracks, {_shared(done)} of them in more than one video "
        f"(mean distance at most {distance:.4f}): {folder / 'people.csv'}"
    )

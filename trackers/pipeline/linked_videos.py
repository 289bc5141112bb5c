"""Several videos recorded so that every person has one id in all of them.

Identities are known only after the last video is tracked. So all are tracked first, and then read once more to write
the files that are wanted.
"""

import contextlib
import csv
import io
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track import __version__, reservations, stop_signals
from remix_track.encoder.centred_tracks import CentredTracks, centre_videos
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.output_files import release_folder, reserve_folder, reserve_numbered_folder
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.setting_values import Limits, typed
from remix_track.text_files import write_text
from remix_track.trackers.association.settings import UNCALIBRATED_COSINE_DISTANCE
from remix_track.trackers.linking.across_videos import join_tracks
from remix_track.trackers.linking.finished_video import FinishedVideo, VideoCollector
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.pipeline.recorder import Report, completed, open_outputs
from remix_track.trackers.sinks.formats import OutputSettings
from remix_track.trackers.sinks.mot_text import MotTextSink

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.run import Run
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = Path("runs/link")
UNLINKED = "unlinked.txt"


class LinkedTrack(NamedTuple):
    """A row of `people.csv`: a track of one video, and the person it shows."""

    person: int
    source: str
    track: int
    first_frame: int
    last_frame: int
    boxes: int


@dataclass(frozen=True, slots=True)
class Linked:
    """The people of several videos.

    Attributes:
        folder: of the results: `people.csv`, `link.json`, and a folder for each video.
        distance: the largest mean cosine distance of one person that was used.
        tracks: every track with its person, sorted by person, video and track.
        summaries: what `summary.json` says of each video, by the name of its folder.
    """

    folder: Path
    distance: float
    tracks: tuple[LinkedTrack, ...]
    summaries: dict[str, dict[str, Any]]

    @property
    def people(self) -> int:
        """How many people there are in all videos together."""
        return _people(self.tracks)

    @property
    def people_in_several(self) -> int:
        """How many of them are in more than one video."""
        return _in_several(self.tracks)


@dataclass(slots=True)
class _Tracked:
    """One video after its first pass; `people` (T,) are those of its tracks, once they are known."""

    name: Any
    folder: Path
    run: "Run"
    video: FinishedVideo
    people: NDArray[np.int64]
    seconds: float


def check_links(sources: int, wanted: OutputSettings, link_distance: float | None, *, appearance: bool) -> None:
    """Refuse, before anything is loaded, what cannot be linked.

    Raises:
        InputError: one source, no appearance, a distance that is none, or a window, which would show ids that are not
            known yet.
    """
    typed(link_distance, float | None, "`link_distance`", Limits(above=0, high=2))
    if sources < 2:
        raise InputError("`link` joins the people of several videos; name two or more")
    if not appearance:
        raise InputError("`link` needs appearance; give `weights` other than none")
    if wanted.show:
        raise InputError("`show`: ids are known only after all videos are tracked; leave it out with `link`")


def link_videos(
    names: Sequence[Any],
    session: "Session",
    opener: "Callable[[Any], Source]",
    wanted: OutputSettings,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    link_distance: float | None = None,
    on_progress: OnProgress = unheard,
    on_recorded: Callable[[Outputs], None] = lambda _: None,
    report: Report = logger.warning,
) -> Linked:
    """Track all sources, link their tracks, write every result.

    One that cannot be tracked does not keep the others from being linked.

    Args:
        names: the sources.
        session: makes the runs; with appearance.
        opener: opens a source; each is read once, and again where frames are drawn or cut.
        wanted: what is written of each.
        output: the folder of all results; None: `runs/link`, numbered.
        overwrite: replace an earlier result there.
        link_distance: largest mean cosine distance of one person, of vectors without their cameras; None: as near as
            strangers seldom come, measured on the tracks themselves, or with few tracks the weights' threshold.
        on_progress: called after each frame.
        on_recorded: called with what was written, when a source is done.
        report: told what was wrong with a source, a line each, as it is found.

    Raises:
        InputError: a result that cannot be written, or no source that could be tracked.
    """
    assert session.embedder is not None
    folder = (
        reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)
        if output is None
        else reserve_folder(output, overwrite=overwrite)
    )
    try:
        done = _track_all(names, session, opener, folder, on_progress, report)
        stop_signals.check()
        centred = centre_videos([one.video.means for one in done])
        distance = link_distance or (
            _calibrated_distance(session) if centred.max_distance is None else centred.max_distance
        )
        # From 1, in the order in which they come.
        for one, people in zip(done, join_tracks(centred.videos, distance), strict=True):
            one.people = people + 1
        tracks = _linked_tracks(done)
        _write_people(folder, done, tracks, distance, centred, session.embedder.description)
        summaries = {}
        for one in done:
            stop_signals.check()
            outputs = _write(one, opener, wanted, on_progress, report)
            summaries[one.folder.name] = outputs.summary
            on_recorded(outputs)
            reservations.release(one.folder)
        reservations.check(folder)
        return Linked(folder, distance, tracks, summaries)
    finally:
        release_folder(folder)


def _track_all(
    names: Sequence[Any],
    session: "Session",
    opener: "Callable[[Any], Source]",
    folder: Path,
    on_progress: OnProgress,
    report: Report,
) -> list[_Tracked]:
    done: list[_Tracked] = []
    for name in names:
        stop_signals.check()
        try:
            done.append(_track(name, session, opener, folder, on_progress, report))
        except InputError as error:
            report(str(error))
            continue
        source = done[-1].run.source
        for problem in source.problems:
            report(f"{source.name}: {problem}")
    if not done:
        raise InputError("`link`: none of the sources could be tracked")
    return done


def _calibrated_distance(session: "Session") -> float:
    assert session.embedder is not None
    calibrated = session.embedder.max_cosine_distance
    if not calibrated:
        logger.warning(
            "%s: no calibrated threshold, so %g is a guess; see remix-track calibrate, or give `link_distance`",
            session.embedder.description["name"],
            UNCALIBRATED_COSINE_DISTANCE,
        )
    return calibrated or UNCALIBRATED_COSINE_DISTANCE


def _track(
    name: Any,
    session: "Session",
    opener: "Callable[[Any], Source]",
    folder: Path,
    on_progress: OnProgress,
    report: Report,
) -> _Tracked:
    """The first pass: the tracks as the tracker has them, in `unlinked.txt` and in memory."""
    began, collected = time.perf_counter(), VideoCollector()
    with _open(name, opener) as source:
        run = session.run(source)
        own = reserve_numbered_folder(folder, source.name)

        def show(frames: int, detail: str) -> None:
            on_progress(Progress("tracking", source.name, frames, source.frames, detail))

        # With `offline` frames come when all are tracked.
        run.on_progress = lambda frames: show(frames, "tracking")
        try:
            with (
                stop_signals.held(),
                contextlib.closing(iter(run)) as frames,
                MotTextSink(own / UNLINKED) as text,
            ):
                for frame in stop_signals.awaited(frames):
                    reservations.refuse_removed(own)
                    text.write(frame)
                    collected.add(frame)
                    show(run.frames, f"{len(frame.tracks)} tracks now, {len(run.people)} in all")
        except KeyboardInterrupt:
            ended = f"stopped by the user after {run.frames} frames; nothing is linked"
            report(f"{ended}, the tracks so far are whole: {own / UNLINKED}")
            raise
        except InputError:
            if not run.frames:
                (own / UNLINKED).unlink(missing_ok=True)
                release_folder(own)
            raise
    return _Tracked(name, own, run, collected.finished(), np.empty(0, np.int64), time.perf_counter() - began)


def _open(name: Any, opener: "Callable[[Any], Source]") -> "Source":
    source = opener(name)
    if source.live:
        source.close()
        raise InputError(f"{source.path}: `link` goes through each source twice; record it first, or leave `link` out")
    return source


def _linked_tracks(done: Sequence[_Tracked]) -> tuple[LinkedTrack, ...]:
    rows = [
        LinkedTrack(person, one.folder.name, *facts)
        for one in done
        for person, *facts in zip(one.people.tolist(), *one.video.means.facts(), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (row.person, row.source, row.track)))


def _write(
    one: _Tracked, opener: "Callable[[Any], Source]", wanted: OutputSettings, on_progress: OnProgress, report: Report
) -> Outputs:
    """The second pass over a video: everything that is wanted, with the people's ids."""
    began = time.perf_counter() - one.seconds
    with (
        stop_signals.held(),
        completed(Outputs(one.folder, began), one.run, report) as outputs,
        contextlib.ExitStack() as stack,
    ):
        open_outputs(outputs, one.run, wanted)
        images = None
        if wanted.needs_images:
            images = iter(stack.enter_context(_open(one.name, opener)))
        name, total = f"{one.folder.name} again", one.run.frames
        replayed = iter(one.video.replay(images, one.people))
        for number, frame in enumerate(stop_signals.awaited(replayed), 1):
            outputs.write(frame)
            on_progress(Progress("writing", name, number, total, "written with the people's ids"))
    return outputs


def _write_people(
    folder: Path,
    done: Sequence[_Tracked],
    tracks: Sequence[LinkedTrack],
    distance: float,
    centred: CentredTracks,
    appearance: dict[str, Any],
) -> None:
    """`people.csv`, a row for each track, and `link.json`."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(LinkedTrack._fields)
    writer.writerows(tracks)
    write_text(folder / "people.csv", table.getvalue())
    facts = {
        "remix_track": __version__,
        "link_distance": distance,
        "camera_taken_out": {one.folder.name: share for one, share in zip(done, centred.kept, strict=True)},
        "appearance": appearance,
        "people": _people(tracks),
        "people_in_several": _in_several(tracks),
        "tracks": len(tracks),
        "sources": {one.folder.name: str(one.run.source.path) for one in done},
    }
    write_text(folder / "link.json", json_text(facts, indent=2))


def _people(tracks: Sequence[LinkedTrack]) -> int:
    return len({track.person for track in tracks})


def _in_several(tracks: Sequence[LinkedTrack]) -> int:
    """People who are in more than one video."""
    places = {(track.person, track.source) for track in tracks}
    return sum(number > 1 for number in Counter(person for person, _ in places).values())

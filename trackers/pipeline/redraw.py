"""A run drawn once more from its rows and its source: other boxes, other people, or with people hidden; no networks."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Tracks
from remix_track.digests import quick_digest
from remix_track.errors import InputError
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.settings import check, setting
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.drawing.hiding import Part, covers, hide
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.pipeline.recorded_run import RecordedRun
from remix_track.trackers.sinks.video import VideoSink
from remix_track.trackers.sources import is_live, open_source

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HidingSettings:
    """Who is hidden, and for how long beyond their rows.

    Attributes:
        blur: whole people, or their heads; None: nobody is hidden.
        pixelate: coarse squares in place of a blur.
        hide_gap: seconds; in a gap of a track that is no longer, the place between its ends is hidden.
        hide_before: seconds before a track's first and after its last box (and at longer gaps) for which the place is
            hidden: trackers confirm a person some frames late, and lose it while it is still to be seen.
    """

    blur: Part | None = setting(None, "people or heads: what is hidden of all whom the run found", common=True)
    pixelate: bool = setting(False, "hide by coarse squares, not by a blur", common=True)
    hide_gap: float = setting(4.0, "seconds; a track's place is hidden in gaps that are no longer", low=0, high=60)
    hide_before: float = setting(1.0, "seconds for which it is hidden before and after", low=0, high=60)

    def __post_init__(self) -> None:
        check(self)


def redraw(
    run: RecordedRun,
    output: Path,
    *,
    source: Any = None,
    only: Collection[int] = (),
    hiding: HidingSettings | None = None,
    drawing: DrawingSettings | None = None,
    on_progress: OnProgress = unheard,
) -> int:
    """Write a video; the number of its frames.

    Args:
        run: see `read_recorded_run`.
        output: the file to make.
        source: in place of the one that the run names.
        only: ids to draw; empty: all.
        hiding: who is hidden.
        drawing: what is drawn.
        on_progress: called after each frame.

    Raises:
        InputError: a source that is not there, that cannot be read again, or that has other frames than the run; ids
            that the run does not have; a file that cannot be made.
    """
    chosen = hiding or HidingSettings()
    missing = sorted(set(only) - set(run.id.tolist()))
    if missing:
        raise InputError(f"`only` {missing[0]}: {run.folder} has no such id; see its tracks.txt")
    drawn = np.flatnonzero(np.isin(run.id, list(only))) if only else np.arange(len(run.id))
    name = _source_of(run, source)
    _check_footage(run, name, hides=chosen.blur is not None)
    with open_source(name, start=run.first, stride=run.stride, frames=run.frames) as opened:
        fps = run.fps or opened.fps / run.stride
        hidden = _Hidden(run, chosen, fps)
        with VideoSink(output, fps, Drawer(drawing).draw) as sink:
            count = 0
            for count, frame in enumerate(opened, 1):
                _check_size(run, name, frame)
                sink.write(_tracked(frame, hidden.applied(frame), run, drawn))
                on_progress(Progress("drawing", opened.name, count, opened.frames, "no networks"))
    if not count:
        raise InputError(f"{name}: no frames; give the `source` that the run was tracked from")
    return count


def _source_of(run: RecordedRun, source: Any) -> Any:
    name = run.source if source is None else source
    if name is None:
        raise InputError(f"{run.folder}: no summary.json, so give the `source` that it was tracked from")
    if is_live(name):
        raise InputError(f"{name}: a camera does not show again what it showed; give a recording as `source`")
    return name


def _check_footage(run: RecordedRun, name: Any, *, hides: bool) -> None:
    """Refuse to hide people in other footage, where they stand in other places."""
    if run.digest is None or quick_digest(Path(str(name))) == run.digest:
        return
    if hides:
        raise InputError(f"{name}: another file than the run was tracked from, so people in it are elsewhere; track it")
    _log.warning("%s: another file than the run was tracked from", name)


def _check_size(run: RecordedRun, name: Any, frame: Frame) -> None:
    """Refuse images of another size: boxes would lie, and people be hidden, in other places."""
    height, width = frame.image.shape[:2]
    if run.size is not None and run.size != (width, height):
        had = "{}x{}".format(*run.size)
        raise InputError(f"{name}: images of {width}x{height}, where the run has {had}; give its `source`")


def _tracked(frame: Frame, image: NDArray[np.uint8], run: RecordedRun, drawn: NDArray[np.intp]) -> TrackedFrame:
    begin, end = np.searchsorted(run.frame[drawn], [frame.index, frame.index + 1])
    rows = drawn[begin:end]
    none = np.zeros(len(rows), np.int64)
    tracks = Tracks(run.id[rows], run.xyxy[rows].astype(np.float32), run.score[rows].astype(np.float32), none, none)
    return TrackedFrame(frame.index, image, frame.time, tracks, frame.utc)


class _Hidden:
    """What is hidden in each frame: every row of the run, and where a track may have been besides."""

    def __init__(self, run: RecordedRun, settings: HidingSettings, fps: float) -> None:
        self._settings = settings
        self._frame, self._areas = np.empty(0, np.int64), np.empty((0, 4))
        if settings.blur is None:
            return
        step = run.stride
        gap, beyond = (round(seconds * fps) * step for seconds in (settings.hide_gap, settings.hide_before))
        parts = list(covered(run.frame, run.id, run.xyxy, gap=gap, beyond=beyond, step=step))
        frame = np.concatenate([part for part, _ in parts]) if parts else self._frame
        xyxy = np.concatenate([part for _, part in parts]) if parts else self._areas
        order = np.argsort(frame, kind="stable")
        self._frame, self._areas = frame[order], covers(xyxy[order], settings.blur)

    def applied(self, frame: Frame) -> NDArray[np.uint8]:
        begin, end = np.searchsorted(self._frame, [frame.index, frame.index + 1])
        if begin == end:
            return frame.image
        image = frame.image.copy()
        hide(image, self._areas[begin:end], squares=self._settings.pixelate)
        return image


def covered(
    frame: NDArray[np.int64], id_: NDArray[np.int64], xyxy: NDArray[np.float64], *, gap: int, beyond: int, step: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Where each track is, and where it may be besides: frames and boxes, a stretch at a time.

    Args:
        frame: (N,) of each row.
        id_: (N,) of the track.
        xyxy: (N, 4) corners.
        gap: frames; gaps that are no longer are filled along a straight line.
        beyond: frames before and after a stretch, in which its first and last box stay.
        step: between neighbouring frames.
    """
    order = np.lexsort((frame, id_))
    frame, id_, xyxy = frame[order], id_[order], xyxy[order]
    cuts = np.flatnonzero((np.diff(id_) != 0) | (np.diff(frame) > gap + step)) + 1
    for rows in np.split(np.arange(len(frame)), cuts) if len(frame) else []:
        known, boxes = frame[rows], xyxy[rows]
        frames = np.arange(known[0] - beyond, known[-1] + beyond + 1, step)
        yield frames, np.column_stack([np.interp(frames, known, boxes[:, side]) for side in range(4)])

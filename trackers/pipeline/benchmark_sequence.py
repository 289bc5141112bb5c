"""One sequence of a benchmark tracked into its result file; detections and embeddings are kept for the next time."""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections, Tracks
from remix_track.digests import key_of
from remix_track.mot_text import format_frame
from remix_track.output_files import atomic_write
from remix_track.trackers.association.camera_motion import CameraMotion
from remix_track.trackers.detectors.int8 import SAMPLE
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.frame import Frame
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.pipeline.benchmark_cache import CachedFrame, CacheWriter, fingerprint, replay
from remix_track.trackers.pipeline.between_detections import BetweenDetections
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.sample import sample
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One sequence to track.

    Attributes:
        name: the sequence's.
        images: folder or file the frames come from; None where there are none (public detections, motion only).
        fps: frames per second.
        width: of the images in pixels, as a replay has none that could tell; None: not known.
        first, last: 1-based frames to track, both included.
        output: result file to write, numbered as the sequence is.
        detections: file of what the tracker was given, likewise.
        settings: with `detector.detector` naming this sequence's det.txt, where public detections are used.
        cache: folder of what was detected and embedded before; None to do it again and keep nothing.
        threads: for the networks.
        backwards: the frames from last to first, numbered from `first` on in this order.
    """

    name: str
    images: Path | None
    fps: float
    width: int | None
    first: int
    last: int
    output: Path
    detections: Path
    settings: TrackSettings
    cache: Path | None
    threads: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job: the frames, the seconds it took, and whether it was replayed."""

    name: str
    frames: int
    seconds: float
    replayed: bool


def track_sequence(job: Job, step: Callable[[], None]) -> Done:
    """Track one sequence and write its two files; `step` is called after every frame and may raise to stop.

    Raises:
        InputError: a detector, weights or pictures that cannot be used.
    """
    start = time.perf_counter()
    session = Session(job.settings, threads=job.threads)
    every = session.every(job.fps)
    tracker = Tracker.around(
        session.embedder,
        fps=job.fps / every,
        settings=session.settings.tracker,
        association=session.settings.association,
        frame_width=job.width,
    )
    seen, replayed = _processed(job, session)
    seen = _turned(seen) if job.backwards else seen
    frames, nothing, noted = 0, np.empty((0, 0, 3), np.uint8), FinishedTracks(job.fps / every, every)
    offline, last = session.settings.offline, job.first - 1  # that was there: `job.last` is what a text file says
    between = BetweenDetections(tracker, every, hold=True, keep_places=offline.offline)
    with _written(job.output) as file, _written(job.detections) as given:
        for index, detections, camera in seen:
            given.writelines(_detected(index, detections))
            frame = Frame(index, nothing, (index - 1) / job.fps, detect=frames % every == 0)
            ready = between.update(frame, detections, camera)
            if offline.offline and frame.detect:
                tracker.note(noted, index)
            elif not offline.offline:
                file.writelines(_lines(one.index, one.tracks) for one in ready)
            frames, last = frames + 1, index
            step()
        ready = between.rest()
        if offline.offline:
            finished = between.completed(tracker.finish(noted, offline))
            file.writelines(_lines(index, finished.tracks(index)) for index in range(job.first, last + 1))
        else:
            file.writelines(_lines(one.index, one.tracks) for one in ready)
    return Done(job.name, frames, time.perf_counter() - start, replayed)


def _turned(seen: Iterator[CachedFrame]) -> Iterator[CachedFrame]:
    """The frames from the last to the first, with the numbers of the first to the last, and cameras that move back."""
    frames = list(seen)
    after = None
    for index, one in zip([one.frame for one in frames], reversed(frames), strict=True):
        yield CachedFrame(index, one.detections, after)
        after = None if one.camera is None else _inverse(one.camera)


def _inverse(camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) of the way back."""
    turn = np.linalg.inv(camera[:, :2])
    return np.column_stack([turn, -turn @ camera[:, 2]])


@contextlib.contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    with atomic_write(path, parents=False) as temporary, temporary.open("w", encoding="ascii") as file:
        yield file


def _detected(frame: int, detections: Detections) -> Iterator[str]:
    """Lines of MOT text; scores as exact as the question which of them are sure."""
    tlwh = tlwh_from_xyxy(detections.xyxy.astype(np.float64))
    for (left, top, width, height), score in zip(tlwh.tolist(), detections.score.tolist(), strict=True):
        yield f"{frame},-1,{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.4f}\n"


def _lines(frame: int, tracks: Tracks) -> str:
    return format_frame(frame, tracks.ids, tlwh_from_xyxy(tracks.xyxy.astype(np.float64)), tracks.score)


def _processed(job: Job, session: Session) -> tuple[Iterator[CachedFrame], bool]:
    """Every frame's detections with their embeddings, from the cache where it has them."""
    notes: list[str] = []
    if job.cache is None:
        return _process(job, session, notes), False
    key = key_of(_facts(job, session))
    kept = replay(job.cache, key)
    if kept is None:
        seen = _process(job, session, notes)
        try:
            return _record(CacheWriter(job.cache, key), seen, notes), False
        except OSError as error:
            _say_nothing_is_kept(job.cache, error)
            return seen, False
    seen, notes = kept
    for note in notes:
        _logger.warning("%s: %s", job.name, note)
    return seen, True


def _record(recording: CacheWriter, seen: Iterator[CachedFrame], notes: list[str]) -> Iterator[CachedFrame]:
    """Hand on what is seen and keep it; a cache without room costs the next run its replay, but not this one."""
    keeping = True
    try:
        for one in seen:
            try:
                if keeping:
                    recording.append(one)
            except OSError as error:
                keeping = _give_up(recording, error)
            yield one
        try:
            if keeping:
                recording.finish(notes)
        except OSError as error:
            _give_up(recording, error)
    except BaseException:
        recording.abandon()
        raise


def _give_up(recording: CacheWriter, error: OSError) -> bool:
    _say_nothing_is_kept(recording.cache, error)
    recording.abandon()
    return False


def _say_nothing_is_kept(cache: Path, error: OSError) -> None:
    _logger.warning("%s: nothing is kept for the next run (%s)", cache, error.strerror or error)


def _process(job: Job, session: Session, notes: list[str]) -> Iterator[CachedFrame]:
    """Every frame's detections with their embeddings, and the camera's motion if the tracker asks for it; in the end,
    `notes` says what was wrong with the source and with the detections."""
    if job.images is None:
        detector, empty = session.detector(), np.empty((0, 0, 3), np.uint8)
        for index in range(job.first, job.last + 1):
            yield CachedFrame(index, detector(Frame(index, empty, (index - 1) / job.fps)))
        notes += [detector.doubt] if isinstance(detector, PublicDetections) and detector.doubt else []
        return
    count = job.last - job.first + 1
    every = session.every(job.fps)
    motion = CameraMotion() if session.settings.association.follows_camera else None
    with (
        open_source(job.images, start=job.first, frames=count, fps=job.fps) as source,
        contextlib.ExitStack() as stack,
    ):
        frames = partial(sample, source, SAMPLE)
        detect_and_embed = session.detect_and_embed(StageClock(), every=every, frames=frames)
        seen = stack.enter_context(contextlib.closing(detect_and_embed(_marked(source, every))))
        here = np.empty((0, 4), np.float32)
        for frame, detections in seen:
            here = detections.xyxy if frame.detect else here
            camera = motion(frame.image, here) if motion else None
            yield CachedFrame(frame.index, detections, camera)
        # Its doubts the source says itself.
        notes += [*source.warnings, *source.problems, *detect_and_embed.doubts]
        for problem in source.problems:
            _logger.warning("%s: %s", job.name, problem)


def _marked(frames: Iterable[Frame], every: int) -> Iterator[Frame]:
    for count, frame in enumerate(frames):
        yield dataclasses.replace(frame, detect=count % every == 0)


def _facts(job: Job, session: Session) -> dict[str, Any]:
    """Everything on which detections and embeddings depend."""
    detector = job.settings.detector
    named = Path(detector.detector)
    return {
        "version": 3,
        "pictures": fingerprint(job.images) if job.images else None,
        "frames": [job.first, job.last],
        "every": session.every(job.fps),
        "detector": dataclasses.asdict(detector) | {"detector": named.name},
        "detector_file": fingerprint(named) if named.exists() else session.detector().name,
        "min_confidence": job.settings.tracker.min_confidence,
        "least_score": session.least_score,
        "camera": job.settings.association.follows_camera,
        "appearance": session.embedder.description if session.embedder else None,
    }

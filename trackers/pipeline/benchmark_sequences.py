"""The sequences of a benchmark tracked, several at once, each into its result file."""

import contextlib
import dataclasses
import itertools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from remix_track import mot_classes, mot_text, reservations, stop_signals
from remix_track.errors import InputError
from remix_track.machine import usable_cores
from remix_track.mot_sequence import SequenceInfo
from remix_track.output_files import release_folder, reserve_folder, reserve_numbered_folder
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.setting_values import Limits, typed
from remix_track.trackers.pipeline.benchmark_sequence import Done, Job, track_sequence
from remix_track.trackers.pipeline.recorder import Report
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import open_source

_logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = Path("runs/eval")
PUBLIC = "public"
"""The detector that is each sequence's own `det/det.txt`."""
GIVEN = "detections"
"""Folder beside the results with the boxes that they were made from: `eval --errors` looks there."""
_MOST_WITHOUT_IMAGES = 1_000_000
"""Nine hours at 30 per second: where no image says that a frame is there, a wrong number would cost weeks."""


@dataclass(frozen=True, slots=True)
class SequenceFiles:
    """What is known of a sequence before it is tracked.

    Attributes:
        name: its result file is called `NAME.txt`.
        folder: for messages.
        info: what `seqinfo.ini` says.
        images: the folder of its images, or its video; None without any.
        detections: its `det/det.txt`; None without one.
        first, last: 1-based frames to track, both included.
        public: its name says that these detections are meant.
    """

    name: str
    folder: Path
    info: SequenceInfo
    images: Path | None
    detections: Path | None
    first: int
    last: int
    public: bool = False


def plan(sequence: SequenceFiles, settings: TrackSettings, cache: Path | None, *, own_classes: bool = False) -> Job:
    """One sequence's job: its public detections where they are asked for, or where its name says they are meant.

    Args:
        sequence: the sequence.
        settings: of the run; `detector.detector` may be `public`.
        cache: folder of what was detected and embedded before; None to keep nothing.
        own_classes: numbers among the settings' classes are those of its files; see `_for_detector`.

    Raises:
        InputError: no detections or images where they are needed, or a length that cannot be right.
    """
    named = settings.detector.detector
    public = named == PUBLIC or (named == "auto" and (sequence.public or sequence.images is None))
    if public and sequence.detections is None:
        raise InputError(f"{sequence.folder}: no public detections (det/det.txt); give `detector` yolo11n.pt")
    if own_classes and settings.detector.classes:
        settings = _for_detector(settings, sequence.detections if public else None)
    if public:
        of_sequence = dataclasses.replace(settings.detector, detector=str(sequence.detections))
        settings = dataclasses.replace(settings, detector=of_sequence)
    if sequence.images is None and not public:
        raise InputError(f"{sequence.folder}: no images for `detector` {named}; give `detector` {PUBLIC}")
    if sequence.images is None and settings.appearance.weights != "none":
        raise InputError(
            f"{sequence.folder}: no images ({sequence.info.image_folder}/) to embed; put them there, "
            "or give `weights` none to track by motion alone"
        )
    unseen = public and settings.appearance.weights == "none" and not settings.association.follows_camera
    frames = sequence.last - sequence.first + 1
    if (sequence.images is None or unseen) and frames > _MOST_WITHOUT_IMAGES:
        raise InputError(
            f"{sequence.folder}: {frames:,} frames of detections alone are more than "
            f"{_MOST_WITHOUT_IMAGES:,}; correct seqLength in seqinfo.ini, or the frame numbers in det.txt and gt.txt"
        )
    needs_width = sequence.images and settings.offline.offline
    return Job(
        name=sequence.name,
        images=None if unseen else sequence.images,
        fps=sequence.info.fps or 30.0,
        width=sequence.info.width or (_width_of(sequence.images) if sequence.images and needs_width else None),
        first=sequence.first,
        last=sequence.last,
        output=Path(),
        detections=Path(),
        settings=settings,
        cache=cache,
        threads=1,
    )


def _for_detector(settings: TrackSettings, detections: Path | None) -> TrackSettings:
    """The settings with the classes that the detector of own data understands.

    Numbers are those of files in MOT text, as far as these state classes. A network numbers its classes in another way,
    so it takes names only.

    Args:
        settings: with all classes that were chosen.
        detections: the `det.txt` that is the detector; None for a network.
    """
    wants_numbers = detections is not None and bool(mot_classes.class_counts(mot_text.examine(detections)[0]))
    kept = tuple(word for word in settings.detector.classes if word.isdecimal() == wants_numbers)
    return dataclasses.replace(settings, detector=dataclasses.replace(settings.detector, classes=kept))


def _width_of(images: Path) -> int:
    """Of the first of them, in pixels."""
    with open_source(images, frames=1) as source:
        return int(next(iter(source)).image.shape[1])


def track_sequences(
    planned: Sequence[Job],
    *,
    output: Path | None = None,
    overwrite: bool = False,
    at_once: int | None = None,
    on_progress: OnProgress = unheard,
    on_done: Callable[[Done], None] = lambda _: None,
    report: Report = _logger.warning,
    begin: Callable[[], None] = lambda: None,
) -> Path:
    """Track every sequence, several at once in processes of their own.

    Args:
        planned: the jobs, see `plan`; their `output`, `detections` and `threads` are filled in here.
        output: the folder of the result files, and in `detections/` of what the tracker was given; None: `runs/eval`,
            numbered.
        overwrite: replace an earlier result there.
        at_once: sequences tracked at the same time; None: one per core.
        on_progress: called after frames, with those of all sequences.
        on_done: called with what became of a sequence.
        report: told what is there where the user stops it.
        begin: called first in each process.

    Returns:
        The folder of the result files.

    Raises:
        InputError: a sequence that cannot be tracked (the others are given up), or a place that cannot be written.
    """
    typed(at_once, int | None, "`jobs`", Limits(low=1))
    cores = usable_cores()
    processes = max(1, min(at_once or cores, len(planned)))
    if output is None:
        folder = reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)
    else:
        folder = reserve_folder(output, overwrite=overwrite)
    threads = max(1, cores // processes)
    jobs = [
        dataclasses.replace(
            job, output=folder / f"{job.name}.txt", detections=folder / GIVEN / f"{job.name}.txt", threads=threads
        )
        for job in planned
    ]
    ended, total = 0, sum(job.last - job.first + 1 for job in jobs)

    def show(frames: int) -> None:
        detail = f"{ended} of {len(jobs)} sequences done"
        on_progress(Progress("tracking", "tracking", frames, total, detail))

    def count(done: Done) -> None:
        nonlocal ended
        ended += 1
        on_done(done)

    try:
        (folder / GIVEN).mkdir(exist_ok=True)
        show(0)
        _track_all(jobs, processes, count, show, begin)
        reservations.check(folder)
    except KeyboardInterrupt:
        kept = f"{ended} of {len(jobs)} sequences are done, in {folder}" if ended else "no sequence is done"
        report(f"stopped by the user; {kept}")
        raise
    finally:
        # Where nothing was begun, nothing stays.
        with contextlib.suppress(OSError):
            (folder / GIVEN).rmdir()
        release_folder(folder)
    return folder


def _track_all(
    jobs: Sequence[Job],
    processes: int,
    on_done: Callable[[Done], None],
    show: Callable[[int], None],
    begin: Callable[[], None],
) -> None:
    """Do the jobs in `processes` processes; `on_done` gets each as it ends, `show` the number of frames so far.

    Raises:
        InputError: of the first job that fails; the others are given up. Or a process was killed.
    """
    if processes == 1 or len(jobs) == 1:
        frames = itertools.count(1)
        for job in jobs:
            on_done(track_sequence(job, lambda: show(next(frames))))
        return
    context = get_context("spawn")
    with stop_signals.starting_workers():
        # For what they share multiprocessing starts a process of its own.
        counter, stop = context.Value("q", 0), context.Event()
    with ProcessPoolExecutor(
        min(processes, len(jobs)), mp_context=context, initializer=_begin_work, initargs=(counter, stop, begin)
    ) as pool:
        with stop_signals.starting_workers():
            waiting = {pool.submit(_work, job) for job in jobs}
            # The pool looks who has died among the processes that it knew at the last `submit`: without one more, the
            # death of the last process may be noticed by none (CPython 3.11, concurrent.futures.process).
            pool.submit(int)
        try:
            while waiting:
                ended, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                # Without its lock, which a process that is killed may have.
                show(counter.get_obj().value)
                for future in ended:
                    on_done(future.result())
        except BrokenProcessPool:
            raise InputError(
                "a process that tracked was ended from outside, as Linux does where memory runs out; run again with "
                "fewer `jobs`"
            ) from None
        except BaseException:
            # Leaving the pool waits for its processes, which end at their next frame.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


_shared: "tuple[Any, Any]"
"""In a process of the pool: the counter of frames and the wish to stop, which can only be handed over at its start."""


def _begin_work(counter: Any, stop: Any, begin: Callable[[], None]) -> None:
    global _shared
    _shared = counter, stop
    stop_signals.leave_to_starter()
    begin()


def _work(job: Job) -> Done:
    return track_sequence(job, _count_or_stop)


def _count_or_stop() -> None:
    counter, stop = _shared
    with counter.get_lock():
        counter.value += 1
    if stop.is_set():
        raise KeyboardInterrupt

"""What a worker does: it loads networks once, then tracks sources into the store, or looks at pieces of long ones."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from remix_track.digests import key_of, sha256_of
from remix_track.errors import InputError, is_out_of_memory
from remix_track.store import layout, open_store
from remix_track.store.archive.clock_time import Clock
from remix_track.store.archive.perception import Perception
from remix_track.store.archive.tasks import Done, Failed, Lost, Networks, Piece, Setup, StoreError, Task
from remix_track.store.job import Job, JobSource, Weights
from remix_track.trackers.association.settings import least_score
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.detectors.yolo import YoloDetector
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.excerpts import pictures_between, timeline_of
from remix_track.trackers.stage_clock import StageClock


class _SourceError(InputError):
    """The source is at fault."""


class Worker:
    """Does tasks, one after another, with networks that stay loaded.

    Attributes:
        networks: that are loaded.
    """

    def __init__(self, setup: Setup) -> None:
        """Load the networks and open the store.

        Raises:
            InputError: a setting, weights, or a store that cannot be used.
        """
        self._setup = setup
        self._store = open_store(Path(setup.store))
        self._clock = Clock(setup.start_time, setup.time_zone)
        # A store has boxes and vectors only.
        settings = dataclasses.replace(
            setup.settings, detector=dataclasses.replace(setup.settings.detector, shapes=False)
        )
        session = Session(settings, threads=setup.threads)
        detector = session.detector(setup.threads)
        embedder = session.embedder
        weights = None if embedder is None else Weights.of(embedder.description)
        self.networks = Networks(weights, _facts(setup.settings.detector.detector, detector))
        if is_of_every_source(setup.settings.detector.detector_precision):
            # The numbers of such a network are chosen on the source.
            self._session = session
        else:
            self._session = Session(settings, threads=setup.threads, detector=detector, embedder=embedder)

    def __call__(self, task: Task) -> Done | Failed | Lost:
        """Do a task; what goes wrong is told, not raised."""
        try:
            return self._track(task) if task.piece is None else self._look(task, task.piece)
        except _SourceError as error:
            return Failed(str(error), source=True)
        except InputError as error:
            return Failed(str(error), fatal=True)
        except Exception as error:
            if is_out_of_memory(error):
                return Lost("there was not enough memory")
            return Failed(f"a fault in the program, {type(error).__name__}: {' '.join(str(error).split())[:300]}")

    def _track(self, task: Task) -> Done | Failed:
        try:
            start = self._clock.start_of(Path(task.path))
        except InputError as error:
            return Failed(str(error))
        excerpt = self._setup.excerpt
        opener = partial(open_source, task.path, **dataclasses.asdict(excerpt))
        with self._perception(task) as perception, _at_fault(), contextlib.ExitStack() as stack:
            source = stack.enter_context(opener())
            around = {} if perception is None else {"around": perception.around}
            run = self._session.run(source, reopen=opener, **around)
            stack.callback(run.close)
            self._write(dataclasses.replace(task.job, start=start, fps=run.fps), run)
            computed = run.frames if perception is None else perception.computed
            problems = tuple(source.problems)
        if task.cut and not self._setup.keep_perception:
            shutil.rmtree(self._perception_folder(task), ignore_errors=True)
        return Done(run.frames, run.frames / run.fps, len(run.people), problems, computed)

    def _write(self, job: Job, run: Run) -> None:
        try:
            with self._store.writer(job) as writer:
                for frame in _frames(run):
                    writer.add(frame)
                writer.problems = tuple(run.source.problems)
                writer.ended = run.source.broke_off or writer.ended
        except _SourceError:
            raise
        except InputError as error:
            raise StoreError(str(error)) from None

    def _look(self, task: Task, piece: Piece) -> Done:
        timeline = timeline_of(Path(task.path))
        if timeline is None:
            return Done()
        every, look = self._session.every(timeline.fps), self._setup.settings.tracker.reid == "always"

        def frames() -> Iterator[Frame]:
            for stamp, image in pictures_between(Path(task.path), piece.begin, piece.end):
                number = round((stamp - timeline.begin) * timeline.fps)
                yield Frame(number + 1, image, stamp - timeline.begin, detect=number % every == 0)

        count = 0
        with self._perception(task) as perception:
            assert perception is not None
            processed = self._session.detect_and_embed(StageClock(), look=look, every=every, around=perception.around)
            # What cannot be read here the tracking reads, or says why not.
            with contextlib.closing(processed(frames())) as seen, contextlib.suppress(_SourceError), _at_fault():
                for _ in seen:
                    count += 1
        return Done(count, count / timeline.fps, computed=perception.computed)

    @contextlib.contextmanager
    def _perception(self, task: Task) -> Iterator[Perception | None]:
        """What was kept of the source, where something is to be kept or was."""
        kept = self._setup.keep_perception and is_by_pixels(self._setup.settings.detector.detector)
        if not (kept or task.cut or task.piece is not None):
            yield None
            return
        perception = Perception(self._perception_folder(task))
        try:
            yield perception
        except BaseException:
            perception.abandon()
            raise
        perception.close()

    def _perception_folder(self, task: Task) -> Path:
        store, key = Path(self._setup.store), perception_key(task.job.source, self._setup, self.networks)
        return layout.inside(store, store / layout.PERCEPTION / key)


@contextlib.contextmanager
def _at_fault() -> Iterator[None]:
    """What cannot be used in here is the source."""
    try:
        yield
    except (_SourceError, StoreError):
        raise
    except InputError as error:
        raise _SourceError(str(error)) from None


def _frames(run: Run) -> Iterator[TrackedFrame]:
    with _at_fault():
        yield from run


def is_of_every_source(precision: str) -> bool:
    """Whether a detector of this precision is made anew for every source."""
    return precision in ("int8", "auto")


def is_by_pixels(detector: str) -> bool:
    """Whether what a detector finds depends on pixels; public detections are found by the number of a frame."""
    return not detector.lower().endswith(".txt")


def perception_key(source: JobSource, setup: Setup, networks: Networks) -> str:
    """The name under which detections and vectors of a source are kept."""
    settings = setup.settings
    chosen = dataclasses.asdict(settings.detector)
    for name in ("detector", "detect_every", "device"):
        del chosen[name]
    return key_of({
        "format": 1,
        "source": [source.size, source.modified_ns, source.digest],
        "detector": [chosen, networks.detector],
        "appearance": dataclasses.asdict(settings.appearance) | {"weights": networks.weights},
        "min_confidence": settings.tracker.min_confidence,
        "least_score": least_score(settings.tracker, settings.association),
        "vectors": settings.tracker.reid == "always",
    })  # fmt: skip


def _facts(named: str, detector: Detector) -> dict[str, Any]:
    if isinstance(detector, YoloDetector):
        return {"sha256": detector.sha256}
    if isinstance(detector, PublicDetections):
        return {"sha256": sha256_of(Path(named).expanduser(), kind="detections")}
    return {"name": detector.name}

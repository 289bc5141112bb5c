"""An archive tracked into a store: tasks given to workers until every source is done, has failed, or was there."""

import os
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from remix_track import stop_signals
from remix_track.encoder.backend import is_for_gpu
from remix_track.errors import InputError
from remix_track.machine import usable_cores
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.store import open_store
from remix_track.store.archive.clock_time import Clock
from remix_track.store.archive.plan import Planner
from remix_track.store.archive.processes import ProcessWorkers
from remix_track.store.archive.report import HOUR, ArchiveReport
from remix_track.store.archive.settings import ArchiveSettings, Excerpt
from remix_track.store.archive.tasks import Done, Failed, Lost, Outcome, Setup, StoreError, Task, Workers
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import is_live
from remix_track.trackers.sources.opening import is_address

TRIES = 3
"""How often a task is given out whose worker ends under it."""
ON_A_GPU = 4
"""Processes that share a GPU: one that decodes leaves it idle."""
_WAIT = 0.5


def track_archive(
    sources: Iterable[str | os.PathLike[str]],
    store: str | os.PathLike[str],
    settings: TrackSettings | None = None,
    archive: ArchiveSettings | None = None,
    excerpt: Excerpt | None = None,
    *,
    on_progress: OnProgress = unheard,
) -> ArchiveReport:
    """Track every source into a store; what the store has already is skipped, so that a run that was ended goes on.

        report = track_archive(["archive/gate.mp4", "archive/yard.mp4"], "people.store")
        print(report.done, report.skipped, report.failed)

    A job is a source (size, time of change, first and last MiB), the settings and the weights. What comes out does
    not depend on the number of processes, nor on how often the run was ended.

    Args:
        sources: videos, folders of images, MOT sequences.
        store: its folder; made if it is not there.
        settings: of the tracker.
        archive: how the sources are shared among processes.
        excerpt: which frames of every source.
        on_progress: called as sources end.

    Returns:
        What became of them. Sources that cannot be tracked are in it.

    Raises:
        InputError: settings, weights or a store that cannot be used; a source that never ends; no room on the disk.
    """
    settings, archive, excerpt = settings or TrackSettings(), archive or ArchiveSettings(), excerpt or Excerpt()
    names = [os.fspath(source) for source in sources]
    for name in names:
        _refuse_endless(name)
    Clock(archive.start_time, archive.time_zone)
    opened = open_store(Path(store), create=True)
    opened.sweep()
    setup = Setup(
        str(Path(store).absolute()),
        settings,
        excerpt,
        archive.keep_perception,
        start_time=archive.start_time,
        time_zone=archive.time_zone,
    )
    report = ArchiveReport(total=len(names))
    with stop_signals.caught_if_unhandled():
        workers = _workers(setup, archive)
        try:
            _Run(setup, archive, workers, report, on_progress).track(names)
        finally:
            workers.close()
            opened.sweep()
    return report


def _refuse_endless(name: str) -> None:
    if is_live(name) or is_address(name):
        raise InputError(f"{name}: an archive is files; record cameras and streams first")


def _workers(setup: Setup, archive: ArchiveSettings) -> Workers:
    if archive.cluster is not None:
        from remix_track.store.archive.ray_workers import RayWorkers

        return RayWorkers(setup, archive)
    gpus = _gpus(setup.settings)
    return ProcessWorkers(setup, archive.workers or (gpus * ON_A_GPU if gpus else usable_cores()), gpus)


def _gpus(settings: TrackSettings) -> int:
    """The GPUs that processes may share; 0 where none is used."""
    device = settings.detector.device
    if not is_for_gpu(device or "auto"):
        return 0
    import torch

    return torch.cuda.device_count() if device in (None, "auto", "cuda") else 1


class _Run:
    """One run over an archive."""

    def __init__(
        self, setup: Setup, archive: ArchiveSettings, workers: Workers, report: ArchiveReport, on_progress: OnProgress
    ) -> None:
        self._workers, self._report, self._on_progress = workers, report, on_progress
        networks = workers.networks()
        self._planner = Planner(setup, archive, networks, report, workers=workers.count)
        self._began = time.monotonic()
        self._waiting = deque[Task]()
        self._under_way = 0
        self._pieces = Counter[str]()
        self._tries = Counter[tuple[str, object]]()

    def track(self, names: Sequence[str]) -> None:
        """Give out tasks until there are none.

        Raises:
            InputError: nothing more can be done.
        """
        planned = self._planner.tasks(names)
        more = True
        try:
            while more or self._waiting or self._under_way:
                while self._workers.has_room() and (self._waiting or more):
                    if self._waiting:
                        self._give(self._waiting.popleft())
                        continue
                    tasks = next(planned, None)
                    more = tasks is not None
                    self._plan(tasks or [])
                    if not tasks:
                        break  # so that many sources without a task keep no worker waiting
                self._hear(0.0 if more and self._workers.has_room() else _WAIT)
        finally:
            self._planner.claims.give_all_back()
            self._report.wall_seconds = time.monotonic() - self._began

    def _plan(self, tasks: list[Task]) -> None:
        self._waiting.extend(tasks)
        for task in tasks:
            self._pieces[task.job.key] += task.piece is not None

    def _give(self, task: Task) -> None:
        self._workers.give(task)
        self._under_way += 1

    def _hear(self, seconds: float) -> None:
        for outcome in self._workers.wait(seconds):
            self._under_way -= 1
            self._take(outcome)
        stop_signals.check()
        self._tell()

    def _take(self, outcome: Outcome) -> None:
        task, result = outcome
        if isinstance(result, Failed) and result.fatal:
            raise StoreError(result.reason)
        if isinstance(result, Lost):
            self._report.lost += 1
            self._tries[task.job.key, task.piece] += 1
            if self._tries[task.job.key, task.piece] < TRIES:
                self._waiting.append(task)
                return
        if task.piece is not None:
            self._take_piece(task)
        else:
            self._end(task, result)

    def _take_piece(self, task: Task) -> None:
        """A piece is looked at, or cannot be; then the tracking does it, or says why not."""
        key = task.job.key
        self._pieces[key] -= 1
        if not self._pieces[key]:
            self._waiting.appendleft(Task(task.path, task.job, cut=True))

    def _end(self, task: Task, result: Done | Failed | Lost) -> None:
        key, path, report = task.job.key, task.job.source.path, self._report
        if isinstance(result, Done):
            report.done += 1
            report.frames += result.frames
            report.computed += result.computed
            report.tracks += result.tracks
            report.film_seconds += result.seconds
            report.damaged += [(path, problem) for problem in result.problems[:1]]
            self._planner.failures.forget(key)
        elif isinstance(result, Lost):
            report.failed.append((path, f"{path}: {result.reason}, {TRIES} times; run again, or see what it is"))
        else:
            report.failed.append((path, result.reason))
            if result.source:
                self._planner.failures.keep(key, path, result.reason)
        self._planner.claims.give_back(key)

    def _tell(self) -> None:
        report = self._report
        seconds = max(time.monotonic() - self._began, 1e-9)
        rate = report.film_seconds / seconds
        detail = f"{report.done} done, {report.skipped} there before, {len(report.failed)} failed, "
        detail += f"{report.film_seconds / HOUR:.1f} h of film, {rate:.1f} h per hour"
        self._on_progress(Progress("tracking", "archive", report.ended, report.total, detail))

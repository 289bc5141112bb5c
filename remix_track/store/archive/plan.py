"""From a source to tasks: what is done already, has failed, or is under way elsewhere needs none."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.store import layout
from remix_track.store.archive.cameras import CameraNames
from remix_track.store.archive.claims import Claims
from remix_track.store.archive.failures import Failures
from remix_track.store.archive.report import ArchiveReport
from remix_track.store.archive.settings import ArchiveSettings
from remix_track.store.archive.tasks import Networks, Piece, Setup, Task
from remix_track.store.archive.worker import is_by_pixels, is_of_every_source
from remix_track.store.job import Job, JobSource
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources.excerpts import timeline_of

SLOWEST = 10_000
"""Bytes that a second of film has at least: smaller files are not opened to see how long they are."""
_LEAST_PIECES = 2


class Planner:
    """Makes the tasks of sources, one after another; each job is this process's until its claim is given back."""

    def __init__(
        self,
        setup: Setup,
        archive: ArchiveSettings,
        networks: Networks,
        report: ArchiveReport,
        *,
        workers: int,
    ) -> None:
        """Begin.

        Args:
            setup: of all tasks.
            archive: how they are shared.
            networks: that are loaded.
            report: where sources without a task are counted.
            workers: for how many processes there is to be work.

        Raises:
            InputError: the store cannot be written.
        """
        store = Path(setup.store)
        self.claims, self.failures = Claims(store), Failures(store)
        self._jobs = store / layout.JOBS
        self._setup, self._archive, self._networks, self._report = setup, archive, networks, report
        self._settings = job_settings(setup, networks)
        self._cameras = CameraNames(archive.camera)
        self._known: dict[str, str] = {}
        precision = setup.settings.detector.detector_precision
        whole = setup.excerpt.is_all and not is_of_every_source(precision)
        self._cuts = whole and workers > 1 and is_by_pixels(setup.settings.detector.detector)

    def tasks(self, sources: Iterable[str]) -> Iterator[list[Task]]:
        """The tasks of each source, which may be none."""
        for path in sources:
            yield self._of(path)

    def _of(self, path: str) -> list[Task]:
        try:
            source = JobSource.of_path(path)
            job = Job(source, self._cameras.of(Path(path)), self._settings, self._networks.weights)
        except InputError as error:
            self._report.failed.append((path, str(error)))
            return []
        if not self._is_due(job, path):
            return []
        task = Task(str(Path(path).absolute()), job)
        pieces = self._pieces(task) if self._cuts else []
        return [dataclasses.replace(task, piece=piece) for piece in pieces] or [task]

    def _is_due(self, job: Job, path: str) -> bool:
        """Whether a job is to be done now; then it is claimed."""
        key, report = job.key, self._report
        if key in self._known:
            report.same += 1
            return False
        self._known[key] = path
        if self.is_done(key):
            report.skipped += 1
            return False
        reason = self.failures.reason(key)
        if reason is not None and not self._archive.retry_failed:
            report.failed.append((path, reason))
            report.known += 1
            return False
        if not self.claims.take(key):
            report.elsewhere += 1
            return False
        if self.is_done(key):  # while we looked
            self.claims.give_back(key)
            report.skipped += 1
            return False
        return True

    def is_done(self, key: str) -> bool:
        """Whether the store has the job."""
        return (self._jobs / key / layout.JOB).is_file()

    def _pieces(self, task: Task) -> Sequence[Piece]:
        """The parts of a long file; none of a short one."""
        seconds = self._archive.piece * 60
        if task.job.source.size < _LEAST_PIECES * seconds * SLOWEST:
            return ()
        timeline = timeline_of(Path(task.path))
        count = math.floor(timeline.seconds / seconds) if timeline else 0
        if timeline is None or count < _LEAST_PIECES:
            return ()
        begins = [timeline.begin + timeline.seconds * number / count for number in range(count)]
        return [Piece(*ends) for ends in zip(begins, [*begins[1:], None], strict=True)]


def job_settings(setup: Setup, networks: Networks) -> dict[str, Any]:
    """What decides the tracks of a source, beside its frames and the weights: no paths, and not what computes it."""
    settings = setup.settings
    detector = _without(settings, "detector", ("detector", "device", "detector_backend"))
    return {
        "detector": detector | networks.detector,
        "appearance": _without(settings, "appearance", ("weights", "backend")),
        "tracker": dataclasses.asdict(settings.tracker),
        "association": dataclasses.asdict(settings.association),
        "offline": dataclasses.asdict(settings.offline),
        "frames": dataclasses.asdict(setup.excerpt),
    }


def _without(settings: TrackSettings, section: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(getattr(settings, section)).items() if name not in names}

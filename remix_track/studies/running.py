"""Runs the trainings of studies as processes of their own, skips what is done, and goes on with what was cut."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from remix_track import file_lock, reservations
from remix_track.errors import InputError
from remix_track.studies.cell_runs import CellFolders, CellRun, settings_that_matter
from remix_track.studies.shared_pretraining import pretraining_cell, words_to_start_from
from remix_track.studies.study_file import Cell, Study
from remix_track.training.train_settings import TrainSettings

TRAINER = (sys.executable, "-m", "remix_track.cli.train")
_LOCK = ".lock"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One training that studies ask for.

    Attributes:
        name: `STUDY/CELL` where it is first asked for.
        cell: its settings.
        seed: its seed.
        needs: the pre-training whose weights it starts from; None where it has none, or is one.
    """

    name: str
    cell: Cell
    seed: int
    needs: "Job | None" = None

    def __str__(self) -> str:
        return f"{self.name} seed {self.seed}"


def all_jobs(studies: Sequence[Study]) -> list[Job]:
    """Every training once, however many studies ask for it: study by study, and in each seed by seed.

    A pre-training comes before the first of those that start from it.
    """
    jobs: dict[tuple[TrainSettings, int], Job] = {}
    for study in studies:
        for seed in study.seeds:
            for cell in study.cells:
                first, needs = pretraining_cell(cell), None
                if first:
                    job = Job(f"{study.name}/{first.name}", first, seed)
                    needs = jobs.setdefault((settings_that_matter(first.settings), seed), job)
                job = Job(f"{study.name}/{cell.name}", cell, seed, needs)
                jobs.setdefault((settings_that_matter(cell.settings), seed), job)
    return list(jobs.values())


@dataclass(frozen=True, slots=True)
class FolderLock:
    """A folder that is kept for one runner.

    Attributes:
        root: the folder.
        file: the lock's, open; trainings hold it too.
    """

    root: Path
    file: int

    def check(self) -> None:
        """Nothing, unless the folder is not there any more as it was.

        Raises:
            InputError: it was removed, renamed or replaced.
        """
        with contextlib.suppress(OSError):
            if reservations.file_id(self.root / _LOCK) == reservations.file_id(self.file):
                return
        raise InputError(
            f"{self.root}: was removed, renamed or replaced while the grid ran; run again, and leave it until the "
            "grid ends"
        )


@contextlib.contextmanager
def folder_lock(root: Path) -> Iterator[FolderLock]:
    """Keep `root` for one runner; trainings hold the lock too, so that none is ever run twice at once.

    Raises:
        InputError: a runner, or a training that one left behind, is at work there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / _LOCK).open("w")
    except OSError as error:
        raise InputError(f"{root}: cannot be written ({error.strerror}); give another `output`") from None
    with file:
        try:
            file_lock.lock(file.fileno())
        except OSError:
            raise InputError(
                f"{root}: another run of the grid is at work there; wait, or give another `output`"
            ) from None
        yield FolderLock(root, file.fileno())


def run_jobs(
    jobs: Sequence[Job],
    folders: CellFolders,
    lock: FolderLock,
    *,
    parallel: int = 1,
    tell: Callable[[Job, str], None] = lambda job, words: None,
    ended: Callable[[Job], None] = lambda job: None,
) -> int:
    """Run the trainings in order, `parallel` at a time.

    A finished one is skipped, a cut one goes on from its last checkpoint, one that fails does not stop the next.

    Args:
        jobs: what to run.
        folders: of the cells.
        lock: of `folder_lock`.
        parallel: processes at once; each takes `run.threads`.
        tell: told of each start and end.
        ended: called after each end, well or not.

    Returns:
        number of trainings that failed.

    Raises:
        InputError: the folder was removed, renamed or replaced; the trainings under way have left.
        KeyboardInterrupt: a stop was asked for; the trainings under way have saved and left.
    """
    waiting = [job for job in jobs if not _finished(folders.run(job.cell, job.seed))]
    running: list[_Training] = []
    failed: set[Job] = set()
    try:
        while waiting or running:
            lock.check()
            for job in [one for one in waiting if one.needs in failed]:
                waiting.remove(job)
                failed.add(job)
                tell(job, "failed: its pre-training did")
            for job in [one for one in waiting if _can_begin(one, folders)][: parallel - len(running)]:
                waiting.remove(job)
                running.append(_Training(job, folders, lock.file))
                tell(job, running[-1].beginning)
            for training in [one for one in running if one.process.poll() is not None]:
                running.remove(training)
                if not training.close():
                    failed.add(training.job)
                tell(training.job, training.outcome)
                ended(training.job)
            time.sleep(0.05)
    except BaseException:  # Ctrl-C, or a disk that is full: nothing goes on unseen
        for training in running:
            training.stop()
            tell(training.job, training.outcome)
        raise
    return len(failed)


def _can_begin(job: Job, folders: CellFolders) -> bool:
    return job.needs is None or _finished(folders.run(job.needs.cell, job.seed))


def _finished(run: CellRun | None) -> bool:
    return run is not None and run.state() == "finished"


class _Training:
    """A process that trains one cell."""

    def __init__(self, job: Job, folders: CellFolders, lock: int) -> None:
        run = folders.claim(job.cell, job.seed, job.name)
        before = folders.run(job.needs.cell, job.seed) if job.needs else None
        start = words_to_start_from(before) if before else []
        self.job, self.run = job, run
        self.beginning = f"goes on in {run.folder}" if run.has_checkpoint else f"begins in {run.folder}"
        self.outcome = ""
        words = ["--resume", run.folder] if run.has_checkpoint else [
            "--config", run.config, "--set", f"run.seed={job.seed}", *start, "--output", run.folder, "--overwrite"
        ]  # fmt: skip
        run.begin(time.time())
        with run.open_log() as log:
            self.process = _start([*TRAINER, *map(str, words)], log, lock, job.cell.settings.run.threads)

    def close(self) -> bool:
        """Note how it ended; whether that was well."""
        code = self.process.returncode
        try:
            self.run.end(time.time(), code)
        except InputError as error:
            self.outcome = f"failed: {error}"
            return False
        result = self.run.result()
        if result is None:
            self.outcome = f"failed ({_code(code)}): {self.run.last_words()}"
            return False
        scores = f"Rank-1 {100 * result.rank1:.1f}, mAP {100 * result.map:.1f}"
        self.outcome = f"{scores}, {result.seconds / 60:.1f} minutes"
        return True

    def stop(self) -> None:
        """Ask it to save and leave."""
        self.process.terminate()
        code = self.process.wait()
        try:
            self.run.end(time.time(), code)
        except InputError as error:
            self.outcome = f"stopped: {error}"
        else:
            self.outcome = "stopped; the same command goes on with it"


def _code(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"


def _start(words: list[str], log: IO[bytes], lock: int, threads: int) -> subprocess.Popen[bytes]:
    """Start a process that gets no Ctrl-C from the terminal: the runner asks it to save and leave."""
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    libc = ctypes.CDLL(None)

    def follow_parent() -> None:
        # Were the runner killed, its training would go on unseen: it saves and leaves instead.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        pass_fds=(lock,),
        preexec_fn=follow_parent,
    )

"""`remix-train grid`: a file of studies, every cell a training, tables and plots at the end and all along."""

import argparse
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import say, show
from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed
from remix_track.studies.cell_runs import CellFolders
from remix_track.studies.plots import draw_study
from remix_track.studies.running import FolderLock, Job, all_jobs, folder_lock, run_jobs
from remix_track.studies.study_file import StudyFile, chosen_studies, read_studies
from remix_track.studies.summary import collect, write_results
from remix_track.studies.table import write_table

DEFAULT_OUTPUT = Path("runs/grid")
_IMAGE_SECONDS = 60.0


def parser() -> argparse.ArgumentParser:
    """The flags of the runner."""
    made = Parser(
        prog="remix-train grid",
        description="Run every training of a file of studies; called again, it goes on where it was stopped.",
        epilog="DIR gets table.md, results.json, an image for each study, and every training under cells/.",
    )
    made.add_argument("file", metavar="FILE.toml", type=Path, help="studies, such as configs/grid_cpu.toml")
    made.add_argument(
        "--output", "-o", metavar="DIR", type=Path, default=DEFAULT_OUTPUT, help=f"(default: {DEFAULT_OUTPUT})"
    )
    made.add_argument(
        "--only", metavar="NAME", nargs="+", default=[], help="run these alone, STUDY or STUDY/CELL; the table has all"
    )
    made.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="a setting of every cell that neither its study nor itself names, such as run.device=cuda",
    )
    made.add_argument("--jobs", type=int, default=1, help="trainings side by side, each with run.threads (default: 1)")
    made.add_argument("--dry-run", action="store_true", help="say what is finished and what would run, and stop")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    return made


def run(words: Sequence[str]) -> int:
    """Run the studies; 1 where a training failed."""
    arguments = parser().parse_args(words)
    typed(arguments.jobs, int, "--jobs", Limits(low=1, high=256))
    file = read_studies(arguments.file, arguments.set)
    jobs = all_jobs(chosen_studies(file, arguments.only))
    if arguments.dry_run:
        _say_plan(jobs, CellFolders(arguments.output))
        return 0
    _check_data(file, jobs)
    with folder_lock(arguments.output) as lock:
        return _run(file, jobs, arguments, lock)


def _run(file: StudyFile, jobs: list[Job], arguments: argparse.Namespace, lock: FolderLock) -> int:
    folders = CellFolders(arguments.output)
    numbers = {job: number for number, job in enumerate(jobs, 1)}
    report = _Report(file, folders, lock, arguments.set)

    def tell(job: Job, words: str) -> None:
        if not arguments.quiet or words.startswith("failed"):
            say(f"[{numbers[job]}/{len(jobs)}] {job}: {words}")

    try:
        failed = run_jobs(jobs, folders, lock, parallel=arguments.jobs, tell=tell, ended=lambda job: report.write())
    finally:
        report.write(last=True)
    if not arguments.quiet:
        show(f"{len(jobs) - failed} of {len(jobs)} trainings finished: {arguments.output / 'table.md'}")
    return 1 if failed else 0


class _Report:
    """Results, table and pictures of all studies of the file, run now or not."""

    def __init__(self, file: StudyFile, folders: CellFolders, lock: FolderLock, changes: Sequence[str]) -> None:
        self._file, self._folders, self._lock, self._root = file, folders, lock, lock.root
        sets = [word for change in changes for word in ("--set", change)]
        self._command = shlex.join(["remix-train", "grid", str(file.path), *sets])
        self._drawn = time.monotonic()

    def write(self, *, last: bool = False) -> None:
        """Write them anew; pictures at most every minute, as they take longer, and at the end.

        Raises:
            InputError: the folder is not there any more as it was, or they cannot be written.
        """
        self._lock.check()
        found = collect(self._file.studies, self._folders)
        write_results(self._root, found)
        pictures = {one.study.name: self._root / f"{one.study.name}.png" for one in found}
        if last or time.monotonic() - self._drawn >= _IMAGE_SECONDS:
            for one in found:
                draw_study(pictures[one.study.name], one)
            self._drawn = time.monotonic()
        drawn = [name for name, path in pictures.items() if path.is_file()]
        write_table(self._root, found, self._command, drawn)


def _check_data(file: StudyFile, jobs: Sequence[Job]) -> None:
    """Raise `InputError` where a data set is not there, before anything runs."""
    for job in jobs:
        data = job.cell.settings.data
        if not data.target:
            raise InputError(f"{file.path}: {job.name} has no data.target; name a set to be scored on in [base.data]")
        for name in (*data.multi_camera, *data.single_camera, data.target):
            path = Path(name.partition(":")[2]).expanduser()
            if not path.exists():
                made = f"; make it with: {file.data_command}" if file.data_command else ""
                raise InputError(f"{path}: no such data set ({job.name}){made}")


def _say_plan(jobs: Sequence[Job], folders: CellFolders) -> None:
    waiting = 0
    for job in jobs:
        cell_run = folders.run(job.cell, job.seed)
        state = cell_run.state() if cell_run else "not run"
        waiting += state != "finished"
        differs = ", ".join(job.cell.changes) or "the study's base"
        show(f"{state:8}  {job}  ({differs})")
    show(f"{waiting} of {len(jobs)} trainings would run")

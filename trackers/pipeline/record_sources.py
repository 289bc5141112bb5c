"""Several sources recorded, each into a folder of its own: those with an end in turn, live ones at the same time."""

import itertools
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import stop_signals
from remix_track.errors import InputError
from remix_track.output_files import reserve_folder, reserve_numbered_folder
from remix_track.progress import OnProgress, unheard
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.pipeline.record_cameras import record_cameras
from remix_track.trackers.pipeline.recorder import Recogniser, Report, record
from remix_track.trackers.sinks.formats import OutputSettings
from remix_track.trackers.sources import is_live

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = Path("runs/track")


class ResultFolders:
    """Makes the folder of each source; two of one name get two folders."""

    def __init__(
        self,
        output: Path | None,
        *,
        several: bool,
        overwrite: bool = False,
        name: str | None = None,
        on_numbered: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begin without any.

        Args:
            output: the folder of one source, or that in which those of `several` lie; None: below `runs/track`.
            several: sources.
            overwrite: replace earlier results, but never one of this job.
            name: of the folder within `output`; None: that of the source.
            on_numbered: told, in a line, where a folder got a number because its name was taken.
        """
        self._output, self._several, self._overwrite = output, several, overwrite
        self._name, self._on_numbered = name, on_numbered
        self._reserved = set[Path]()

    def reserve(self, name: str) -> Path:
        """The folder for the source of that name.

        Raises:
            InputError: it holds something, is in use, or cannot be written.
        """
        if self._output is not None and not self._several and self._name is None:
            return reserve_folder(self._output, overwrite=self._overwrite)
        parent, name = DEFAULT_OUTPUT if self._output is None else self._output, self._name or name
        if not self._overwrite:
            folder = reserve_numbered_folder(parent, name)
            if folder != parent / name:
                self._on_numbered(f"{parent / name} holds a result already, so this one goes to {folder}")
            return folder
        candidates = (parent / (name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
        folder = next(path for path in candidates if path not in self._reserved)
        self._reserved.add(folder)
        return reserve_folder(folder, overwrite=True)


def record_sources(
    names: Sequence[Any],
    session: "Session",
    opener: "Callable[[Any], Source]",
    wanted: OutputSettings,
    folders: ResultFolders,
    *,
    on_progress: OnProgress = unheard,
    on_recorded: Callable[[Outputs], None] = lambda _: None,
    report: Report = logger.warning,
    recogniser: "Callable[[str, Source], Recogniser] | None" = None,
) -> None:
    """Record what has an end one after another, then all that is live at the same time.

    Among several, one that cannot be opened or has no frames does not keep the others from being recorded.

    Args:
        names: the sources.
        session: makes the runs.
        opener: opens a source.
        wanted: what is written of each.
        folders: where.
        on_progress: called after each frame.
        on_recorded: called with what was written, when a source is done.
        report: told what was wrong with a source, a line each, as it is found.
        recogniser: makes what says whom tracks show, given a source and its name here; None: nothing does.

    Raises:
        InputError: the only source, or a place, cannot be used.
    """
    several, live = len(names) > 1, list[Callable[[], "Source"]]()
    for name in names:
        stop_signals.check()
        opened = partial(opener, name)
        if several and is_live(name):
            live.append(opened)
            continue
        try:
            source = opened()
        except InputError as error:
            if not several:
                raise
            report(str(error))
            continue
        if several and source.live:
            # Hung up for now: nothing would read it while others are recorded.
            source.close()
            live.append(opened)
            continue
        _record_one(
            source, opened, session, wanted, folders, on_progress, on_recorded, report, recogniser, several=several
        )
    if live:
        done = record_cameras(
            live, session, wanted, folders.reserve, on_progress=on_progress, report=report, recogniser=recogniser
        )
        for outputs in done:
            on_recorded(outputs)


def _record_one(
    source: "Source",
    opened: "Callable[[], Source]",
    session: "Session",
    wanted: OutputSettings,
    folders: ResultFolders,
    on_progress: OnProgress,
    on_recorded: Callable[[Outputs], None],
    report: Report,
    recogniser: "Callable[[str, Source], Recogniser] | None",
    *,
    several: bool,
) -> None:
    with source:
        run = session.run(source, reopen=opened)
        try:
            knows = recogniser(source.name, source) if recogniser else None
            outputs = record(run, wanted, partial(folders.reserve, source.name), on_progress, report, knows)
        except InputError as error:
            if not several or source.frames_read:
                raise
            report(str(error))
            return
    if outputs:
        on_recorded(outputs)
    for problem in source.problems:
        report(f"{source.name}: {problem}")

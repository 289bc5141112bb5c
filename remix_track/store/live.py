"""A camera written into a store while it runs: in parts, each of which is whole, and searched, as soon as it ends."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from remix_track.addresses import without_passwords
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.setting_values import Limits, typed
from remix_track.store import layout
from remix_track.store.best_crops import BestCropSettings
from remix_track.store.job import Job
from remix_track.store.job_writer import JobWriter
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.pipeline.recorder import frames_of, tracks_so_far

if TYPE_CHECKING:
    from remix_track.store.store import Store
    from remix_track.trackers.pipeline.run import Run

PART_SECONDS = 60.0
"""By default a search sees what happened up to a minute ago."""


class LiveWriter:
    """Writes the frames of one camera; a sink, see `Sink`.

        with store.live_writer(job) as writer:
            for frame in run:
                writer.write(frame)

    Parts lie in `live/KEY/0001` and so on, and each is as a job of its own, with the key `KEY~0001`. Somebody who is
    there while one part ends and the next begins has a tracklet in both, with the same track number. A killed process
    leaves all parts but the last one.

    Attributes:
        job: that is written.
        parts: how many of them are whole.
        last: the key of the one that was completed last; empty before the first.
    """

    def __init__(
        self, folder: Path, job: Job, *, seconds: float = PART_SECONDS, settings: BestCropSettings | None = None
    ) -> None:
        """Begin without any part.

        Args:
            folder: of the parts.
            job: what is tracked; made by `JobSource.live`, so that a camera that begins anew is another job.
            seconds: of the source's time that a part has.
            settings: of the crops.

        Raises:
            InputError: `seconds` is no time.
        """
        self.job, self.parts, self.last = job, 0, ""
        self._folder, self._settings = folder, settings
        self._seconds = float(typed(seconds, float, "seconds", Limits(above=0)))
        self._begin: float | None = None
        self._number = 0
        self._part: JobWriter | None = None

    def write(self, frame: TrackedFrame) -> None:
        """Take a frame; where it is of the next part, the one before is completed.

        Raises:
            InputError: no room; what parts there are stay.
        """
        self._begin = frame.time if self._begin is None else self._begin
        # Times are multiples of a frame's length, which floats do not hit.
        number = int((frame.time - self._begin) / self._seconds + 1e-6) + 1
        if number != self._number:
            self.close()
            self._number = number
            self._part = JobWriter(self._folder / f"{number:04d}", self.job, self._settings)
        if self._part is not None:
            try:
                self._part.add(frame)
            except BaseException:
                self._part = None  # it gave itself up
                raise

    def close(self) -> None:
        """Complete the part that is being written; later calls do nothing.

        Raises:
            InputError: no room.
        """
        part, self._part = self._part, None
        if part is not None:
            part.__exit__(None, None, None)
            self.parts, self.last = self.parts + 1, layout.part_key(self.job.key, part.folder.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Also what came before an error is worth to be searched.
        if error is None:
            self.close()
        else:
            with contextlib.suppress(Exception):
                self.close()


def record_live(
    run: "Run",
    store: "Store",
    job: Job,
    *,
    seconds: float = PART_SECONDS,
    crops: BestCropSettings | None = None,
    on_progress: OnProgress = unheard,
) -> int:
    """Track a camera until it ends or is stopped, and write it into a store as it goes.

    Args:
        run: not iterated yet.
        store: that gets the parts.
        job: what `run` tracks.
        seconds: of a part.
        crops: which are kept of each track.
        on_progress: called after each frame.

    Returns:
        How many parts were written.

    Raises:
        InputError: a camera that cannot be read, or a store that cannot be written; what parts there are stay.
        KeyboardInterrupt: the user stopped it; likewise.
    """
    name = without_passwords(run.source.name)
    with frames_of(run) as frames, store.live_writer(job, seconds=seconds, settings=crops) as writer:
        for frame in frames:
            writer.write(frame)
            on_progress(Progress("tracking", name, run.frames, None, tracks_so_far(run)))
        writer.close()
        return writer.parts

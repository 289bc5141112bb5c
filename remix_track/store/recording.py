"""A run recorded into a store: tracked and written frame by frame."""

import dataclasses
from typing import TYPE_CHECKING

from remix_track.addresses import without_passwords
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.store.best_crops import BestCropSettings
from remix_track.store.job import Job
from remix_track.store.stored_job import COMPLETE, StoredJob
from remix_track.text_files import utf8
from remix_track.trackers.pipeline.recorder import frames_of, tracks_so_far

if TYPE_CHECKING:
    from remix_track.store.store import Store
    from remix_track.trackers.pipeline.run import Run

MOST_PROBLEMS = 100
"""Lines on what was wrong with a source that a job keeps."""


def record_job(
    run: "Run",
    store: "Store",
    job: Job,
    *,
    crops: BestCropSettings | None = None,
    on_progress: OnProgress = unheard,
) -> StoredJob:
    """Track to the end of the source, and write the job; nothing of it stays where that fails or is stopped.

    Args:
        run: not iterated yet.
        store: that gets the job.
        job: what `run` tracks; its frame rate is filled in.
        crops: which are kept of each track.
        on_progress: called after each frame.

    Raises:
        InputError: a source that cannot be read, or a store that cannot be written.
        KeyboardInterrupt: the user stopped it.
    """
    name, total = run.source.name, run.source.frames
    settings = crops or BestCropSettings()
    with (
        frames_of(run, images=settings.crops_per_tracklet > 0) as frames,
        store.writer(dataclasses.replace(job, fps=run.fps), settings) as writer,
    ):
        for frame in frames:
            writer.add(frame)
            on_progress(Progress("tracking", name, run.frames, total, tracks_so_far(run)))
        writer.ended = without_passwords(run.source.broke_off or COMPLETE)
        writer.problems = tuple(utf8(without_passwords(line)) for line in run.source.problems[:MOST_PROBLEMS])
    return store.job(job)

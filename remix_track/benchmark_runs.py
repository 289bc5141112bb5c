"""Our tracker over the sequences of a benchmark: what knows both the benchmark's files and the tracker."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.eval.files.sequences import Found, Sequence
from remix_track.eval.matching.preprocess import Split, split_range
from remix_track.progress import OnProgress, unheard

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.benchmark_images import Pictures
    from remix_track.trackers.pipeline.benchmark_sequence import Done
    from remix_track.trackers.pipeline.benchmark_sequences import SequenceFiles
    from remix_track.trackers.settings import TrackSettings


def track_benchmark(
    found: Found,
    settings: "TrackSettings",
    *,
    split: Split = "all",
    own_classes: bool = False,
    cache: Path | None = None,
    output: Path | None = None,
    overwrite: bool = False,
    at_once: int | None = None,
    backwards: bool = False,
    on_progress: OnProgress = unheard,
    on_done: "Callable[[Done], None]" = lambda _: None,
    report: Callable[[str], None] = lambda _: None,
    begin: Callable[[], None] = lambda: None,
) -> Path:
    """Run the tracker over every sequence that was found; for the others see `track_sequences`.

    Args:
        found: the sequences.
        settings: of the runs.
        split: which frames.
        own_classes: the classes of the settings are numbers of the user's own data.
        cache: where detections and vectors are kept for the next run; None: nowhere.
        output: folder of the result files; None: `runs/eval`, numbered.
        overwrite: replace an earlier result there.
        at_once: sequences tracked at once; None: one per core.
        backwards: from the last frame to the first, numbered in this order.
        on_progress: called after each frame.
        on_done: called with each sequence that is done.
        report: told what was wrong with a sequence.
        begin: called first in each process that tracks.

    Returns:
        The folder of the result files.

    Raises:
        InputError: a sequence, a setting or a place that cannot be used.
    """
    from remix_track.trackers.pipeline.benchmark_sequences import plan, track_sequences

    # Every sequence is looked through before a folder is made: nothing is left behind by a wrong call.
    jobs = [plan(_files(one, split), settings, cache, own_classes=own_classes) for one in found.sequences]
    return track_sequences(
        [replace(job, backwards=backwards) for job in jobs],
        output=output,
        overwrite=overwrite,
        at_once=at_once,
        on_progress=on_progress,
        on_done=on_done,
        report=report,
        begin=begin,
    )


def images_of(found: Found, split: Split) -> "Pictures | None":
    """The images of the sequences, where any has some."""
    from remix_track.trackers.pipeline.benchmark_images import Pictures

    places = {one.name: one.pictures or one.video for one in found.sequences}
    skipped = {one.name: split_range(split, one.frames)[0] - 1 for one in found.sequences}
    return Pictures(places, skipped) if any(places.values()) else None


def _files(sequence: Sequence, split: Split) -> "SequenceFiles":
    from remix_track.trackers.pipeline.benchmark_sequences import SequenceFiles

    first, last = split_range(split, sequence.frames)
    images, public = sequence.pictures or sequence.video, sequence.detector is not None
    return SequenceFiles(
        sequence.name, sequence.folder, sequence.info, images, sequence.detections, first, last, public
    )

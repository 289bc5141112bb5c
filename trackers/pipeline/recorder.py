"""A run recorded to files: tracked and written frame by frame, and ended so that every file is whole."""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from remix_track import __version__, reservations, stop_signals
from remix_track.addresses import without_passwords
from remix_track.digests import quick_digest
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.text_files import write_text
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.sinks.formats import OutputSettings, RunFacts

if TYPE_CHECKING:
    from remix_track.trackers.detectors.detector import Detector
    from remix_track.trackers.pipeline.run import Run

logger = logging.getLogger(__name__)


class Recogniser(Protocol):
    """Says whom the tracks of each frame show."""

    def __call__(self, frame: TrackedFrame) -> TrackedFrame:
        """The frame with its people."""

    def close(self) -> None:
        """Called once, after the last frame; what it learnt is to be kept."""


Report = Callable[[str], None]
"""Told, a line each, what the user should hear of while a job goes on or when it ends early."""


def record(
    run: "Run",
    wanted: OutputSettings,
    reserve: Callable[[], Path],
    on_progress: OnProgress = unheard,
    report: Report = logger.warning,
    recogniser: Recogniser | None = None,
) -> Outputs | None:
    """Track to the end of the source and write what is wanted into the folder that `reserve` makes.

    Args:
        run: not iterated yet.
        wanted: which files.
        reserve: makes the folder; called with the first frame, so that a source without frames leaves no trace.
        on_progress: called after each frame; offline, first while nothing comes out yet.
        report: told how a run ended that was stopped.
        recogniser: says whom tracks show; closed at the end.

    Returns:
        What was written, with its summary; None where no frame came.

    Raises:
        InputError: a source or a place that cannot be used; the files have what came before it.
        KeyboardInterrupt: the user stopped it; likewise.
    """
    name, total = run.source.name, run.source.frames
    waiting = "tracking; linking and writing come after"
    run.on_progress = lambda done: on_progress(Progress("tracking", name, done, total, waiting))
    stage = "writing" if run.offline else "tracking"
    with Recorder(run, wanted, reserve, title=name, report=report, recogniser=recogniser) as recorder:
        while recorder.step():
            on_progress(Progress(stage, name, run.frames, total, tracks_so_far(run)))
    return recorder.outputs


def tracks_so_far(run: "Run") -> str:
    """How many tracks a run has, as a line of progress says it."""
    return f"{run.people_now} tracks now, {len(run.people)} in all"


@contextlib.contextmanager
def frames_of(run: "Run", *, images: bool = True) -> Iterator[Generator[TrackedFrame, None, None]]:
    """The frames of a run, which begins here and is closed at the end.

    A signal is acted on where the next frame is waited for, and nowhere else: every file has the same frames.

    Args:
        run: not iterated yet.
        images: whether those of frames that come later than they were read are needed.

    Raises:
        InputError: a source that cannot be used.
        KeyboardInterrupt: the user stopped it.
    """
    stop_signals.check()
    with stop_signals.held(), contextlib.ExitStack() as stack:
        stack.callback(run.close)
        if not images:
            run.forgo_images()
        frames = stack.enter_context(contextlib.closing(iter(run)))
        run.begin()
        yield _waited_for(frames)


def _waited_for(frames: Generator[TrackedFrame, None, None]) -> Generator[TrackedFrame, None, None]:
    with contextlib.closing(frames):
        while True:
            with stop_signals.waiting():
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


class Recorder:
    """Records a run, a frame at a `step`, inside `with`; what ends that says how the run ended.

    Attributes:
        run: the run.
        outputs: what it is written to; None before the first frame.
    """

    def __init__(
        self,
        run: "Run",
        wanted: OutputSettings,
        reserve: Callable[[], Path],
        *,
        title: str,
        report: Report = logger.warning,
        recogniser: Recogniser | None = None,
    ) -> None:
        """Begin to read and to detect; `title` is that of its window, for the others see `record`."""
        self.run = run
        self.outputs: Outputs | None = None
        self._wanted, self._reserve, self._title, self._report = wanted, reserve, title, report
        self._recogniser = recogniser
        self._began = time.perf_counter()
        self._stack = contextlib.ExitStack()
        self._frames = self._stack.enter_context(frames_of(run, images=wanted.needs_images))

    def step(self) -> bool:
        """Track the next frame and write it; False where there is no more to do: no frame, or a closed window."""
        if self.outputs and self.outputs.window_closed:
            return False
        frame = next(self._frames, None)
        if frame is None:
            return False
        if self.outputs is None:
            self.outputs = self._open()
        if self._recogniser is not None:
            frame = self._recogniser(frame)
        self.outputs.write(frame)
        return not self.outputs.window_closed

    def _open(self) -> Outputs:
        folder = self._reserve()
        self._stack.callback(reservations.release, folder)
        outputs = Outputs(folder, self._began)
        self._stack.enter_context(completed(outputs, self.run, self._report))
        # Once more: it is over before the summary is written.
        self._stack.enter_context(contextlib.closing(self._frames))
        if self._recogniser is not None:
            self._stack.callback(self._recogniser.close)
        open_outputs(outputs, self.run, self._wanted, self._title, people=self._recogniser is not None)
        return outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def open_outputs(
    outputs: Outputs, run: "Run", wanted: OutputSettings, title: str = "remix-track", *, people: bool = False
) -> None:
    """Prepare the files of a run; see `Outputs.open`."""
    from remix_track.trackers.drawing.drawer import Drawer

    embedder = run.tracker.embedder
    facts = RunFacts(
        fps=run.fps,
        draw=Drawer(run.settings.drawing, several_classes(run.detector)).draw,
        crops=run.settings.crops,
        appearance=embedder.description if embedder else None,
        class_names=run.class_names,
        told_classes=told_classes(run.detector),
        people=people,
        title=title,
        source=run.source.name,
        boxes_drawn=run.settings.drawing.boxes,
        labels_drawn=run.settings.drawing.labels,
    )
    outputs.open(wanted, facts)


def several_classes(detector: "Detector") -> dict[int, str]:
    """The names of the classes that are tracked, by number; empty where there is but one, or none has a name."""
    found = _tracked_classes(detector)
    return found if len(found) > 1 else {}


def told_classes(detector: "Detector") -> dict[int, str]:
    """The same; empty where people alone are tracked, of whom no file has to say that they are people."""
    found = _tracked_classes(detector)
    return {} if set(found.values()) <= {"person"} else found


def _tracked_classes(detector: "Detector") -> dict[int, str]:
    names: Mapping[int, str] = getattr(detector, "class_names", {})
    wanted: Collection[int] | None = getattr(detector, "classes", None)
    return {number: name for number, name in names.items() if wanted is None or number in wanted}


@contextlib.contextmanager
def completed(outputs: Outputs, run: "Run", report: Report = logger.warning) -> Iterator[Outputs]:
    """Whatever ends the run, close every file and say in `summary.json` how it ended.

    Raises:
        InputError: a file could not be completed, or is not there any more; the summary says so too.
    """
    try:
        yield outputs
    except BaseException as error:
        # A generator is closed where the user stops what reads it.
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        ended = f"stopped by the user after {outputs.frames} frames" if stopped else f"failed: {error}"
        kept = f"what is there is whole: {outputs.folder}"
        # A full disk stops the summary too; what it stopped first is what the user must hear of.
        try:
            _finish(outputs, run, ended)
        except InputError as another:
            kept = str(another)
        if stopped:
            report(f"{ended}; {kept}")
        raise
    _finish(outputs, run, run.source.broke_off or "complete")


def _finish(outputs: Outputs, run: "Run", ended: str) -> None:
    try:
        outputs.close()
    except InputError as error:
        with contextlib.suppress(InputError):
            summarise(run, outputs, f"failed: {error}")
        raise
    summarise(run, outputs, ended)


def summarise(run: "Run", outputs: Outputs, ended: str) -> None:
    """Write `summary.json`, and keep what it says with the outputs."""
    outputs.summary = _facts(run, outputs, ended)
    write_summary(outputs.folder / "summary.json", outputs.summary)


def _facts(run: "Run", outputs: Outputs, ended: str) -> dict[str, Any]:
    seconds, frames = run.seconds | {"write": outputs.seconds}, max(outputs.frames, 1)
    source, parts, classes = run.source, outputs.parts.told(), told_classes(run.detector)
    return {
        "remix_track": __version__,
        "ended": without_passwords(ended),
        "source": {
            "name": source.name,
            "path": str(source.path),
            "digest": quick_digest(Path(str(source.path))),
            "frames_read": source.frames_read,
            "width": source.width,
            "height": source.height,
            "fps": source.fps,
            "fps_known": source.fps_known,
            "problems": source.problems,
            "warnings": source.warnings,
        },
        "frames": outputs.frames,
        "tracks": len(outputs.people),
        "boxes": outputs.boxes,
        "detector": run.detector.name,
        **({"classes": {str(number): name for number, name in classes.items()}} if classes else {}),
        "detect_every": run.every,
        "dropped_detections": run.detect_and_embed.dropped,
        "appearance": run.tracker.embedder.description if run.tracker.embedder else "none (motion only)",
        "crops": {"embedded": run.tracker.crops, "saved": run.tracker.crops_saved},
        "settings": dataclasses.asdict(run.settings),
        "seconds": seconds,
        "milliseconds_per_frame": {stage: 1000 * total / frames for stage, total in seconds.items()},
        "wall_seconds": outputs.wall,
        "frames_per_second": outputs.frames_per_second,
        "parts": parts,
        "files": outputs.files(parts),
    }


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary` as JSON in one piece; paths become text, nan and infinity null (JSON has neither).

    Raises:
        InputError: the file cannot be written.
        TypeError: a value that JSON has no form for.
    """
    write_text(path, json_text(summary, indent=2, ensure_ascii=False))

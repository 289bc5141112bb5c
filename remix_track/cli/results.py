"""What a run leaves: the files that were asked for, `summary.json`, and a short table at the end."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import __version__, reservations
from remix_track.addresses import without_passwords
from remix_track.cli.terminal import add_rows, show_table
from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.pipeline.id_set import IdSet
from remix_track.trackers.sinks.parts import LIST as PARTS
from remix_track.trackers.sinks.parts import Parts

if TYPE_CHECKING:
    from remix_track.trackers.drawing.drawer import DrawingSettings
    from remix_track.trackers.pipeline.run import Run
    from remix_track.trackers.sinks.sink import Sink


class Outputs:
    """The sinks of one run, written and closed together.

    Attributes:
        folder: where they are.
        frames: that the files have; boxes and people in them as well.
        wall: seconds from the beginning of the run to their closing.
        parts: those files that end and begin anew while the run goes on.
        seconds: spent in them.
        window_closed: the user has seen enough.
    """

    def __init__(self, folder: Path, began: float) -> None:
        """Begin without files; `began` is when the run began, by `time.perf_counter`."""
        self.folder = folder
        self.frames = 0
        self.boxes = 0
        self.people = IdSet()
        self.wall = 0.0
        self.parts = Parts(folder, [])
        self.seconds = 0.0
        self.window_closed = False
        self._began = began
        self._lasting: list[tuple[str, Sink]] = []

    def open(
        self,
        arguments: argparse.Namespace,
        *,
        fps: float,
        drawing: "DrawingSettings",
        appearance: Mapping[str, Any] | None = None,
        title: str = "remix-track",
    ) -> None:
        """Prepare what the flags ask for; `tracks.txt` always. `appearance` says what embeds, see `Embedder`.

        Crops lie in one folder, as ids are never given twice. Windows of one title are one window.

        Raises:
            InputError: no window can be opened, or a folder not be made.
        """
        from remix_track.trackers.drawing.drawer import Drawer
        from remix_track.trackers.sinks.crops import CropSink
        from remix_track.trackers.sinks.embeddings import EmbeddingSink
        from remix_track.trackers.sinks.mot_text import MotTextSink
        from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
        from remix_track.trackers.sinks.video import VideoSink
        from remix_track.trackers.sinks.window import WindowSink

        draw, minutes = Drawer(drawing).draw, arguments.segment
        makers: list[tuple[str, bool, Callable[[Path], Sink]]] = [
            ("tracks.txt", True, MotTextSink),
            ("video.mp4", arguments.video, lambda path: VideoSink(path, fps, draw, in_place=minutes is not None)),
            ("tracks.csv", arguments.csv, CsvSink),
            ("tracks.jsonl", arguments.jsonl, JsonLinesSink),
            ("embeddings.npz", arguments.embeddings, lambda path: EmbeddingSink(path, appearance)),
        ]
        self.parts = Parts(self.folder, [(name, make) for name, wanted, make in makers if wanted], minutes)
        if arguments.crops:
            self._lasting.append(("crops", CropSink(self.folder / "crops")))
        if arguments.show:
            # Last, so that the files have the frame at which the user closes the window.
            self._lasting.append(("", WindowSink(draw, title)))

    def write(self, frame: TrackedFrame) -> None:
        """Give the frame to every sink.

        Raises:
            InputError: one of them cannot be written, or the folder was removed.
        """
        from remix_track.trackers.sinks.window import WindowClosed

        start = time.perf_counter()
        reservations.refuse_removed(self.folder)
        try:
            self.parts.write(frame)
            for _, sink in self._lasting:
                sink.write(frame)
        except WindowClosed:
            self.window_closed = True
        except InputError:
            # Where the folder is gone, that is the reason.
            reservations.check(self.folder)
            raise
        finally:
            self.seconds += time.perf_counter() - start
        self.frames += 1
        self.boxes += len(frame.tracks)
        self.people.update(frame.ids.tolist())

    def close(self) -> None:
        """Complete every file, also where one of them fails; the first failure is raised at the end.

        Raises:
            InputError: a file could not be completed, or it or the folder is not there any more as it was made.
        """
        start, failures = time.perf_counter(), list[InputError]()
        try:
            reservations.check(self.folder)
        except InputError as error:
            # Said before what follows from it.
            failures.append(error)
        for close in (self.parts.close, *(sink.close for _, sink in self._lasting)):
            try:
                close()
            except InputError as error:
                failures.append(error)
        self.seconds += time.perf_counter() - start
        self.wall = time.perf_counter() - self._began
        if failures:
            raise failures[0]

    @property
    def names(self) -> list[str]:
        """What there is beside `summary.json`, by its plain names."""
        return [*self.parts.names, *(name for name, _ in self._lasting if name)]

    def files(self, parts: Sequence[Mapping[str, Any]]) -> list[str]:
        """What is there beside `summary.json`, parts as `Parts.told` tells of them."""
        names = [*(name for part in parts for name in part["files"]), *(name for name, _ in self._lasting)]
        return [name for name in [*names, PARTS] if name and (self.folder / name).exists()]


def summarise(run: "Run", settings: dict[str, Any], outputs: Outputs, ended: str) -> None:
    """Write `summary.json`."""
    from remix_track.trackers.sinks.summary import write_summary

    seconds, frames = run.seconds | {"write": outputs.seconds}, max(outputs.frames, 1)
    source, folder, parts = run.source, outputs.folder, outputs.parts.told()
    write_summary(
        folder / "summary.json",
        {
            "remix_track": __version__,
            "ended": without_passwords(ended),
            "source": {
                "name": source.name,
                "path": str(source.path),
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
            "detect_every": run.every,
            "dropped_detections": run.detect_and_embed.dropped,
            "appearance": run.tracker.embedder.description if run.tracker.embedder else "none (motion only)",
            "crops": {"embedded": run.tracker.crops, "saved": run.tracker.crops_saved},
            "settings": settings,
            "seconds": seconds,
            "milliseconds_per_frame": {stage: 1000 * total / frames for stage, total in seconds.items()},
            "wall_seconds": outputs.wall,
            "frames_per_second": _fps(outputs),
            "parts": parts,
            "files": outputs.files(parts),
        },
    )


def print_table(run: "Run", outputs: Outputs) -> None:
    """Print frames, people, speed, where the time went, and where the files are."""
    from rich.table import Table

    seconds, count = run.seconds | {"write": outputs.seconds}, outputs.parts.count
    several = f"{count} parts of " if count > 1 else ""
    stages = ", ".join(f"{stage} {1000 * total / max(outputs.frames, 1):.1f}" for stage, total in seconds.items())
    embedder = run.tracker.embedder
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    # Paths and names fold rather than lose their end.
    table.add_column(overflow="fold")
    rows = (
        ("source", run.source.path),
        ("frames", f"{outputs.frames} at {_fps(outputs):.1f} fps"),
        ("people", len(outputs.people)),
        ("detector", run.detector.name),
        ("appearance", embedder.description["name"] if embedder else "none (motion only)"),
        ("ms per frame", stages),
        ("files", f"{outputs.folder}/ ({several}{', '.join([*outputs.names, 'summary.json'])})"),
    )
    add_rows(table, rows)
    show_table(table)


def _fps(outputs: Outputs) -> float:
    return outputs.frames / max(outputs.wall, 1e-9)

"""The files of a run, written and closed together: `tracks.txt` always, and what else is asked for."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.settings import check, setting
from remix_track.trackers.frame import IdSet, TrackedFrame
from remix_track.trackers.sinks.parts import LIST as PARTS
from remix_track.trackers.sinks.parts import Parts

if TYPE_CHECKING:
    from remix_track.trackers.drawing.drawer import DrawingSettings
    from remix_track.trackers.sinks.crops import CropSettings
    from remix_track.trackers.sinks.sink import Sink


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What a run leaves beside `tracks.txt` and `summary.json`.

    Attributes:
        video: `video.mp4` with the tracks drawn on it.
        csv: `tracks.csv`.
        jsonl: `tracks.jsonl`, an object per frame.
        parquet: `tracks.parquet`, for data frames and data bases.
        crops: `crops/ID/FRAME.jpg`.
        embeddings: `embeddings.npz`, a mean vector per track.
        show: nothing on disk: a window with the frames; q or Esc ends the run.
        segment: minutes after which new files begin; None: files are as long as the source.

    Raises:
        InputError: a value that does not fit its field.
    """

    video: bool = setting(True, "write video.mp4", common=True)
    csv: bool = setting(False, "also write tracks.csv", common=True)
    jsonl: bool = setting(False, "also write tracks.jsonl, an object per frame")
    parquet: bool = setting(False, "also write tracks.parquet, for data frames")
    crops: bool = setting(False, "also write crops/ID/FRAME.jpg")
    embeddings: bool = setting(False, "also write embeddings.npz, a mean vector per track")
    show: bool = setting(False, "show the frames in a window; q or Esc quits", common=True)
    segment: float | None = setting(None, "minutes after which new files begin: video-0001-UTC.mp4 ...", above=0)

    def __post_init__(self) -> None:
        check(self)

    @property
    def needs_images(self) -> bool:
        """Whether anything of this shows what the frames look like."""
        return self.video or self.crops or self.show

    def check(self, *, appearance: bool) -> None:
        """Refuse, before anything is made, what cannot be written or shown here.

        Args:
            appearance: whether detections get vectors.

        Raises:
            InputError: vectors without appearance, Parquet without its package, or a window without a screen.
        """
        from remix_track.trackers.sinks.parquet import require_parquet
        from remix_track.trackers.sinks.window import require_screen

        if self.embeddings and not appearance:
            raise InputError("`embeddings` needs appearance; give `weights` other than none")
        if self.parquet:
            require_parquet()
        if self.show:
            require_screen()


class Outputs:
    """The sinks of one run, written and closed together.

    Attributes:
        folder: where they are.
        frames: that the files have; boxes and people in them as well.
        wall: seconds from the beginning of the run to their closing.
        parts: those files that end and begin anew while the run goes on.
        seconds: spent in them.
        window_closed: the user has seen enough.
        summary: what `summary.json` says; empty before the end.
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
        self.summary: dict[str, Any] = {}
        self._began = began
        self._lasting: list[tuple[str, Sink]] = []

    def open(
        self,
        wanted: OutputSettings,
        *,
        fps: float,
        drawing: "DrawingSettings",
        crops: "CropSettings | None" = None,
        appearance: Mapping[str, Any] | None = None,
        class_names: Mapping[int, str] | None = None,
        labels: Mapping[int, str] | None = None,
        title: str = "remix-track",
    ) -> None:
        """Prepare what is wanted; `tracks.txt` always. `appearance` says what embeds, see `Embedder`; `class_names`
        what the detector calls its classes; `labels` those classes whose names are drawn.

        Crops lie in one folder, as ids are never given twice. Windows of one title are one window.

        Raises:
            InputError: no window can be opened, or a folder not be made.
        """
        from remix_track.trackers.drawing.drawer import Drawer
        from remix_track.trackers.sinks.crops import CropSink
        from remix_track.trackers.sinks.embeddings import EmbeddingSink
        from remix_track.trackers.sinks.mot_text import MotTextSink
        from remix_track.trackers.sinks.parquet import ParquetSink
        from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
        from remix_track.trackers.sinks.video import VideoSink
        from remix_track.trackers.sinks.window import WindowSink

        draw, minutes = Drawer(drawing, labels).draw, wanted.segment
        makers: list[tuple[str, bool, Callable[[Path], Sink]]] = [
            ("tracks.txt", True, MotTextSink),
            ("video.mp4", wanted.video, lambda path: VideoSink(path, fps, draw, in_place=minutes is not None)),
            ("tracks.csv", wanted.csv, CsvSink),
            ("tracks.jsonl", wanted.jsonl, JsonLinesSink),
            ("tracks.parquet", wanted.parquet, lambda path: ParquetSink(path, class_names)),
            ("embeddings.npz", wanted.embeddings, lambda path: EmbeddingSink(path, appearance)),
        ]
        self.parts = Parts(self.folder, [(name, make) for name, is_wanted, make in makers if is_wanted], minutes)
        if wanted.crops:
            self._lasting.append(("crops", CropSink(self.folder / "crops", crops)))
        if wanted.show:
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

    @property
    def frames_per_second(self) -> float:
        """By the clock, from the beginning of the run to the closing of its files."""
        return self.frames / max(self.wall, 1e-9)

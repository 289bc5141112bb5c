"""One source and one tracker: frames in, tracked frames out, while the next frames are read and processed."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Set
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import foreign_tracks, stop_signals
from remix_track import settings as settings_
from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.output_files import reserve_folder
from remix_track.progress import OnProgress, unheard
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.frame import Frame, IdSet, TrackedFrame
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.linking.finished_video import FinishedVideo, FrameFacts
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.pipeline.between_detections import BetweenDetections, passing_over
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, ProcessedFrames
from remix_track.trackers.pipeline.live_sources import LiveDetectAndEmbed, LiveProcessedFrames
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import Source
from remix_track.trackers.tracker import Tracker

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

STAGES = ("read", "detect", "embed", "associate")


class Run:
    """A source being tracked. Iterate it once; a second time raises. Its counts can be read at any time.

    Attributes:
        source, detect_and_embed, tracker: its parts.
        frames: frames tracked so far.
        boxes: boxes reported so far.
        people: ids reported so far.
        people_now: how many of them are in the last frame.
        fps: frames per second of the output (after a stride).
        every: detections are made in every so many frames.
        offline: frames come after the whole source is tracked.
        on_progress: called with the number of frames tracked so far, while none is reported yet.
        settings: of the run, for its files and their summary.
    """

    def __init__(
        self,
        source: Source,
        detect_and_embed: DetectAndEmbed | LiveDetectAndEmbed,
        tracker: Tracker,
        *,
        fps: float,
        every: int = 1,
        offline: OfflineSettings | None = None,
        reopen: Callable[[], Source] | None = None,
        settings: TrackSettings | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            source: where the frames come from.
            detect_and_embed: what looks at them.
            tracker: what makes people of what is seen.
            fps: frames per second as they come out.
            every: of how many frames one is detected in; the tracker is for the rate of these.
            offline: what is done after the last frame; None: frames come out as they are tracked.
            reopen: opens the source once more, for the images of frames that come out offline; None: they are black.
            settings: that it was made with; None: the defaults.
        """
        self.source = source
        self.fps, self.every = fps, every
        self.detect_and_embed = detect_and_embed
        self.tracker = tracker
        self.frames = 0
        self.boxes = 0
        self._ids = IdSet()
        self.people: Set[int] = self._ids
        self.people_now = 0
        self.offline = offline is not None and offline.offline
        self.on_progress: Callable[[int], None] = lambda _: None
        self.settings = settings or TrackSettings()
        self._finishing = offline or OfflineSettings()
        self._between = BetweenDetections(tracker, every, hold=not source.live, keep_places=self.offline)
        self._reopen = reopen
        self._seen: ProcessedFrames | None = None
        self._iterated = False

    def begin(self) -> None:
        """Start the threads that read and process, if there are any; otherwise frames are processed on iteration."""
        self._seen = self.detect_and_embed(self._read())
        if isinstance(self._seen, LiveProcessedFrames):
            self._seen.start()

    def stop(self) -> None:
        """Ask the thread of a live source to end; `close` waits for it."""
        if isinstance(self._seen, LiveProcessedFrames):
            self._seen.stop()

    def forgo_images(self) -> None:
        """Leave out the images of offline frames, so that the source is not read a second time."""
        self._reopen = None

    def close(self) -> None:
        """End what `begin` started; needed if the frames were not iterated to their end."""
        if self._seen is not None:
            self._seen.close()

    def __iter__(self) -> Generator[TrackedFrame, None, None]:
        if self._iterated:
            raise InputError(
                "this run was iterated already, its frames are gone; call track() again, or keep them in a list"
            )
        self._iterated = True
        frames = self._finished() if self.offline else self._tracked()
        with contextlib.closing(frames):
            for frame in frames:
                self.frames += 1
                self.boxes += len(frame.tracks)
                self._ids.update(frame.ids.tolist())
                self.people_now = len(frame.ids)
                yield frame

    def _tracked(self) -> Generator[TrackedFrame, None, None]:
        if self._seen is None:
            self.begin()
        assert self._seen is not None
        with self.source, contextlib.closing(self._seen) as seen:
            size = None
            for frame, detections in seen:
                if size not in (None, frame.image.shape):
                    # In images of another size, where people were expected means nothing.
                    yield from self._between.end_tracks()
                size = frame.image.shape
                yield from self._between.update(frame, detections)
            yield from self._between.rest()

    def _finished(self) -> Generator[TrackedFrame, None, None]:
        # Paths are in pixels: images of another size begin another part.
        parts, frames = list[FinishedTracks](), dict[int, FrameFacts]()
        shape: tuple[int, ...] = ()
        with contextlib.closing(self._tracked()) as tracked:
            for frame in tracked:
                if frame.image.shape != shape:
                    parts.append(FinishedTracks(self.fps / self.every, self.source.stride * self.every))
                    shape = frame.image.shape
                frames[frame.index] = FrameFacts(frame.time, shape)
                if frame.index not in self._between.places:
                    self.tracker.note(parts[-1], frame.index)
                self.on_progress(len(frames))
        video = FinishedVideo.joined([self.tracker.finish(part, self._finishing) for part in parts], frames)
        video = self._between.completed(video)
        if self._reopen is None:
            yield from video.replay()
            return
        with self._reopen() as source:
            yield from video.replay(source)

    def record(
        self,
        output: str | PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: OnProgress = unheard,
        **files: Any,
    ) -> dict[str, Any]:
        """Track to the end and write the files that the command `remix-track` writes, in place of iterating.

            summary = remix_track.track("video.mp4").record("out", csv=True)
            print(summary["ended"], summary["frames"], summary["tracks"], summary["files"])

        Ctrl-C ends the run at the next frame, with every file complete, and raises `KeyboardInterrupt`. Signal
        handlers of the program are left alone.

        Args:
            output: the folder; made, and locked while the run writes to it.
            overwrite: replace an earlier result in `output`.
            on_progress: called after each frame.
            **files: which files, by the name of their command-line flag: `video=False`, `csv=True`, `jsonl`, `parquet`,
                `crops`, `embeddings`, `show` (a window), `segment` (minutes); see `OutputSettings`.

        Returns:
            What `summary.json` says: how the run ended, the source and its problems, frames, tracks, settings,
            milliseconds per frame and stage, and the files.

        Raises:
            InputError: a source, keyword or place that cannot be used; `output` holds something already, or another
                run writes to it; the run was iterated already.
        """
        from remix_track.trackers.pipeline.recorder import record
        from remix_track.trackers.sinks.formats import OutputSettings

        wanted = settings_.build(OutputSettings, files, "record()")
        wanted.check(appearance=self.tracker.embedder is not None)
        with stop_signals.caught_if_unhandled():
            outputs = record(self, wanted, partial(reserve_folder, Path(output), overwrite=overwrite), on_progress)
        return outputs.summary if outputs else {}

    def to_pandas(self) -> "pandas.DataFrame":
        """Track to the end, in place of iterating: the rows of all frames, as `TrackedFrame.to_pandas` has them.

            people = remix_track.track("video.mp4").to_pandas()
            print(people.groupby("id")["frame"].agg(["min", "max"]))

        `class_name`, behind `class`, is what the detector calls it.

        Raises:
            InputError: as while iterating.
        """
        return foreign_tracks.to_pandas(self._columns())

    def to_polars(self) -> "polars.DataFrame":
        """The same as `to_pandas`, of polars."""
        return foreign_tracks.to_polars(self._columns())

    def to_arrow(self) -> "pyarrow.Table":
        """The same as `to_pandas`, of Arrow."""
        return foreign_tracks.to_arrow(self._columns())

    def _columns(self) -> foreign_tracks.Columns:
        self.forgo_images()
        names = self.class_names
        # Without any frame, columns have their types nevertheless.
        none = foreign_tracks.columns_of_frame(0, 0.0, None, Tracks.empty(), names)
        rows = (foreign_tracks.columns_of_frame(one.index, one.time, one.utc, one.tracks, names) for one in self)
        return foreign_tracks.joined([none, *rows])

    @property
    def class_names(self) -> Mapping[int, str]:
        """What the detector calls its classes, by number; empty where it has no names, as public detections."""
        names: Mapping[int, str] = getattr(self.detector, "class_names", {})
        return names

    @property
    def detector(self) -> Detector:
        """The detector."""
        return self.detect_and_embed.detector

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of work so far, by stage; they overlap where several frames are under way."""
        spent = self.tracker.clock.seconds
        camera = {"camera": spent["camera"]} if "camera" in spent else {}
        return {stage: spent.get(stage, 0.0) for stage in STAGES} | camera

    def _read(self) -> Iterator[Frame]:
        frames = passing_over(iter(self.source), self.every)
        while (frame := self._next(frames)) is not None:
            yield frame

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        with self.tracker.clock("read"):
            return next(frames, None)

"""From settings to runs: networks are loaded once, and shared by the runs over several sources."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeGuard

from remix_track import openvino_runtime
from remix_track.encoder.backend import is_for_gpu
from remix_track.encoder.embedder import Embedder
from remix_track.errors import InputError
from remix_track.machine import usable_cores
from remix_track.trackers.association.frame_detections import BoxLimit
from remix_track.trackers.association.settings import UNCALIBRATED_COSINE_DISTANCE, least_score
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.int8 import SAMPLE, Frames
from remix_track.trackers.pipeline.between_detections import detect_every
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor, Processor
from remix_track.trackers.pipeline.live_sources import LiveDetectAndEmbed, NetworkPool, Networks
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.together import for_threads
from remix_track.trackers.settings import DetectorSettings, TrackSettings
from remix_track.trackers.sources import Source
from remix_track.trackers.sources.sample import sample
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker

if TYPE_CHECKING:
    from remix_track.trackers.detectors.yolo import YoloDetector

MOST_WORKERS = 8
"""Frames looked at at once: each takes networks of its own, 50 to 200 MB."""
SPARE_FRAMES = 2
"""Frames read beyond those that are looked at, so that no worker waits for the next one."""
MOST_AHEAD = 32
"""Frames under way where not all are looked at: 6 MB each at 1080p."""
BATCH_OF_GPU = 8


def as_it_is(processor: Processor) -> Processor:
    """The `around` that puts nothing around what looks at frames."""
    return processor


class Session:
    """Makes runs with the same settings, which share the encoder."""

    def __init__(
        self,
        settings: TrackSettings,
        *,
        threads: int | None = None,
        detector: Detector | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        """Load the encoder.

        Args:
            settings: of every run.
            threads: that may be at work at once, in networks and outside; None takes one for each core.
            detector: in place of the one that the settings name; called for one frame at a time.
            embedder: likewise.

        Raises:
            InputError: weights that cannot be used.
        """
        self._threads = threads or usable_cores()
        given = detector is not None or embedder is not None
        several = not given and _is_for_openvino(settings)
        self._workers = min(self._threads, MOST_WORKERS) if several else 1
        self._batch = 1 if given else _batch(settings.detector, openvino=several)
        self._settings = settings
        self._given_detector, self._given_embedder = detector, embedder
        self._loading = threading.Lock()
        self.embedder = self._load_embedder(self._threads // self._workers)
        self._last: Detector | None = None
        # Filled in here, so that the summary says which threshold was used.
        threshold = None if self.embedder is None else self.embedder.max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE
        self.settings = settings.with_calibration(threshold)

    def run(
        self,
        source: Source,
        *,
        reopen: Callable[[], Source] | None = None,
        around: Callable[[Processor], Processor] = as_it_is,
    ) -> Run:
        """A run over `source`.

        Args:
            source: where the frames come from.
            reopen: opens it once more; only asked for where results come at the end, see `Run`.
            around: see `detect_and_embed`; not asked for live sources.

        Raises:
            InputError: a detector that cannot be used, or a source that never ends where the end decides.
        """
        offline = self.settings.offline
        self.refuse_waiting(source)
        fps = source.fps / source.stride
        every = self.every(fps)
        if not source.live:
            tracker = self._tracker(self.embedder, fps / every)
            frames = partial(sample, source, SAMPLE)
            seen = self.detect_and_embed(
                tracker.clock, look=self._looks_always, every=every, frames=frames, around=around
            )
            return Run(
                source, seen, tracker, fps=fps, every=every, offline=offline, reopen=reopen, settings=self.settings
            )
        # What is live is seen frame by frame by all threads: there the newest frame counts, not their number.
        embedder = self.embedder if self._workers == 1 else self._load_embedder(self._threads)
        tracker = self._tracker(embedder, fps / every)
        detector, look = self.detector(self._threads), self._looks_always
        process = self._processor(detector, tracker.embedder, clock=tracker.clock, look=look, limit=BoxLimit())
        return Run(source, DetectAndEmbed(process), tracker, fps=fps, every=every, settings=self.settings)

    def run_beside(self, source: Source, networks: NetworkPool, on_ready: Callable[[], None]) -> Run:
        """A run over one of several live sources, which share what looks at their frames.

        Args:
            source: where the frames come from.
            networks: see `network_pool`.
            on_ready: called when the run's next frame, its end or its error is there; see `LiveDetectAndEmbed`.

        Raises:
            InputError: the end of the source decides, and it has none.
        """
        self.refuse_waiting(source)
        fps = source.fps / source.stride
        every = self.every(fps)
        tracker = self._tracker(networks.first.embedder or self.embedder, fps / every)
        processor = partial(self._processor, clock=tracker.clock, look=self._looks_always, limit=BoxLimit())
        live = LiveDetectAndEmbed(networks, processor, on_ready)
        return Run(source, live, tracker, fps=fps, every=every, settings=self.settings)

    def every(self, fps: float) -> int:
        """Of how many frames one is detected in, of a source of so many a second as they come."""
        return detect_every(self.settings.detector.detect_every, fps)

    def refuse_waiting(self, source: Source) -> None:
        """Refuse a source that never ends where the end decides.

        Raises:
            InputError: it is one.
        """
        if self.settings.offline.offline and source.live:
            raise InputError(
                f"{source.path}: `offline` waits for the end of a source; record it first, or leave it out"
            )

    def _tracker(self, embedder: Embedder | None, fps: float) -> Tracker:
        return Tracker.around(embedder, fps=fps, settings=self.settings.tracker, association=self.settings.association)

    def network_pool(self, cameras: int) -> NetworkPool:
        """What looks at the frames of so many live sources: a pair of networks for each, or as many as share the cores.

        Raises:
            InputError: a detector that cannot be used.
        """
        workers = min(self._at_once, cameras)
        return NetworkPool(*self._networks(workers, look=self._looks_always))

    def detect_and_embed(
        self,
        clock: StageClock,
        *,
        look: bool = True,
        every: int = 1,
        frames: Frames | None = None,
        around: Callable[[Processor], Processor] = as_it_is,
    ) -> DetectAndEmbed:
        """What looks at the frames of one source that waits for us.

        Networks on OpenVINO look at several frames at once, each on its share of the threads: their answers do not
        depend on that, and no thread waits for another inside a layer. Others look at one frame at a time, while
        those before and after it are read, tracked and written, or at `detector_batch` of them together.

        Args:
            clock: for the stages `detect` and `embed`.
            look: embed what is detected.
            every: of how many frames one is looked at; the others pass through.
            frames: of the source, see `YoloOptions`.
            around: makes of what looks at frames what is asked in its place, such as one that remembers.

        Raises:
            InputError: a detector that cannot be used.
        """
        first, others = self._networks(self._at_once, look=look, frames=frames)
        processor = partial(self._processor, clock=clock, look=look, limit=BoxLimit())

        def made(make: Callable[[], Networks]) -> Processor:
            return around(processor(*make()))

        def more() -> list[Callable[[], Processor]]:
            return [partial(made, make) for make in others()]

        ahead = max(self._at_once + SPARE_FRAMES, min(self._at_once * every + SPARE_FRAMES, MOST_AHEAD))
        alone = self._threads == self._batch == 1
        return DetectAndEmbed(around(processor(*first)), more, ahead=0 if alone else ahead)

    @property
    def _at_once(self) -> int:
        """Frames that are looked at at once, by a thread each."""
        return max(self._workers, self._batch)

    def _networks(
        self, workers: int, *, look: bool, frames: Frames | None = None
    ) -> tuple[Networks, Callable[[], list[Callable[[], Networks]]]]:
        """A detector and an encoder on their share of the threads, and what makes the others that share them."""
        if self._batch > 1 and _takes_batches(detector := self.detector()):
            first, *rest = for_threads(detector, self.embedder if look else None, workers)
            return first, lambda: [partial(_as_made, one) for one in rest]
        workers = min(workers, self._workers)
        share = self._threads // workers
        detector = self.detector(share, frames)
        embedder = self.embedder if workers == self._workers else self._load_embedder(share)

        def another() -> Networks:
            # One at a time: where nothing is kept, ultralytics and torch are needed, which change the process.
            with self._loading:
                return Networks(self.detector(share), self._load_embedder(share) if look else None)

        def others() -> list[Callable[[], Networks]]:
            return [another] * (workers - 1 if _is_free_of_torch(detector) else 0)

        return Networks(detector, embedder), others

    @property
    def _looks_always(self) -> bool:
        return self.settings.tracker.reid == "always"

    def _processor(
        self, detector: Detector, embedder: Embedder | None, *, clock: StageClock, look: bool, limit: BoxLimit
    ) -> FrameProcessor:
        return FrameProcessor(
            detector,
            embedder if look else None,
            min_confidence=self.settings.tracker.min_confidence,
            clock=clock,
            least_score=self.least_score,
            limit=limit,
        )

    @property
    def least_score(self) -> float:
        """The lowest score that the tracker uses."""
        return least_score(self.settings.tracker, self.settings.association)

    def _load_embedder(self, threads: int) -> Embedder | None:
        from remix_track.encoder.load import load_embedder

        if self._given_embedder is not None:
            return self._given_embedder
        look = self._settings.appearance
        return load_embedder(
            look.weights,
            input_size=look.height_width(),
            channel_order=look.channel_order,
            mean=look.mean or None,
            std=look.std or None,
            device=self._settings.detector.device or "auto",
            threads=threads,
            backend=look.backend,
        )

    def detector(self, threads: int | None = None, frames: Frames | None = None) -> Detector:
        """A detector for one thread: the one there is where it keeps no state, else a new one.

        Args:
            threads: for its network; None takes what the runs may.
            frames: of the source, see `YoloOptions`.

        Raises:
            InputError: it cannot be used.
        """
        from remix_track.trackers.detectors.builtin import BuiltinDetector
        from remix_track.trackers.detectors.find_detector import find_detector
        from remix_track.trackers.detectors.hog import HogDetector
        from remix_track.trackers.detectors.public import PublicDetections
        from remix_track.trackers.detectors.yolo import YoloOptions

        if self._given_detector is not None:
            return self._given_detector
        # Looking for YOLO again for every source would wait, and warn, every time.
        # A det.txt is read, and its classes are told of, once.
        if isinstance(self._last, HogDetector | PublicDetections):
            return self._last
        wanted = self.settings.detector
        self._last = find_detector(
            "builtin" if isinstance(self._last, BuiltinDetector) else wanted.detector,
            YoloOptions(
                classes=wanted.classes,
                conf=min(max(self.least_score, 0.0), 1.0),
                iou=wanted.iou,
                imgsz=wanted.imgsz,
                device=wanted.device,
                backend=wanted.detector_backend,
                precision=wanted.detector_precision,
                task=None if wanted.detector_task == "auto" else wanted.detector_task,
                family=None if wanted.detector_family == "auto" else wanted.detector_family,
                threads=threads or self._threads,
                frames=frames,
                shapes=wanted.shapes,
            ),
        )
        return self._last


def _is_for_openvino(settings: TrackSettings) -> bool:
    """Whether everything that looks at frames is to compute on OpenVINO, as far as settings tell."""
    detector, look = settings.detector, settings.appearance
    others = detector.detector == "hog" or detector.detector.rstrip("/").endswith((".onnx", "_openvino_model"))
    openvino = detector.detector_backend != "torch" and look.backend in ("auto", "openvino")
    return not others and openvino and not is_for_gpu(detector.device or "auto") and openvino_runtime.is_usable()


def _batch(detector: DetectorSettings, *, openvino: bool) -> int:
    """Frames that networks look at together.

    Raises:
        InputError: more than one is asked for where each is a batch of its own.
    """
    if detector.detector_batch == "auto":
        return BATCH_OF_GPU if is_for_gpu(detector.device or "auto") else 1
    if detector.detector_batch > 1 and openvino:
        raise InputError(
            f"`detector_batch` {detector.detector_batch}: OpenVINO looks at one frame at a time, in several threads; "
            "it is for a `device` such as cuda, or `detector_backend` torch"
        )
    return detector.detector_batch


def _takes_batches(detector: Detector) -> "TypeGuard[YoloDetector]":
    from remix_track.trackers.detectors.yolo import YoloDetector

    return isinstance(detector, YoloDetector)


def _as_made(pair: Networks) -> Networks:
    return pair


def _is_free_of_torch(detector: Detector) -> bool:
    """Whether several like this one may compute at once; torch, and OpenCV's HOG, take all threads for themselves."""
    from remix_track.trackers.detectors.builtin import BuiltinDetector
    from remix_track.trackers.detectors.public import PublicDetections
    from remix_track.trackers.detectors.yolo import YoloDetector

    free = isinstance(detector, PublicDetections | BuiltinDetector)
    return free or (isinstance(detector, YoloDetector) and detector.on_openvino)

"""How an archive is tracked into a store."""

from dataclasses import dataclass

from remix_track.settings import check, setting
from remix_track.trackers.sources.source import Selection


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How the files of an archive are shared among processes or machines, and what is noted of them.

    Attributes:
        workers: processes that track, each with networks of its own; None: one for each core, on a GPU four.
        camera: name of the camera of all sources; None: the folder of a file if it holds several videos, else its name.
        start_time: time of day of a file's first frame: ISO 8601; a pattern of `strptime` that is looked for in the
            file's name, such as `%Y%m%d-%H%M%S`; `auto` for a date and time in the name, else what the container says;
            or `none`.
        time_zone: of such times where they do not say it, such as `Europe/Berlin`.
        keep_perception: keep detections and vectors, so that other settings of the tracker replay.
        retry_failed: try again what failed in an earlier run.
        piece: minutes of film; of a longer file the pieces are detected and embedded by several workers.
        cluster: track on a Ray cluster: `auto`, `HOST:6379`, or `ray://HOST:10001`.
        cpus_per_worker, gpus_per_worker: what a worker takes of a node there.

    Raises:
        InputError: a value that does not fit its field.
    """

    workers: int | None = setting(
        None, "processes that track (default: one for each core, on a GPU 4)", low=1, high=10_000
    )
    camera: str | None = setting(None, "the camera's name (default: that of the folder, or of the only file in it)")
    start_time: str = setting(
        "auto", "of a file's first frame: ISO 8601, a pattern such as %Y%m%d-%H%M%S in its name, auto, or none"
    )
    time_zone: str = setting("UTC", "of such times, as in Europe/Berlin")
    keep_perception: bool = setting(False, "keep detections and vectors: other tracker settings then replay")
    retry_failed: bool = setting(False, "try again what failed in an earlier run")
    piece: float = setting(10.0, "minutes; longer files are detected in by several workers at once", above=0)
    cluster: str | None = setting(None, "track on a Ray cluster: auto, HOST:6379 or ray://HOST:10001")
    cpus_per_worker: float = setting(1.0, "cores of a node that a worker takes there", above=0)
    gpus_per_worker: float = setting(0.0, "share of a GPU that a worker takes there", low=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which frames of every source are tracked, see `open_source`.

    Raises:
        InputError: a value below 1.
    """

    start: int = 1
    stride: int = 1
    frames: int | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        Selection(self.start, self.stride, self.frames)

    @property
    def is_all(self) -> bool:
        """Whether no frame is left out."""
        return (self.start, self.stride, self.frames) == (1, 1, None)

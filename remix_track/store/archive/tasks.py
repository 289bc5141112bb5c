"""What is given to workers, what comes back, and what a group of workers offers to the scheduler."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from remix_track.errors import InputError
from remix_track.store.archive.settings import Excerpt
from remix_track.store.job import Job, Weights
from remix_track.trackers.settings import TrackSettings


class StoreError(InputError):
    """The store cannot be written, so that no job can be done."""


class Piece(NamedTuple):
    """A part of a file, in seconds of its own clock; None: to its end."""

    begin: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What all tasks of a run have in common.

    Attributes:
        store: where results go.
        settings: of the tracker.
        excerpt: which frames.
        keep_perception: whether detections and vectors stay.
        threads: of a worker's networks.
        start_time, time_zone: see `ArchiveSettings`.
    """

    store: str
    settings: TrackSettings
    excerpt: Excerpt
    keep_perception: bool = False
    threads: int = 1
    start_time: str = "none"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Task:
    """One job, or the detections and vectors of a piece of it.

    Attributes:
        path: of the source, from everywhere.
        job: what it is in the store.
        piece: detect and embed in this part only.
        cut: pieces of it were looked at before it.
    """

    path: str
    job: Job
    piece: Piece | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is done.

    Attributes:
        frames, seconds: of the source.
        tracks: in it.
        problems: what was wrong with the source.
        computed: frames that networks looked at; the others were kept from before.
    """

    frames: int = 0
    seconds: float = 0.0
    tracks: int = 0
    problems: tuple[str, ...] = ()
    computed: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that failed.

    Attributes:
        reason: one line.
        source: it is the source's fault, so that trying again is in vain.
        fatal: no other task can succeed either: the disk is full.
    """

    reason: str
    source: bool = False
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of a task ended under it; the reason in a few words."""

    reason: str


class Outcome(NamedTuple):
    """What became of a task."""

    task: Task
    result: Done | Failed | Lost


@dataclass(frozen=True, slots=True)
class Networks:
    """What workers have loaded: on what the results depend.

    Attributes:
        weights: of the vectors; None: there are none.
        detector: name and SHA-256, as far as it has a file.
    """

    weights: Weights | None
    detector: dict[str, Any]


class Workers(Protocol):
    """Processes that do tasks, each one at a time."""

    count: int

    def networks(self) -> Networks:
        """What they have loaded.

        Raises:
            InputError: it cannot be loaded.
        """

    def has_room(self) -> bool:
        """Whether a task can be given that is begun at once, or as soon as a worker has started."""

    def give(self, task: Task) -> None:
        """Have a task done."""

    def wait(self, seconds: float) -> list[Outcome]:
        """Tasks that ended, after at most so long.

        Raises:
            InputError: no worker can be started.
        """

    def close(self) -> None:
        """End all of them at once."""

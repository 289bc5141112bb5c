"""What became of an archive: counted as jobs end, read at the end."""

from dataclasses import dataclass, field

HOUR = 3600.0


@dataclass(slots=True)
class ArchiveReport:
    """What a run over an archive did.

    Attributes:
        total: sources that were named.
        done: jobs that were tracked now.
        skipped: that the store had already.
        same: sources with the content of another one that was named.
        elsewhere: jobs that another process has under way.
        failed: source and reason of each that failed, now or in an earlier run.
        known: how many of those failed in an earlier run and were not tried again.
        damaged: source and what was wrong with it, of those that were tracked nevertheless.
        lost: how often a worker ended under its task, which was given to another one.
        frames: that were tracked.
        computed: frames that networks looked at; the others were kept from before.
        tracks: in them.
        film_seconds: their length as film.
        wall_seconds: that it took, by the clock, without loading the first networks.
    """

    total: int = 0
    done: int = 0
    skipped: int = 0
    same: int = 0
    elsewhere: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    known: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    lost: int = 0
    frames: int = 0
    computed: int = 0
    tracks: int = 0
    film_seconds: float = 0.0
    wall_seconds: float = 0.0

    @property
    def ended(self) -> int:
        """Sources of which it is known what became of them."""
        return self.done + self.skipped + self.same + self.elsewhere + len(self.failed)

    @property
    def hours_per_hour(self) -> float:
        """Hours of film in an hour by the clock."""
        return self.film_seconds / self.wall_seconds if self.wall_seconds else 0.0

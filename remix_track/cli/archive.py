"""`remix-track SOURCE ... --store DIR`: track an archive into a store, and say what became of it."""

import argparse
from typing import TYPE_CHECKING

from remix_track.cli.archive_flags import archive_settings, refuse_with_store
from remix_track.cli.live_line import LiveLine
from remix_track.cli.progress import tell_first_starts
from remix_track.cli.terminal import add_rows, say, show_table
from remix_track.progress import Progress
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.store.archive import ArchiveReport

_MOST_SOURCES = 1_000_000
_SHOWN = 20


def run_archive(arguments: argparse.Namespace, settings: TrackSettings) -> int:
    """Track every source into the store; 0, or 2 where one failed or was damaged."""
    refuse_with_store(arguments)
    archive = archive_settings(arguments)

    from remix_track.store.archive import Excerpt, track_archive
    from remix_track.trackers.sources import expand_sources

    names = expand_sources(arguments.sources, arguments.list_file, most=_MOST_SOURCES)
    excerpt = Excerpt(arguments.start, arguments.stride, arguments.frames, arguments.fps)
    tell_first_starts(quiet=arguments.quiet)
    reached = Progress("tracking", "archive", 0, len(names))
    with LiveLine("archive", len(names), quiet=arguments.quiet) as line:

        def show(at: Progress) -> None:
            nonlocal reached
            reached = at
            line.show(at.name, at.done, at.total, at.detail, f"{at.done}/{at.total} sources: {at.detail}")

        try:
            report = track_archive(map(str, names), arguments.store, settings, archive, excerpt, on_progress=show)
        except KeyboardInterrupt:
            line.close()
            say(f"remix-track: stopped after {reached.done} of {len(names)} sources; the same command goes on")
            raise
    _say_problems(report)
    if not arguments.quiet:
        _show(report)
    return 2 if report.failed or report.damaged else 0


def _say_problems(report: "ArchiveReport") -> None:
    problems = [reason if path in reason else f"{path}: {reason}" for path, reason in report.failed + report.damaged]
    for problem in problems[:_SHOWN]:
        say(f"remix-track: {problem}")
    if len(problems) > _SHOWN:
        say(f"remix-track: and {len(problems) - _SHOWN} more; failed/ in the store has the reasons")


def _show(report: "ArchiveReport") -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    before = f" ({report.known} in an earlier run; --retry-failed tries again)" if report.known else ""
    rows = {
        "done": f"{report.done} ({len(report.damaged)} of them damaged)" if report.damaged else report.done,
        "skipped": f"{report.skipped}, which the store had",
        "same content": report.same,
        "under way elsewhere": report.elsewhere,
        "failed": f"{len(report.failed)}{before}",
        "tracks": report.tracks,
        "frames": f"{report.frames}, of which networks looked at {report.computed}",
        "film": f"{report.film_seconds / 3600:.2f} hours, {report.hours_per_hour:.1f} per hour",
        "workers lost": report.lost,
    }
    always = {"done", "skipped", "failed", "film"}
    add_rows(table, ((name, value) for name, value in rows.items() if value or name in always))
    show_table(table)

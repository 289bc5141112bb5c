"""An archive tracked into a store: jobs that resume, shared among processes or machines.

from remix_track.store.archive import track_archive

report = track_archive(["archive/gate.mp4", "archive/yard.mp4"], "people.store")
print(report.done, report.skipped, report.failed)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remix_track.store.archive.report import ArchiveReport
    from remix_track.store.archive.run import track_archive
    from remix_track.store.archive.settings import ArchiveSettings, Excerpt

__all__ = ["ArchiveReport", "ArchiveSettings", "Excerpt", "track_archive"]

_HOMES = {"ArchiveReport": "report", "ArchiveSettings": "settings", "Excerpt": "settings", "track_archive": "run"}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'remix_track.store.archive' has no attribute {name!r}")
    return getattr(import_module(f"remix_track.store.archive.{_HOMES[name]}"), name)

"""The identity store: tracklets of many files and cameras, with their vectors, crops and people, in one folder.

from remix_track.store import open_store
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remix_track.store.job import Job, JobSource, Weights
    from remix_track.store.job_writer import JobWriter
    from remix_track.store.live import LiveWriter
    from remix_track.store.search import Hits
    from remix_track.store.store import Store, open_store
    from remix_track.store.stored_job import StoredJob
    from remix_track.store.tracklets import Tracklets

__all__ = [
    "Hits",
    "Job",
    "JobSource",
    "JobWriter",
    "LiveWriter",
    "Store",
    "StoredJob",
    "Tracklets",
    "Weights",
    "open_store",
]

_HOMES = {
    "Job": "job",
    "JobSource": "job",
    "JobWriter": "job_writer",
    "LiveWriter": "live",
    "Store": "store",
    "StoredJob": "stored_job",
    "Tracklets": "tracklets",
    "Weights": "job",
    "Hits": "search",
    "open_store": "store",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import remix_track.store` costs nothing (PEP 562)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'remix_track.store' has no attribute {name!r}")
    return getattr(import_module(f"remix_track.store.{_HOMES[name]}"), name)

"""remix-track: people in video keep their identity.

import remix_track

for frame in remix_track.track("video.mp4"):
    print(frame.index, frame.ids, frame.xyxy)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remix_track import store
    from remix_track.detections import Detections, Tracks
    from remix_track.encoder.load import load_embedder
    from remix_track.errors import InputError
    from remix_track.trackers.api import link, track
    from remix_track.trackers.frame import TrackedFrame
    from remix_track.trackers.pipeline.run import Run
    from remix_track.trackers.tracker import Tracker
    from remix_track.training.adapt import adapt
    from remix_track.training.calibrate import calibrate

    __version__: str

__all__ = [
    "Detections",
    "InputError",
    "Run",
    "TrackedFrame",
    "Tracker",
    "Tracks",
    "__version__",
    "adapt",
    "calibrate",
    "link",
    "load_embedder",
    "store",
    "track",
]

_HOMES = {
    "Detections": "remix_track.detections",
    "Tracks": "remix_track.detections",
    "InputError": "remix_track.errors",
    "Run": "remix_track.trackers.pipeline.run",
    "TrackedFrame": "remix_track.trackers.frame",
    "Tracker": "remix_track.trackers.tracker",
    "adapt": "remix_track.training.adapt",
    "calibrate": "remix_track.training.calibrate",
    "link": "remix_track.trackers.api",
    "load_embedder": "remix_track.encoder.load",
    "track": "remix_track.trackers.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import remix_track` costs nothing (PEP 562)."""
    from importlib import import_module

    if name == "__version__":
        return _version()
    if name in ("eval", "store"):  # the first is not among the names of `*`, where it would hide Python's own
        return import_module(f"remix_track.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'remix_track' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """As it was installed; `0+unknown` for a copy of the sources that never was."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("remix-track")
    except PackageNotFoundError:
        return "0+unknown"

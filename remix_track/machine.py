"""What the machine has for us: cores, and a folder for what is kept between runs."""

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use; native libraries by themselves would count all of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder(name: str) -> Path | None:
    """`$XDG_CACHE_HOME/remix-track/NAME`, by default below `~/.cache`; None where there is no home. Not made here."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(base) / "remix-track" / name

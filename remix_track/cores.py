"""How many threads a network may take."""

import os


def usable_cores() -> int:
    """Cores that this process may use; native libraries by themselves would count all of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

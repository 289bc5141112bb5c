"""Run a command and say what it cost: seconds by the clock, seconds of all its threads, and memory over time."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost.

    Attributes:
        wall: seconds from start to end.
        processor: seconds of all its threads, user and system.
        peak_mb: most resident memory, MiB.
        memory: (seconds since the start, resident MiB), every half second.
    """

    wall: float
    processor: float
    peak_mb: float
    memory: list[tuple[float, float]]


def measure(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Cost:
    """Run a command to its end; what it says goes into `log`.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    began = time.perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        memory: list[tuple[float, float]] = []
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, began, memory, ended))
        watcher.start()
        try:
            # Not Popen.wait: this way the kernel says what this one child cost.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            ended.set()
            watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text(errors="replace").splitlines()[-12:]
        raise RuntimeError("\n".join([f"{' '.join(command)} ended with {process.returncode}:", *end]))
    wall = time.perf_counter() - began
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, memory)


def _watch(process: int, began: float, memory: list[tuple[float, float]], ended: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE") / 2**20
    while not ended.wait(_LOOK_EVERY):
        try:
            resident = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * page
        except (OSError, IndexError):
            return
        memory.append((time.perf_counter() - began, resident))

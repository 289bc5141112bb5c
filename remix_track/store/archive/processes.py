"""Workers that are processes of this machine: started when there is work for them, and replaced when they are lost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from remix_track import stop_signals
from remix_track.errors import InputError
from remix_track.store.archive.tasks import Lost, Networks, Outcome, Setup, Task

_MOST_STARTS_LOST = 3
_PATIENCE = 5.0
_PROGRAM = "remix_track.store.archive.process_worker"


class ProcessWorkers:
    """At most `count` processes, each with its networks.

    The first one is alone until it has loaded them: what it compiles the others find, and what cannot be used is said
    once.
    """

    def __init__(self, setup: Setup, count: int, gpus: int = 0) -> None:
        """Start the first one.

        Args:
            setup: of all tasks.
            count: at most so many processes.
            gpus: that they share; 0: none, or it is left to them.
        """
        self.count = count
        self._setup, self._gpus = setup, gpus
        self._started = self._starts_lost = 0
        self._networks: Networks | None = None
        self._all: list[_Process] = []
        self._start()

    def networks(self) -> Networks:
        """What the first one has loaded."""
        while self._networks is None:
            with stop_signals.waiting():
                self._gathered(None)
        return self._networks

    def has_room(self) -> bool:
        """Whether one is idle, or may be started."""
        return any(one.idle for one in self._all) or len(self._all) < self.count

    def give(self, task: Task) -> None:
        """Have a task done by an idle one, or by one that is started for it."""
        process = next((one for one in self._all if one.idle), None) or self._start()
        process.give(task)

    def wait(self, seconds: float) -> list[Outcome]:
        """Tasks that ended, or whose process did."""
        with stop_signals.waiting():
            return self._gathered(seconds)

    def _gathered(self, seconds: float | None) -> list[Outcome]:
        outcomes = []
        for connection in wait([one.connection for one in self._all], seconds):
            process = next(one for one in self._all if one.connection is connection)
            try:
                said = process.connection.recv()
            except (EOFError, OSError):
                outcomes += self._lost(process)
                continue
            if isinstance(said, str):
                raise InputError(said)
            if isinstance(said, Networks):
                self._networks, self._starts_lost = self._networks or said, 0
                process.begin()
            else:
                outcomes.append(Outcome(process.finished(), said))
        return outcomes

    def _lost(self, process: "_Process") -> list[Outcome]:
        self._all.remove(process)
        reason = process.end()
        if not process.ready:
            self._starts_lost += 1
        if self._starts_lost == _MOST_STARTS_LOST:
            killed = reason.endswith(signal.SIGKILL.name)
            advice = "as Linux ends them where memory runs out; run again with fewer `workers`"
            raise InputError(
                f"{_MOST_STARTS_LOST} processes {reason} before they began"
                f"{', ' + advice if killed else '; what they printed says why'}"
            )
        outcomes = [Outcome(process.task, Lost(f"its process {reason}"))] if process.task else []
        if self._networks is None:
            self._start()
        return outcomes

    def _start(self) -> "_Process":
        environment = {}
        if self._gpus > 1:
            environment["CUDA_VISIBLE_DEVICES"] = str(self._started % self._gpus)
        self._started += 1
        process = _Process(self._setup, environment)
        self._all.append(process)
        return process

    def close(self) -> None:
        """End them, with what they are at."""
        for process in self._all:
            process.connection.close()
        for process in self._all:
            process.end()
        self._all = []


def _path_flags() -> list[str]:
    """Modules come from where ours do: `-m` looks in the current folder first, where an `av.py` may lie with films."""
    return [] if {"", str(Path.cwd())} & set(sys.path) else ["-P"]


class _Process:
    """One process, and the task that it has.

    Attributes:
        ready: its networks are loaded.
        task: that it was given; None: it waits for one.
    """

    def __init__(self, setup: Setup, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self.connection: Connection[Any, Any] = Connection(ours.detach())
        self.ready = False
        self.task: Task | None = None
        try:
            with stop_signals.starting_workers():
                self._process = subprocess.Popen(
                    [sys.executable, *_path_flags(), "-m", _PROGRAM, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, **environment},
                )
        finally:
            theirs.close()
        self._send(setup)

    @property
    def idle(self) -> bool:
        return self.ready and self.task is None

    def begin(self) -> None:
        self.ready = True

    def give(self, task: Task) -> None:
        """A task that is given before it is ready waits; one that is lost with it comes back as such."""
        self.task = task
        self._send(task)

    def finished(self) -> Task:
        assert self.task is not None
        task, self.task = self.task, None
        return task

    def _send(self, what: Setup | Task) -> None:
        with contextlib.suppress(OSError):  # it has ended: `wait` tells
            self.connection.send(what)

    def end(self) -> str:
        """See that it has ended; how it did, in words."""
        self.connection.close()
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

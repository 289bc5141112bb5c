"""Workers that are actors of a Ray cluster, on as many machines as it has; all see the store and the sources."""

import logging
import os
import time
from pathlib import Path
from typing import Any

from remix_track import __version__, stop_signals
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.store import layout
from remix_track.store.archive.settings import ArchiveSettings
from remix_track.store.archive.tasks import Lost, Networks, Outcome, Setup, Task

LOG = "ray.log"
_MOST_STARTS_LOST = 10
_LOOK_EVERY = 5.0
"""Seconds after which it is looked again how large the cluster is: nodes come and go."""
_POLL = 0.5


class RayWorkers:
    """As many actors as the cluster has room for; those of a lost node are replaced where there is room again.

    Attributes:
        count: how many there may be now.
    """

    def __init__(self, setup: Setup, archive: ArchiveSettings) -> None:
        """Connect, and start the first one.

        Args:
            setup: of all tasks.
            archive: the cluster, and what a worker takes of a node.

        Raises:
            InputError: there is no such cluster.
            ExtraError: Ray is not installed.
        """
        # It would report to its makers otherwise.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray: Any = extra("ray", "cluster", "`cluster`")
        store = Path(setup.store)
        _log_to(layout.inside(store, store / LOG))
        _connect(self._ray, str(archive.cluster))
        self._archive = archive
        self._all: list[_Slot] = []
        self._networks: Networks | None = None
        self._starts_lost, self._looked = 0, float("-inf")
        self.count = 1
        options = {"num_cpus": archive.cpus_per_worker, "num_gpus": archive.gpus_per_worker}
        self._kind = self._ray.remote(**options, max_restarts=0, scheduling_strategy="SPREAD")(_Actor)
        self._setup = self._ray.put(setup)

    def networks(self) -> Networks:
        """What the first one has loaded, once the cluster has room for it."""
        self._look()
        self._start()
        while self._networks is None:
            self.wait(_POLL)
        return self._networks

    def has_room(self) -> bool:
        """Whether one is idle; others are started where there is room for them."""
        if any(one.idle for one in self._all):
            return True
        self._look()
        for _ in range(self.count - len(self._all)):
            self._start()
        return False

    def give(self, task: Task) -> None:
        """Have a task done by an idle one."""
        slot = next(one for one in self._all if one.idle)
        slot.task, slot.answer = task, slot.actor.do.remote(task)

    def wait(self, seconds: float) -> list[Outcome]:
        """Tasks that ended, or whose node did."""
        answers = {one.answer: one for one in self._all if one.answer is not None}
        with stop_signals.waiting():
            if not answers:
                time.sleep(min(seconds, _POLL))
                return []
            ended, _ = self._ray.wait(list(answers), num_returns=1, timeout=seconds)
            if ended:
                ended, _ = self._ray.wait(list(answers), num_returns=len(answers), timeout=0)
        return [outcome for answer in ended for outcome in self._heard(answers[answer])]

    def _heard(self, slot: "_Slot") -> list[Outcome]:
        answer, slot.answer = slot.answer, None
        try:
            said = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            return self._lost(slot, error)
        if slot.ready:
            task, slot.task = slot.task, None
            assert task is not None
            return [Outcome(task, said)]
        self._begin(slot, said)
        return []

    def _begin(self, slot: "_Slot", said: "tuple[str, str, Networks | str]") -> None:
        node, version, networks = said
        if isinstance(networks, str):
            raise InputError(f"node {node}: {networks}")
        if version != __version__ or networks != (self._networks or networks):
            raise InputError(
                f"node {node}: remix-track {version} with {networks} there, {__version__} with {self._networks} on "
                "another one; give all nodes the same"
            )
        self._networks, self._starts_lost, slot.ready = networks, 0, True

    def _lost(self, slot: "_Slot", error: Exception) -> list[Outcome]:
        self._all.remove(slot)
        self._ray.kill(slot.actor)
        self._looked = float("-inf")
        reason = " ".join(str(error).split())[:200]
        if slot.task is not None:
            return [Outcome(slot.task, Lost(f"its node or process was lost ({reason})"))]
        self._starts_lost += 1
        if self._starts_lost == _MOST_STARTS_LOST:
            raise InputError(f"{self._archive.cluster}: no worker can be started ({reason}); see {LOG} in the store")
        if self._networks is None:
            self._start()
        return []

    def _look(self) -> None:
        """Look how many there may be."""
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = time.monotonic()
        there, archive = self._ray.cluster_resources(), self._archive
        rooms = [there.get("CPU", 0.0) / archive.cpus_per_worker]
        if archive.gpus_per_worker:
            rooms.append(there.get("GPU", 0.0) / archive.gpus_per_worker)
        self.count = min(int(min(rooms) + 1e-6), archive.workers or 10_000)

    def _start(self) -> None:
        actor = self._kind.remote(self._setup)
        self._all.append(_Slot(actor, actor.networks.remote()))

    def close(self) -> None:
        """End all of them, and leave the cluster."""
        self._all = []
        self._ray.shutdown()


class _Slot:
    """An actor, the answer that it owes, and its task."""

    def __init__(self, actor: Any, answer: Any) -> None:
        self.actor, self.answer = actor, answer
        self.ready = False
        self.task: Task | None = None

    @property
    def idle(self) -> bool:
        return self.ready and self.answer is None


class _Actor:
    """A worker on a node of the cluster."""

    def __init__(self, setup: Setup) -> None:
        from remix_track.store.archive.worker import Worker

        logging.getLogger("remix_track").setLevel(logging.ERROR)
        self._trouble = ""
        try:
            self._worker = Worker(setup)
        except InputError as error:
            self._trouble = str(error)

    def networks(self) -> "tuple[str, str, Networks | str]":
        """The node's name, the version there, and what is loaded or why it cannot be."""
        return os.uname().nodename, __version__, self._trouble or self._worker.networks

    def do(self, task: Task) -> Any:
        """Do a task."""
        return self._worker(task)


def _log_to(path: Path) -> None:
    """Have what Ray tells about itself in a file."""
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("ray")
    for one in list(logger.handlers):
        logger.removeHandler(one)
    logger.addHandler(handler)
    logger.propagate = False


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # of connection, version, or package, as Ray sees fit
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"`cluster` {address}: no Ray cluster can be reached there ({reason}); the guide on archives says how "
            "to start one"
        ) from None

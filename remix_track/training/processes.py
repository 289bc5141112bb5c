"""Several processes that train as one: which of them this is, and what they tell each other.

`torchrun` starts them and sets the rank of each in the environment. All that the rest of training knows of the others
goes through `Processes`, whose methods do nothing in a process that is alone. A method that says "Collective." is to be
called by every process, in the same order; what all of them compute from the same numbers needs none.
"""

import contextlib
import datetime
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from remix_track.encoder.torch_network import choose_device
from remix_track.errors import InputError

# The first process labels and scores while the others wait, which on millions of crops takes its time.
PATIENCE = datetime.timedelta(minutes=30)
_LOST = ("gloo", "nccl", "connection", "timed out", "socket")
Made = TypeVar("Made")


class Processes:
    """This process among those that train together; alone by default.

    Args:
        rank: of this process, 0 for the first, which alone writes.
        count: of processes on all machines.
        here: of processes on this machine.
        device: of this process's networks.
    """

    def __init__(self, rank: int = 0, count: int = 1, here: int = 1, device: torch.device | None = None) -> None:
        self.rank = rank
        self.count = count
        self.here = here
        self.device = device or torch.device("cpu")

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, things: int) -> slice:
        """Which of so many things are this process's; in the order of the processes they are all, each once."""
        return slice(things * self.rank // self.count, things * (self.rank + 1) // self.count)

    def gather(self, own: Tensor) -> Tensor:
        """The rows of all processes, in their order; gradients reach this process's own. Collective.

        Args:
            own: (n, ...) rows of this process; n may be 0 and differ between processes.
        """
        if self.count == 1:
            return own
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor([len(own)]))
        rows = [int(size) for size in sizes]
        # Every process must send equally many.
        padded = own.detach().new_zeros(max(rows), *own.shape[1:])
        padded[: len(own)] = own.detach()
        padded_parts = [torch.empty_like(padded) for _ in rows]
        dist.all_gather(padded_parts, padded)
        parts = [part[:size] for part, size in zip(padded_parts, rows, strict=True)]
        parts[self.rank] = own
        return torch.cat(parts)

    def all_max(self, number: int) -> int:
        """The greatest of the numbers that the processes give. Collective."""
        if self.count == 1:
            return number
        shared = torch.tensor([number])
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return int(shared)

    def all_or_none(self, work: Callable[[], Made]) -> Made:
        """What `work` gives here; where it fails in one process, it fails in all with the same words. Collective.

        Args:
            work: calls no collective itself, or those processes that fail would not come to it.

        Raises:
            InputError: of this process, else of the first one that has one.
        """
        if self.count == 1:
            return work()
        made: Made | None = None
        trouble = ""
        try:
            made = work()
        except InputError as error:
            trouble = str(error) or "failed"
        if self.all_max(bool(trouble)):
            troubles: list[str] = [""] * self.count
            dist.all_gather_object(troubles, trouble)
            rank, said = next((rank, said) for rank, said in enumerate(troubles) if said)
            raise InputError(said if rank == 0 else f"process {rank} of {self.count}: {said}")
        return cast(Made, made)

    def on_rank_0(self, work: Callable[[], Made]) -> Made:
        """What `work` gives in the first process, sent to all; its error too. Collective.

        Args:
            work: calls no collective itself. Tensors that it gives, in dicts, lists and tuples too, arrive on the CPU.
        """
        if self.count == 1:
            return work()
        box: list[Any] = [self.all_or_none(lambda: _on_cpu(work()) if self.first else None)]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return cast(Made, box[0])

    def rank_0_then_others(self, work: Callable[[], Made]) -> Made:
        """What `work` gives here; the others begin when the first has put on the disk what they share. Collective."""
        made = self.all_or_none(lambda: work() if self.first else None)
        return self.all_or_none(lambda: cast(Made, made) if self.first else work())

    def synchronise(self, network: nn.Module) -> None:
        """On GPUs, let BatchNorm see the batch of all processes, in place (torch has no such BatchNorm on a CPU)."""
        if self.count > 1 and self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients are the means over the processes after a backward pass. Collective.

        Its weights become those of the first process at once, its running statistics before each forward pass.
        """
        if self.count == 1:
            return network
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=devices)

    @torch.no_grad()
    def average_buffers(self, network: nn.Module) -> None:
        """Where BatchNorm is not synchronised, give every process the mean of the running statistics. Collective."""
        if self.count == 1 or self.device.type == "cuda":
            return
        buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        if not buffers:
            return
        flat = torch.cat([buffer.flatten() for buffer in buffers])
        dist.all_reduce(flat)
        means = torch.split_with_sizes(flat / self.count, [buffer.numel() for buffer in buffers])
        for buffer, mean in zip(buffers, means, strict=True):
            buffer.copy_(mean.view_as(buffer))


@contextlib.contextmanager
def joined(device_name: str) -> Iterator[Processes]:
    """Meet the other processes that `torchrun` started, if it did.

    Args:
        device_name: the setting `run.device`. Under torchrun `auto` and `cuda` are the GPU of the process's number on
            its machine.

    Raises:
        InputError: a device that several processes cannot have, or another process that is gone or silent.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device=choose_device(device_name))
        return
    rank, here = int(os.environ["RANK"]), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    device = _device_of_this(device_name, int(os.environ.get("LOCAL_RANK", "0")), here)
    try:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        yield Processes(rank, count, here, device)
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        # gloo begins with its own place in the code, in brackets, and ends with advice to developers.
        reason = re.sub(r"^\[\S*\] ", "", str(error).splitlines()[0]).partition(". ")[0][:80]
        raise InputError(
            f"process {rank} of {count}: another process ended or does not answer ({reason}); "
            "the last checkpoint is whole, go on with `resume`"
        ) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _on_cpu(made: Any) -> Any:
    """The same with its tensors on the CPU: pickled on a GPU, they would come out on that GPU in every process."""
    if isinstance(made, Tensor):
        return made.cpu()
    if isinstance(made, dict):
        return {key: _on_cpu(value) for key, value in made.items()}
    if type(made) in (list, tuple):
        return type(made)(map(_on_cpu, made))
    return made


def _device_of_this(name: str, local_rank: int, here: int) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"run.device = {name!r} is one device for several processes; give auto, cpu or cuda")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    choose_device("cuda")
    if here > torch.cuda.device_count():
        raise InputError(
            f"{here} processes for {torch.cuda.device_count()} GPUs on this machine; lower --nproc-per-node, "
            "or give run.device=cpu"
        )
    return torch.device("cuda", local_rank)


def _is_lost(error: RuntimeError) -> bool:
    if isinstance(error, dist.DistError):
        return True
    words = str(error).lower()
    return any(word in words for word in _LOST)

"""Everything that is drawn comes from the seed, what it is for, and where the run is: nothing else to store."""

import contextlib
import zlib
from collections.abc import Iterator

import numpy as np
import torch


def draw(seed: int, purpose: str, *place: int) -> np.random.Generator:
    """A generator that only these arguments determine: a resumed run draws what the unbroken one would have.

    Args:
        seed: of the run.
        purpose: what is drawn; two purposes draw independently.
        place: epoch, step, row: numbers of at least 0.
    """
    # Not default_rng([seed, ...]): there a zero at the end changes nothing.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(purpose.encode()), *place)))


def draw_torch(seed: int, purpose: str, *place: int) -> torch.Generator:
    """The same for torch, on the CPU."""
    return torch.Generator().manual_seed(int(draw(seed, purpose, *place).integers(2**62)))


@contextlib.contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Torch's default generator seeded for the body, for fresh weights; afterwards it is what it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draw(seed, purpose).integers(2**62)))
        yield

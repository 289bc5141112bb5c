"""Whole sets of crops through a network, without augmentation."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from remix_track.data.augmentation import plain_view
from remix_track.data.decoding import BadCrop, CropReader
from remix_track.data.stores import ImageStore
from remix_track.encoder.crops import NetworkInput
from remix_track.errors import InputError
from remix_track.training.processes import Processes
from remix_track.training.reading import ahead
from remix_track.training.stopping import StopRequest


@dataclass(frozen=True, slots=True)
class EmbedPlan:
    """How sets are embedded.

    Attributes:
        network_input: what the network wants to see.
        device: of the network.
        batch: images in one call.
        workers: threads that read images.
        stop: asked between calls.
        processes: that share the work; each gets the whole result.
    """

    network_input: NetworkInput
    device: torch.device
    batch: int
    workers: int
    stop: StopRequest
    processes: Processes = field(default_factory=Processes)


@torch.no_grad()
def embed_rows(
    plan: EmbedPlan, embed: Callable[[Tensor], Tensor], store: ImageStore, rows: NDArray[np.int64]
) -> tuple[Tensor, NDArray[np.bool_]]:
    """Embed rows of a store without augmentation.

    Args:
        plan: how.
        embed: images (B, 3, H, W) -> (B, D).
        store: of the images.
        rows: (R,) which; at least one.

    Returns:
        (R, D) float32 on the device, zeros where an image cannot be read, and (R,) which could be.

    Raises:
        InputError: none could be read.
        Stopped: a stop was asked for.
    """
    reader = CropReader(store, plan.network_input.height, plan.network_input.width)

    def make(start: int) -> list[NDArray[np.uint8] | BadCrop]:
        return [reader.read(int(row)) for row in rows[start : start + plan.batch]]

    found: list[Tensor] = []
    read: list[bool] = []
    starts, together = range(0, len(rows), plan.batch), plan.processes.all_or_none
    batches = ahead(starts[plan.processes.share(len(starts))], make, plan.workers)
    # As many rounds in every process, so that all meet; who has no batch left has an empty one.
    for _ in range(-(-len(starts) // plan.processes.count)):
        crops = together(lambda: next(batches, []))
        plan.stop.check()
        read += [not isinstance(crop, BadCrop) for crop in crops]
        kept = [crop for crop in crops if not isinstance(crop, BadCrop)]
        if kept:
            found.append(embed(_to_images(np.stack(kept), plan)).float())
    width = plan.processes.all_max(found[0].shape[1] if found else 0)
    if not width:
        raise InputError(f"none of {len(rows)} images could be read, such as {store.name(int(rows[0]))}")
    readable = torch.tensor(read, dtype=torch.bool, device=plan.device)
    vectors = torch.cat(found) if found else torch.zeros(0, width, device=plan.device)
    if len(vectors) < len(readable):
        whole = vectors.new_zeros(len(readable), width)
        whole[readable] = vectors
        vectors = whole
    return plan.processes.gather(vectors), plan.processes.gather(readable).cpu().numpy()


def embed_unit(
    plan: EmbedPlan, network: nn.Module, store: ImageStore, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors of unit length (R, D) as the tracker has them, and which images could be read (R,).

    Args:
        plan: how.
        network: an `Encoder`; it is put into eval mode.
        store: of the images.
        rows: (R,) which.
    """
    network.eval()
    vectors, readable = embed_rows(plan, lambda images: network(images)[1], store, rows)
    unit: NDArray[np.float32] = F.normalize(vectors, dim=1).cpu().numpy()
    return unit, readable


def on_device(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """An array's copy on a device; to a GPU from page-locked memory, so that it waits for nothing under way there."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def fast_format(images: Tensor) -> Tensor:
    """The memory format of the encoder's weights: channels last."""
    return images.to(memory_format=torch.channels_last)


def _to_images(pixels: NDArray[np.uint8], plan: EmbedPlan) -> Tensor:
    wanted = plan.network_input
    if wanted.channel_order == "BGR":
        pixels = np.ascontiguousarray(pixels[..., ::-1])
    return fast_format(plain_view(on_device(pixels, plan.device), wanted.mean, wanted.std))

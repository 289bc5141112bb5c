"""MoCo v2: an encoder learns from unlabelled images alone, each its own class, before the joint training.

Source: He et al., MoCo (CVPR 2020), Chen et al., MoCo v2 (arXiv 2003.04297); that single-camera data is what it is run
on is from Mamedov et al., ReMix (WACV 2025). Differs from MoCo: on several GPUs the images are not shuffled between
processes, as SyncBatchNorm does away with the reason for it.

One step: `queries = network(view)`, `keys = momentum.keys(other view)`, `info_nce(queries, keys, queue.vectors, t)`,
`queue.push(keys of all processes)`; after the optimiser's step `momentum.update(network)`.

MoCo's negatives are the queue's alone. The keys of the batch's other images can be negatives too, as in MoCo v3 (Chen
et al., ICCV 2021): where they come from the query's own video, its camera does not tell them apart.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remix_track.encoder.backbones import Encoder


class MocoNetwork(nn.Module):
    """An encoder's backbone, average pooling and an MLP head: images to unit vectors that InfoNCE compares.

    The backbone is the encoder's own, so the encoder has learnt when this has. The BN-neck takes no part. Keep the head
    for a resumed run only.

    Args:
        encoder: whose backbone is trained; D is its width.
        projection: P, length of the vectors.
    """

    def __init__(self, encoder: Encoder, projection: int) -> None:
        super().__init__()
        self.backbone = encoder.backbone
        width = encoder.width
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, projection))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) -> (B, P) float32 of unit length."""
        pooled = self.backbone(images).mean(dim=(2, 3))  # (B, D, h, w) -> (B, D)
        return F.normalize(self.head(pooled).float(), dim=1)


class Queue(nn.Module):
    """The keys of the last batches, as negatives: a ring buffer that overwrites its oldest keys.

    It starts as noise, which is easy to tell from images of people: the loss **rises** while keys take its place
    (queue size / keys per step steps), and falls from there.

    Args:
        size: K, keys that are kept.
        projection: P, length of a key.
        generator: of the noise.

    Attributes:
        vectors: (K, P) float32 of unit length.
        position: () int64, the row that is overwritten next.
    """

    vectors: Tensor
    position: Tensor

    def __init__(self, size: int, projection: int, generator: torch.Generator) -> None:
        super().__init__()
        noise = torch.randn(size, projection, generator=generator)
        self.register_buffer("vectors", F.normalize(noise, dim=1))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, keys: Tensor) -> None:
        """Put in keys (G, P), those of all processes in the same order everywhere; of more than K the last K stay."""
        size = len(self.vectors)
        rows = (self.position + torch.arange(len(keys), device=keys.device)) % size
        self.vectors[rows[-size:]] = keys[-size:].to(self.vectors.dtype)
        self.position.copy_((self.position + len(keys)) % size)


def info_nce(
    queries: Tensor, keys: Tensor, queue: Tensor, temperature: float, batch: Tensor | None = None, first_row: int = 0
) -> Tensor:
    """Find each query's own key among the queue: -log( e^{q.k/t} / (e^{q.k/t} + sum_n e^{q.n/t}) ).

    Args:
        queries: (B, P) of unit length; gradients reach these alone.
        keys: (B, P) of unit length, the other view of each image.
        queue: (K, P) of unit length. It is copied, as the next push overwrites what the backward pass needs.
        temperature: t.
        batch: (G, P) keys of all images of the batch, which are negatives of each other's queries; None: they are not.
        first_row: of `batch` that belongs to the first query; the other queries follow.

    Returns:
        (B,) float32.
    """
    with torch.autocast(queries.device.type, enabled=False):
        own = (queries * keys.detach()).sum(dim=1) / temperature  # (B,)
        others = queries @ queue.detach().clone().T / temperature  # (B, K)
        if batch is not None:
            near = queries @ batch.detach().T / temperature  # (B, G)
            place = torch.arange(len(queries), device=queries.device)
            itself = torch.zeros_like(near, dtype=torch.bool)
            itself[place, first_row + place] = True
            others = torch.cat([others, near.masked_fill(itself, torch.finfo(near.dtype).min)], dim=1)
        return F.softplus(others.logsumexp(dim=1) - own)

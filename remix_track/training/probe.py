"""The probe of a pre-training: what the backbone is worth without labels, and which of its weights are kept.

A backbone's vectors search the target by the usual rules: Rank-1 is the share of queries whose nearest image, of other
cameras where it shows the same person, shows that person. MoCo's own loss does not say that: it falls as well where
cameras are all that is told apart.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from remix_track.data.crop_set import CropSet
from remix_track.data.stores import ImageStore
from remix_track.encoder.backbones import Encoder
from remix_track.retrieval.ranking import rank_gallery
from remix_track.training.embedding import EmbedPlan, embed_rows
from remix_track.training.evaluation import embed_search


def probe_backbone(plan: EmbedPlan, encoder: Encoder, target: CropSet) -> dict[str, float]:
    """Rank-1 and mAP of pooled vectors, before the BN-neck, on a target; `rank1` and `map` in 0..1. Collective.

    Raises:
        InputError: see `embed_search`.
        Stopped: a stop was asked for.
    """

    def embed(store: ImageStore, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        encoder.eval()
        vectors, readable = embed_rows(plan, lambda images: encoder(images)[0], store, rows)
        return F.normalize(vectors, dim=1).cpu().numpy(), readable

    search = embed_search(embed, target)
    found = plan.processes.on_rank_0(lambda: rank_gallery(search.query, search.gallery).summary())
    return {name: found[name] for name in ("rank1", "map")}


class BestBackbone:
    """The probes so far, and the weights that had the best one; a tie keeps the earlier.

    Attributes:
        step: steps of the stage that were done at the last probe; -1 before the first.
        start: Rank-1 before the first step; nan before.
        last: of the last probe, likewise.
        best: the greatest.
        best_step: steps that were done then.
        since: probes after it.
    """

    def __init__(self) -> None:
        self.step = self.best_step = -1
        self.since = 0
        self.start = self.last = self.best = float("nan")
        self.weights: dict[str, Tensor] = {}

    def add(self, step: int, score: float, state: Mapping[str, Tensor]) -> None:
        """Count a probe of the backbone whose state this is, after so many steps."""
        first = self.step < 0
        self.step, self.last = step, score
        if first:
            self.start = score
        if first or score > self.best:
            self.best, self.best_step, self.since = score, step, 0
            self.weights = {name: value.detach().clone() for name, value in state.items()}
        else:
            self.since += 1

    def verdict(self) -> str:
        """What came of the pre-training, in a sentence."""
        kept = f"kept the backbone after {self.best_step:,} of {self.step:,} steps"
        scores = f"Rank-1 of the probe {100 * self.best:.1f}, at the start {100 * self.start:.1f}"
        if self.best_step == 0:
            return (
                f"pre-training never rose above its start: the probe fell from {100 * self.start:.1f} to "
                f"{100 * self.last:.1f}, so the backbone is the one before its first step"
            )
        return f"{kept}: {scores}, at the end {100 * self.last:.1f}"

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint; empty before the first probe."""
        if self.step < 0:
            return {}
        return {name: getattr(self, name) for name in _NUMBERS} | {"weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """From a checkpoint; empty where the run it is from had no probe."""
        for name in _NUMBERS if state else ():
            setattr(self, name, type(getattr(self, name))(state[name]))
        self.weights = {name: value.to(device) for name, value in state.get("weights", {}).items()}


_NUMBERS = ("step", "start", "last", "best", "best_step", "since")

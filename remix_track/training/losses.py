"""The four losses of ReMix as functions of tensors: one value for each image; gradients reach the queries alone.

Source: Mamedov et al., ReMix, WACV 2025 (arXiv 2410.21938): the four losses, the temperatures of the instance and the
centroids loss, and that camera centroids are for multi-camera images only. The formulas are this project's reading,
after the methods it builds on (ICE, ICCV 2021; CAP, AAAI 2021).

B images of this process are queries, G >= B images of all processes are keys, Y identities of both domains are
numbered together. Products are computed in float32 whatever autocast says: at a temperature of 0.07 the step between
two bfloat16 similarities near 1 would change a loss by 0.06.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from remix_track.training.method_settings import LossSettings


@dataclass(frozen=True, slots=True)
class Labels:
    """Who is on each of N images.

    Attributes:
        identity: (N,) int64, rows of the centroids; no identity is in both domains.
        single_camera: (N,) bool, the domain.
    """

    identity: Tensor
    single_camera: Tensor

    def __post_init__(self) -> None:
        if self.identity.ndim != 1 or self.identity.shape != self.single_camera.shape:
            shapes = f"{tuple(self.identity.shape)} and {tuple(self.single_camera.shape)}"
            raise ValueError(f"identity and single_camera have shapes {shapes}, expected (N,) both")
        if self.single_camera.dtype != torch.bool:
            raise ValueError(f"single_camera is {self.single_camera.dtype}, expected bool")


@dataclass(frozen=True, slots=True)
class LossValues:
    """The losses of one batch, before reduction.

    Attributes:
        instance: (B,) see `instance_loss`.
        augmentation: (B,) see `augmentation_loss`.
        centroid: (B,) see `centroid_loss`.
        camera: (B,) see `camera_loss`; zero for single-camera images.
        single_camera: (B,) bool, the domain of each image.
    """

    instance: Tensor
    augmentation: Tensor
    centroid: Tensor
    camera: Tensor
    single_camera: Tensor

    def total(self, settings: LossSettings) -> Tensor:
        """The weighted sum of the means, a scalar; the camera loss is averaged over multi-camera images alone."""
        multi_cameras = (~self.single_camera).sum().clamp(min=1)
        return (
            settings.instance_weight * self.instance.mean()
            + settings.augmentation_weight * self.augmentation.mean()
            + settings.centroid_weight * self.centroid.mean()
            + settings.camera_weight * self.camera.sum() / multi_cameras
        )

    def means(self) -> dict[str, Tensor]:
        """For the log: the mean of each loss in each domain, `instance/multi` and so on; nan where it has no image.

        Scalars that stay on the device: to choose rows by a mask, or to read a number, waits for all that it computes.
        """
        domains, found = {"multi": ~self.single_camera, "single": self.single_camera}, {}
        for loss, domain in itertools.product(("instance", "augmentation", "centroid"), domains):
            found[f"{loss}/{domain}"] = _mean_where(getattr(self, loss), domains[domain])
        found["camera/multi"] = _mean_where(self.camera, domains["multi"])
        return found


def instance_loss(queries: Tensor, keys: Tensor, labels: Labels, key_labels: Labels, settings: LossSettings) -> Tensor:
    """Pull a query to each key of its identity, against the keys of other identities in the batch.

    Mean over the positives j of -log(e^{<q_i,k_j>/t} / (e^{<q_i,k_j>/t} + sum_n e^{<q_i,k_n>/t})). The positives
    include the image's own second view, so that an identity with a single image has one. Without negatives it is 0.

    Args:
        queries: (B, D) encoder's output, any length.
        keys: (G, D) momentum encoder's output, any length.
        labels: of the queries.
        key_labels: of the keys.
        settings: `instance_*`.

    Returns:
        (B,) at least 0.
    """
    scores = _products(_unit(queries), _unit(keys.detach()))  # (B, G)
    scores /= _by_domain(labels, settings.instance_temperature_multi, settings.instance_temperature_single, scores)
    positive = labels.identity[:, None] == key_labels.identity  # (B, G)
    negatives = _log_sum_exp(scores, _negatives(labels, key_labels, settings.instance_negatives))  # (B,)
    values = F.softplus(negatives[:, None] - scores).where(positive, 0)  # (B, G)
    if settings.instance_positives == "hardest":
        return values.amax(dim=1)
    return values.sum(dim=1) / positive.sum(dim=1).clamp(min=1)


def augmentation_loss(
    queries: Tensor,
    originals: Tensor,
    labels: Labels,
    original_labels: Labels,
    settings: LossSettings,
    first_row: int = 0,
) -> Tensor:
    """Pull a query to its own image before augmentation, against the images of other identities in the batch.

    -log(e^{<q_i,o_i>/t} / (e^{<q_i,o_i>/t} + sum_n e^{<q_i,o_n>/t})). Other images of the identity take no part.

    Args:
        queries: (B, D) encoder's output for augmented images, any length.
        originals: (G, D) momentum encoder's output for the images without augmentation, any length.
        labels: of the queries.
        original_labels: of the originals.
        settings: `augmentation_*`.
        first_row: of `originals` that belongs to the first query; the other queries follow.

    Returns:
        (B,) at least 0.
    """
    scores = _products(_unit(queries), _unit(originals.detach())) / settings.augmentation_temperature  # (B, G)
    own = scores.diagonal(offset=first_row)  # (B,)
    negatives = _log_sum_exp(scores, _negatives(labels, original_labels, settings.augmentation_negatives))  # (B,)
    return F.softplus(negatives - own)


def centroid_loss(
    queries: Tensor, labels: Labels, centroids: Tensor, centroid_single_camera: Tensor, settings: LossSettings
) -> Tensor:
    """Classify a query among the identities: -log softmax over identities of <q_i,p_y>/t.

    Args:
        queries: (B, D) encoder's output, any length.
        labels: of the queries.
        centroids: (Y, D) of unit length; row y is that of identity y.
        centroid_single_camera: (Y,) bool, the domain of each identity.
        settings: `centroid_*`.

    Returns:
        (B,) at least 0.
    """
    scaled = _unit(queries) if settings.centroid_query == "unit" else _full(queries)
    scores = _products(scaled, _full(centroids.detach()))  # (B, Y)
    scores /= _by_domain(labels, settings.centroid_temperature_multi, settings.centroid_temperature_single, scores)
    own = scores.gather(1, labels.identity[:, None])  # (B, 1)
    others = labels.identity[:, None] != torch.arange(len(centroids), device=queries.device)  # (B, Y)
    if settings.centroid_softmax == "per_domain":
        others &= labels.single_camera[:, None] == centroid_single_camera
    return F.softplus(_log_sum_exp(scores, others) - own.squeeze(1))


def camera_loss(
    queries: Tensor, labels: Labels, camera_centroids: Tensor, centroid_identity: Tensor, settings: LossSettings
) -> Tensor:
    """Pull a query to its identity as each camera sees it, against the hardest camera centroids of others.

    The mean over the identity's camera centroids (its own camera's included) of -log softmax of <q_i,p>/t, the softmax
    over all these and the hardest others. With c cameras it cannot fall below log c.

    Args:
        queries: (B, D) encoder's output, any length.
        labels: of the queries.
        camera_centroids: (R, D) of unit length, multi-camera identities only.
        centroid_identity: (R,) int64, the identity of each row.
        settings: `camera_*`.

    Returns:
        (B,) at least 0; 0 for an identity without camera centroids, as all single-camera ones are.
    """
    scores = _products(_unit(queries), _full(camera_centroids.detach())) / settings.camera_temperature  # (B, R)
    if not len(camera_centroids):
        return scores.sum(dim=1)
    positive = labels.identity[:, None] == centroid_identity  # (B, R)
    among_others = scores.detach().masked_fill(positive, -math.inf)
    hardest = among_others.topk(min(settings.camera_negatives, len(camera_centroids))).indices  # (B, negatives)
    taking_part = positive.scatter(1, hardest, True)
    positives = positive.sum(dim=1)
    own = scores.where(positive, 0).sum(dim=1) / positives.clamp(min=1)
    return (_log_sum_exp(scores, taking_part) - own).where(positives > 0, 0)


def _mean_where(values: Tensor, mask: Tensor) -> Tensor:
    return values.detach().where(mask, 0).sum() / mask.sum()


def _by_domain(labels: Labels, multi: float, single: float, like: Tensor) -> Tensor:
    return like.new_full((len(like), 1), multi).masked_fill(labels.single_camera[:, None], single)  # (B, 1)


def _negatives(labels: Labels, key_labels: Labels, which: Literal["all", "own_domain"]) -> Tensor:
    other = labels.identity[:, None] != key_labels.identity  # (B, G)
    if which == "own_domain":
        other &= labels.single_camera[:, None] == key_labels.single_camera
    return other


def _log_sum_exp(scores: Tensor, mask: Tensor) -> Tensor:
    # A finite stand-in for minus infinity: a row without any entry gets it as its value, and a gradient of zero.
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).logsumexp(dim=1)


def _products(queries: Tensor, keys: Tensor) -> Tensor:
    with torch.autocast(queries.device.type, enabled=False):
        return queries @ keys.T


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(_full(vectors), dim=1)


def _full(vectors: Tensor) -> Tensor:
    return vectors.float() if vectors.dtype in (torch.float16, torch.bfloat16) else vectors

"""What the parts of training can be told. No torch here, so that a command line lists its flags at once.

Defaults that the paper states (Mamedov et al., ReMix, WACV 2025, arXiv 2410.21938) are marked "paper"; all others are
this project's reading of it, drawn from the methods whose constants it shares.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, get_args, get_type_hints

from remix_track.errors import InputError

FEWEST_NEIGHBOURS = 6
"""That `ClusterSettings.k1_share` leaves to `k1`: with fewer, one person of some twenty crops falls into pieces."""


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Temperatures, weights and choices of the four losses.

    Attributes:
        instance_temperature_multi: of the instance loss on multi-camera images (paper).
        instance_temperature_single: of the instance loss on single-camera images (paper).
        augmentation_temperature: of the augmentation loss.
        centroid_temperature_multi: of the centroids loss on multi-camera images (paper).
        centroid_temperature_single: of the centroids loss on single-camera images (paper).
        camera_temperature: of the camera centroids loss.
        camera_negatives: hardest camera centroids of other identities that a query is held against.
        instance_weight: of the instance loss in the total.
        augmentation_weight: of the augmentation loss in the total.
        centroid_weight: of the centroids loss in the total.
        camera_weight: of the camera centroids loss in the total; gamma.
        instance_positives: the mean over all keys of the identity, or the least similar one alone.
        instance_negatives: keys of all other identities in the batch, or of those of the query's domain.
        augmentation_negatives: the same for the augmentation loss.
        centroid_query: the encoder's output as it is, or scaled to unit length. With unit vectors and a temperature of
            0.5 the loss cannot fall below about 5 among 1,041 identities.
        centroid_softmax: over the identities of the query's domain, or over those of both.

    Raises:
        InputError: a value out of its range.
    """

    instance_temperature_multi: float = field(
        default=0.1, metadata={"help": "temperature of the instance loss on multi-camera images"}
    )
    instance_temperature_single: float = field(
        default=0.2, metadata={"help": "temperature of the instance loss on single-camera images"}
    )
    augmentation_temperature: float = field(default=0.1, metadata={"help": "temperature of the augmentation loss"})
    centroid_temperature_multi: float = field(
        default=0.5, metadata={"help": "temperature of the centroids loss on multi-camera images"}
    )
    centroid_temperature_single: float = field(
        default=0.6, metadata={"help": "temperature of the centroids loss on single-camera images"}
    )
    camera_temperature: float = field(default=0.07, metadata={"help": "temperature of the camera centroids loss"})
    camera_negatives: int = field(
        default=50, metadata={"help": "hardest camera centroids of other identities that a query is held against"}
    )
    instance_weight: float = field(default=1.0, metadata={"help": "weight of the instance loss"})
    augmentation_weight: float = field(default=1.0, metadata={"help": "weight of the augmentation loss"})
    centroid_weight: float = field(default=1.0, metadata={"help": "weight of the centroids loss"})
    camera_weight: float = field(default=0.5, metadata={"help": "weight of the camera centroids loss"})
    instance_positives: Literal["all", "hardest"] = field(
        default="all", metadata={"help": "instance loss over all keys of the identity, or the least similar one"}
    )
    instance_negatives: Literal["all", "own_domain"] = field(
        default="all", metadata={"help": "negatives of the instance loss from the whole batch or the query's domain"}
    )
    augmentation_negatives: Literal["all", "own_domain"] = field(
        default="all", metadata={"help": "negatives of the augmentation loss, likewise"}
    )
    centroid_query: Literal["raw", "unit"] = field(
        default="raw", metadata={"help": "centroids loss on the encoder's output as it is, or at unit length"}
    )
    centroid_softmax: Literal["per_domain", "joint"] = field(
        default="per_domain", metadata={"help": "centroids loss among identities of the query's domain, or of both"}
    )

    def __post_init__(self) -> None:
        _check_literals(self)
        for name in ("instance_temperature_multi", "instance_temperature_single", "augmentation_temperature"):
            _check(name, getattr(self, name), "0.001 to 100", low=1e-3, high=100)
        for name in ("centroid_temperature_multi", "centroid_temperature_single", "camera_temperature"):
            _check(name, getattr(self, name), "0.001 to 100", low=1e-3, high=100)
        for name in ("instance_weight", "augmentation_weight", "centroid_weight", "camera_weight"):
            _check(name, getattr(self, name), "0 to 1000", low=0, high=1000)
        _check("camera_negatives", self.camera_negatives, "at least 1", low=1)


@dataclass(frozen=True, slots=True)
class MomentumSettings:
    """How the momentum encoder follows the encoder.

    Attributes:
        coefficient: of its own weights in each step; 0 copies the encoder, which is training without a momentum
            encoder.
        batchnorm: what becomes of BatchNorm. "own": keys are made in train mode, with the statistics of their batch,
            and the momentum encoder's running statistics are those of its own batches, as in ICE and MoCo. "ema" and
            "copy": keys are made in eval mode, and the running statistics are averaged or copied from the encoder.

    Raises:
        InputError: a value out of its range.
    """

    coefficient: float = field(
        default=0.999, metadata={"help": "share of its own weights that the momentum encoder keeps in each step"}
    )
    batchnorm: Literal["own", "ema", "copy"] = field(
        default="own", metadata={"help": "the momentum encoder's batch statistics: its own, averaged, or copied"}
    )

    def __post_init__(self) -> None:
        _check_literals(self)
        _check("coefficient", self.coefficient, "0 to 1", low=0, high=1)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How single-camera images get pseudo labels.

    Attributes:
        scope: look for neighbours among the images of all videos of the epoch, or within each video. An identity never
            spans two videos either way. Strangers of other videos keep those of one's own apart: where a video has no
            more than k1 images, everybody in it is everybody's neighbour.
        distance: Jaccard distance of k-reciprocal neighbourhoods, or cosine distance.
        eps: largest distance of two images that DBSCAN calls neighbours; 0.5 to 0.6 suits Jaccard, less suits cosine.
        min_samples: images within `eps`, itself included, that make an image the core of an identity.
        k1: nearest images of which the reciprocal ones are an image's neighbourhood, itself included. Per video, keep
            it below 2.5 times the crops that a person has there: with 30, people of 8 crops become one identity.
        k1_share: k1 is at most this share of the images that are clustered together, those of a video or of the pool;
            but not below 6, or one person falls apart. 1: as it is.
        k2: nearest images over which neighbourhoods are averaged, itself included.
        backend: "sparse" keeps the pairs that share a neighbour; "dense" is the reference, quadratic in memory.

    Raises:
        InputError: a value out of its range.
    """

    scope: Literal["video", "pool"] = field(
        default="pool", metadata={"help": "cluster with neighbours from all videos, or within each video alone"}
    )
    distance: Literal["jaccard", "cosine"] = field(
        default="jaccard", metadata={"help": "distance of DBSCAN: k-reciprocal Jaccard, or cosine"}
    )
    eps: float = field(default=0.5, metadata={"help": "largest distance of two images that are neighbours"})
    min_samples: int = field(default=4, metadata={"help": "neighbours, itself included, that make a core image"})
    k1: int = field(
        default=30,
        metadata={"help": "nearest images that may be reciprocal neighbours; at most 2.5 times a person's crops"},
    )
    k1_share: float = field(
        default=0.25, metadata={"help": "k1 is at most this share of the video's, or pool's, images"}
    )
    k2: int = field(default=6, metadata={"help": "nearest images over which neighbourhoods are averaged"})
    backend: Literal["sparse", "dense"] = field(
        default="sparse", metadata={"help": "dense: the reference, quadratic in memory"}
    )

    def __post_init__(self) -> None:
        _check_literals(self)
        # Every pair is within 1 in the Jaccard distance and within 2 in the cosine distance.
        if self.distance == "jaccard":
            _check("eps", self.eps, "above 0, below 1 for jaccard", low=1e-6, high=1 - 1e-6)
        _check("eps", self.eps, "above 0, below 2", low=1e-6, high=2 - 1e-6)
        _check("min_samples", self.min_samples, "at least 2", low=2)
        _check("k1", self.k1, "2 to 1000", low=2, high=1000)
        _check("k1_share", self.k1_share, "above 0, at most 1", low=1e-6, high=1)
        _check("k2", self.k2, "1 to k1", low=1, high=self.k1)

    def fitting(self, images: int) -> "ClusterSettings":
        """These settings for so many images that are clustered together: k1, and k2 with it, held to their share."""
        if self.k1_share == 1:
            return self
        k1 = min(self.k1, max(self.min_samples, FEWEST_NEIGHBOURS, int(self.k1_share * images)))
        return replace(self, k1=k1, k2=min(self.k2, k1))


@dataclass(frozen=True, slots=True)
class CentroidSettings:
    """How fresh centroids are: whether they move within an epoch, and how many are made anew at its start.

    Attributes:
        momentum: share of itself that a centroid keeps when a batch shows its identity; 1 leaves centroids as they
            were at the epoch's start (ICE), Cluster Contrast takes 0.1.
        refresh_share: of the multi-camera people, those whose images an epoch embeds anew, in turn; the others keep
            their centroids as the epoch before left them. All are in the first epoch. On a large set embedding all of
            it takes longer than the epoch's steps.

    Raises:
        InputError: a value out of its range.
    """

    momentum: float = field(
        default=1.0, metadata={"help": "share of itself that a centroid keeps in each step; 1 fixes it for the epoch"}
    )

    refresh_share: float = field(
        default=1.0, metadata={"help": "share of the multi-camera people that an epoch embeds anew, in turn"}
    )

    def __post_init__(self) -> None:
        _check("momentum", self.momentum, "0 to 1", low=0, high=1)
        _check("refresh_share", self.refresh_share, "0 to 1", low=0, high=1)


@dataclass(frozen=True, slots=True)
class MocoSettings:
    """MoCo v2 pre-training (Chen et al., arXiv 2003.04297).

    Attributes:
        queue_size: keys of earlier batches that serve as negatives; keep it below the number of images.
        momentum: of the key network.
        temperature: of the InfoNCE loss.
        projection: length of the vectors that are compared.

    Raises:
        InputError: a value out of its range.
    """

    queue_size: int = field(default=65536, metadata={"help": "keys of earlier batches that serve as negatives"})
    momentum: float = field(default=0.999, metadata={"help": "share of its weights that the key network keeps"})
    temperature: float = field(default=0.2, metadata={"help": "temperature of the InfoNCE loss"})
    projection: int = field(default=128, metadata={"help": "length of the vectors that are compared"})

    def __post_init__(self) -> None:
        _check("queue_size", self.queue_size, "1 to 10,000,000", low=1, high=10_000_000)
        _check("momentum", self.momentum, "0 to 1", low=0, high=1)
        _check("temperature", self.temperature, "0.001 to 100", low=1e-3, high=100)
        _check("projection", self.projection, "1 to 65,536", low=1, high=65_536)


def _check(name: str, value: float, expected: str, *, low: float, high: float = math.inf) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} = {value}; expected {expected}")


def _check_literals(settings: object) -> None:
    for name, hint in get_type_hints(type(settings)).items():
        value, choices = getattr(settings, name), get_args(hint)
        if choices and value not in choices:
            raise InputError(f"{name} = {value!r}; expected {' or '.join(map(repr, choices))}")

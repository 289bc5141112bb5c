"""What the parts of training can be told. No torch here, so that a command line lists its flags at once.

Defaults that the paper states (Mamedov et al., ReMix, WACV 2025, arXiv 2410.21938) are marked "paper"; all others are
this project's reading of it, drawn from the methods whose constants it shares.
"""

from dataclasses import dataclass, replace
from typing import Literal

from remix_track.errors import InputError
from remix_track.settings import check, setting

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
        InputError: a value that does not fit its field.
    """

    instance_temperature_multi: float = setting(
        0.1, "temperature of the instance loss on multi-camera images", low=0.001, high=100
    )
    instance_temperature_single: float = setting(
        0.2, "temperature of the instance loss on single-camera images", low=0.001, high=100
    )
    augmentation_temperature: float = setting(0.1, "temperature of the augmentation loss", low=0.001, high=100)
    centroid_temperature_multi: float = setting(
        0.5, "temperature of the centroids loss on multi-camera images", low=0.001, high=100
    )
    centroid_temperature_single: float = setting(
        0.6, "temperature of the centroids loss on single-camera images", low=0.001, high=100
    )
    camera_temperature: float = setting(0.07, "temperature of the camera centroids loss", low=0.001, high=100)
    camera_negatives: int = setting(
        50, "hardest camera centroids of other identities that a query is held against", low=1
    )
    instance_weight: float = setting(1.0, "weight of the instance loss", low=0, high=1000)
    augmentation_weight: float = setting(1.0, "weight of the augmentation loss", low=0, high=1000)
    centroid_weight: float = setting(1.0, "weight of the centroids loss", low=0, high=1000)
    camera_weight: float = setting(0.5, "weight of the camera centroids loss", low=0, high=1000)
    instance_positives: Literal["all", "hardest"] = setting(
        "all", "instance loss over all keys of the identity, or the least similar one"
    )
    instance_negatives: Literal["all", "own_domain"] = setting(
        "all", "negatives of the instance loss from the whole batch or the query's domain"
    )
    augmentation_negatives: Literal["all", "own_domain"] = setting(
        "all", "negatives of the augmentation loss, likewise"
    )
    centroid_query: Literal["raw", "unit"] = setting(
        "raw", "centroids loss on the encoder's output as it is, or at unit length"
    )
    centroid_softmax: Literal["per_domain", "joint"] = setting(
        "per_domain", "centroids loss among identities of the query's domain, or of both"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    """The losses of `method = "baseline"`, with the numbers of Luo et al. (CVPRW 2019); see `training.baseline`.

    Attributes:
        smoothing: of the labels in the cross entropy.
        margin: of the triplet loss.
        triplet_weight: of the triplet loss in the total.

    Raises:
        InputError: a value that does not fit its field.
    """

    smoothing: float = setting(0.1, "label smoothing of the cross entropy", low=0, below=1)
    margin: float = setting(0.3, "margin of the triplet loss", low=0, high=100)
    triplet_weight: float = setting(1.0, "weight of the triplet loss", low=0, high=1000)

    def __post_init__(self) -> None:
        check(self)


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
        InputError: a value that does not fit its field.
    """

    coefficient: float = setting(
        0.999, "share of its own weights that the momentum encoder keeps in each step", low=0, high=1
    )
    batchnorm: Literal["own", "ema", "copy"] = setting(
        "own", "the momentum encoder's batch statistics: its own, averaged, or copied"
    )

    def __post_init__(self) -> None:
        check(self)


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
        tracklets: where the tracklet of a crop is known, as of harvested footage, cluster tracklets in place of crops:
            crops of one tracklet are one person, tracklets seen at the same time are different people. `scope`,
            `distance`, `eps`, `k1` and `k2` are for crops of unknown tracklet alone.
        tracklet_eps: largest mean cosine distance of two clusters of tracklets that are one person.
        tracklet_break: a tracklet is cut where the means before and after are further apart: two people exchanged.
        centred: in a pool, subtract each video's mean embedding first: the light of its camera, which makes its people
            alike. Videos are clustered alone beforehand, so that each person counts once, and one alone counts not.

    Raises:
        InputError: a value that does not fit its field.
    """

    scope: Literal["video", "pool"] = setting(
        "pool", "cluster with neighbours from all videos, or within each video alone"
    )
    distance: Literal["jaccard", "cosine"] = setting("jaccard", "distance of DBSCAN: k-reciprocal Jaccard, or cosine")
    eps: float = setting(0.5, "largest distance of two images that are neighbours", above=0, below=2)
    min_samples: int = setting(4, "neighbours, itself included, that make a core image", low=2)
    k1: int = setting(
        30, "nearest images that may be reciprocal neighbours; at most 2.5 times a person's crops", low=2, high=1000
    )
    k1_share: float = setting(0.25, "k1 is at most this share of the video's, or pool's, images", above=0, high=1)
    k2: int = setting(6, "nearest images over which neighbourhoods are averaged", low=1)
    tracklets: bool = setting(
        False, "cluster tracklets where they are known; those seen at the same time are different people"
    )
    tracklet_eps: float = setting(
        0.2, "largest mean cosine distance of tracklets that are one person", above=0, below=2
    )
    tracklet_break: float = setting(
        0.35, "cosine distance of the means before and after at which a tracklet is cut", above=0, high=2
    )
    centred: bool = setting(False, "in a pool, subtract each video's mean embedding: the light of its camera")

    def __post_init__(self) -> None:
        check(self)
        # Every pair is within 1 in the Jaccard distance.
        if self.distance == "jaccard" and self.eps >= 1:
            raise InputError(f"eps = {self.eps}; expected above 0, below 1 for jaccard")
        if self.k2 > self.k1:
            raise InputError(f"k2 = {self.k2}; expected 1 to k1")
        if self.centred and (self.scope, self.distance) != ("pool", "jaccard"):
            raise InputError(
                "centred = true; videos are taken out of a pool alone: let scope be pool and distance jaccard, "
                "or centred false"
            )

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
        InputError: a value that does not fit its field.
    """

    momentum: float = setting(
        1.0, "share of itself that a centroid keeps in each step; 1 fixes it for the epoch", low=0, high=1
    )

    refresh_share: float = setting(
        1.0, "share of the multi-camera people that an epoch embeds anew, in turn", low=0, high=1
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class MocoSettings:
    """MoCo v2 pre-training (Chen et al., arXiv 2003.04297).

    Attributes:
        queue_size: keys of earlier batches that serve as negatives; keep it below the number of images.
        momentum: of the key network.
        temperature: of the InfoNCE loss.
        projection: length of the vectors that are compared.
        batch_negatives: the keys of a batch's other images are negatives too, beside the queue's.
        batchnorm: of the key network, as `MomentumSettings.batchnorm`. With "own" an image's two views are normalised
            with the statistics of one and the same batch, which no key of the queue was: a network on one device can
            tell its key by them alone. He et al. shuffle images between GPUs against that; "ema" does without batch
            statistics in the keys (EMAN; Cai et al., CVPR 2021).

    Raises:
        InputError: a value that does not fit its field.
    """

    queue_size: int = setting(65536, "keys of earlier batches that serve as negatives", low=1, high=10_000_000)
    momentum: float = setting(0.999, "share of its weights that the key network keeps", low=0, high=1)
    temperature: float = setting(0.2, "temperature of the InfoNCE loss", low=0.001, high=100)
    projection: int = setting(128, "length of the vectors that are compared", low=1, high=65_536)
    batch_negatives: bool = setting(False, "the keys of a batch's other images are negatives too")
    batchnorm: Literal["own", "ema", "copy"] = setting(
        "own", "the key network's batch statistics: its own, averaged, or copied"
    )

    def __post_init__(self) -> None:
        check(self)

"""Everything a training run can be told, in sections; what a TOML file of `configs/` may hold.

Defaults that the paper states (Mamedov et al., ReMix, WACV 2025, arXiv 2410.21938) are marked "paper"; the others are
this project's reading of it. No torch here: a command line lists its settings at once.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from remix_track.data.augmentation import MOCO_AUGMENTATION, AugmentationSettings
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.data.sampling import MixSettings
from remix_track.errors import InputError
from remix_track.training.settings import (
    CentroidSettings,
    ClusterSettings,
    LossSettings,
    MocoSettings,
    MomentumSettings,
)


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Which crops to learn from.

    Attributes:
        multi_camera: labelled sets, each `KIND:PATH`; see `remix_track.training.data_sets`.
        single_camera: unlabelled sets, each `KIND:PATH`.
        single_camera_videos: take so many videos of them alone, drawn by the seed; 0 for all.
        single_camera_images: take so many crops of these videos in all, a stretch of each; 0 for all.
        video_fields: `_` fields of a single-camera name, from 0, that say the video; empty: the rule of its kind.
        hidden_identity_fields: those that say who it is, on data that has this; it only judges pseudo labels.
        target: a labelled set with query and gallery that the run is scored on; empty for none.
        calibration: a labelled set that the tracker's threshold is taken from; empty: the target, else the training
            people.
        footage_folder: where the crops of raw videos (`footage:PATH`) are written once and found again.
        strict: counts that are not the published ones, and missing pictures, are errors.
        workers: threads that read and change pictures; 0 takes the cores there are, at most 16.
    """

    multi_camera: tuple[str, ...] = field(default=(), metadata={"help": "labelled sets, each KIND:PATH"})
    single_camera: tuple[str, ...] = field(default=(), metadata={"help": "unlabelled sets, each KIND:PATH"})
    single_camera_videos: int = field(default=0, metadata={"help": "take so many of their videos alone; 0: all"})
    single_camera_images: int = field(default=0, metadata={"help": "so many crops of these videos in all; 0: all"})
    video_fields: tuple[int, ...] = field(
        default=(), metadata={"help": "fields of a name that say the video, as 0,1,2"}
    )
    hidden_identity_fields: tuple[int, ...] = field(
        default=(), metadata={"help": "fields that say who it is; they only judge pseudo labels"}
    )
    target: str = field(default="", metadata={"help": "labelled set with query and gallery to be scored on"})
    calibration: str = field(default="", metadata={"help": "set for the tracker's threshold; empty: the target"})
    footage_folder: str = field(default="runs/footage", metadata={"help": "where crops of raw videos are kept"})
    strict: bool = field(default=True, metadata={"help": "counts other than the published ones are errors"})
    workers: int = field(default=0, metadata={"help": "threads that read pictures; 0: as many as cores"})

    def __post_init__(self) -> None:
        _check("single_camera_videos", self.single_camera_videos, "0 or more", 0, math.inf)
        _check("single_camera_images", self.single_camera_images, "0 or more", 0, math.inf)
        _check("workers", self.workers, "0 to 256", 0, 256)


@dataclass(frozen=True, slots=True)
class DrawnSettings:
    """People to draw where `[data]` names no set at all; see `remix_track.synthetic.dataset`.

    Attributes:
        identities: labelled people; 0 draws none, and `[data]` must name sets.
        cameras: of the labelled part.
        videos: of the single-camera part.
        target_identities: people of the target.
        wardrobe, lookalikes, colour_cast: what people and cameras are like, as in `remix_track.synthetic.style.Style`.
        seed: of the drawing; the run's own seed says nothing about its data.
        folder: where sets are drawn and found again, each in a folder named by these settings.
    """

    identities: int = field(default=0, metadata={"help": "labelled people to draw where [data] names no set; 0: none"})
    cameras: int = field(default=6, metadata={"help": "cameras of the labelled part"})
    videos: int = field(default=60, metadata={"help": "videos of the single-camera part"})
    target_identities: int = field(default=100, metadata={"help": "people of the target"})
    wardrobe: Literal["paint-box", "street"] = field(default="paint-box", metadata={"help": "colours of the clothes"})
    lookalikes: float = field(default=0.25, metadata={"help": "share of people in the clothes of another"})
    colour_cast: float = field(default=1.0, metadata={"help": "how far the cameras' white balance differs"})
    seed: int = field(default=0, metadata={"help": "of the drawing"})
    folder: str = field(default="runs/drawn", metadata={"help": "where drawn sets lie and are found again"})

    def __post_init__(self) -> None:
        _check("identities", self.identities, "0, or 2 to 100,000", 0, 100_000)
        if self.identities == 1:
            raise InputError("identities = 1; expected 0, or 2 to 100,000")
        _check("cameras", self.cameras, "2 to 1,000", 2, 1000)
        _check("videos", self.videos, "1 to 100,000", 1, 100_000)
        _check("target_identities", self.target_identities, "2 to 100,000", 2, 100_000)
        _check("lookalikes", self.lookalikes, "0 to 1", 0, 1)
        _check("colour_cast", self.colour_cast, "0 to 3", 0, 3)
        _check("seed", self.seed, "0 to 2**32 - 1", 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """The network and what it sees.

    Attributes:
        architecture: name for `build_encoder` (ResNet50-IBN-a: paper).
        height: of the crops in pixels (paper).
        width: of the crops in pixels (paper).
        weights: what to start from: empty (He's initialisation), `imagenet` or `default` (mobilenet-v2 alone), a
            `.safetensors` of ours, or a state dict of the backbone (`.pth`).
        strict: missing and unexpected keys in `weights` are errors; a classifier's own keys never are.
        frozen_batchnorm: the backbone keeps the batch statistics of `weights`; see `freeze_batchnorm`.
    """

    architecture: Literal["resnet50-ibn-a", "resnet18-ibn-a", "mobilenet-v2"] = field(
        default="resnet50-ibn-a", metadata={"help": "the network"}
    )
    height: int = field(default=256, metadata={"help": "of the crops in pixels"})
    width: int = field(default=128, metadata={"help": "of the crops in pixels"})
    weights: str = field(
        default="", metadata={"help": "start from: empty, imagenet, default, or a .safetensors or .pth file"}
    )
    strict: bool = field(default=True, metadata={"help": "missing or unexpected keys in these weights are errors"})
    frozen_batchnorm: bool = field(
        default=False, metadata={"help": "keep the batch statistics that these weights have"}
    )

    def __post_init__(self) -> None:
        if self.frozen_batchnorm and not self.weights:
            raise InputError(
                "frozen_batchnorm = true keeps the statistics of weights, but there are none; give weights"
            )
        _check("height", self.height, "32 to 1024", 32, 1024)
        _check("width", self.width, "16 to 1024", 16, 1024)


@dataclass(frozen=True, slots=True)
class PretrainingSettings:
    """How long and how fast MoCo v2 runs before the joint training; what it does is in `MocoSettings`.

    Attributes:
        epochs: passes, or parts of passes, over the single-camera data.
        iterations_per_epoch: steps in an epoch; 0 for all images once.
        batch_size: images in a step.
        optimiser: SGD with momentum 0.9, as MoCo v2, or Adam.
        learning_rate: at the start; it falls to 0 along a cosine.
        weight_decay: of the optimiser.
    """

    epochs: int = field(default=200, metadata={"help": "epochs of pre-training"})
    iterations_per_epoch: int = field(default=0, metadata={"help": "steps in an epoch; 0: all images once"})
    batch_size: int = field(default=256, metadata={"help": "images in a step"})
    optimiser: Literal["sgd", "adam"] = field(default="sgd", metadata={"help": "SGD as MoCo v2, or Adam"})
    learning_rate: float = field(default=0.03, metadata={"help": "at the start; falls to 0 along a cosine"})
    weight_decay: float = field(default=1e-4, metadata={"help": "of the optimiser"})

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, "1 to 100,000", 1, 100_000)
        _check("iterations_per_epoch", self.iterations_per_epoch, "0 to 10,000,000", 0, 10_000_000)
        _check("batch_size", self.batch_size, "2 to 65,536", 2, 65_536)
        _check("learning_rate", self.learning_rate, "above 0, at most 10", 1e-12, 10)
        _check("weight_decay", self.weight_decay, "0 to 1", 0, 1)


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """What an epoch and a mini-batch of the joint training are made of.

    Attributes:
        iterations_per_epoch: steps of the optimiser; only part of the images is seen, so that centroids stay fresh.
        multi_identities: P_m, people of a mini-batch from the multi-camera data.
        multi_images: K_m, images of each.
        single_identities: P_s, pseudo identities of a mini-batch from the single-camera data; 0 leaves that half out.
        single_images: K_s, images of each.
        videos_per_epoch: single-camera videos drawn for an epoch.
        crops_per_video: of each video in an epoch at most so many, drawn at random; 0 for all.
    """

    iterations_per_epoch: int = field(default=400, metadata={"help": "steps of the optimiser in an epoch"})
    multi_identities: int = field(default=8, metadata={"help": "people of a mini-batch, multi-camera data"})
    multi_images: int = field(default=4, metadata={"help": "images of each of them"})
    single_identities: int = field(default=8, metadata={"help": "pseudo identities of a mini-batch"})
    single_images: int = field(default=4, metadata={"help": "images of each of them"})
    videos_per_epoch: int = field(default=250, metadata={"help": "single-camera videos drawn for an epoch"})
    crops_per_video: int = field(default=0, metadata={"help": "at most so many crops of a video in an epoch; 0: all"})

    def __post_init__(self) -> None:
        _check("iterations_per_epoch", self.iterations_per_epoch, "1 to 10,000,000", 1, 10_000_000)
        for name in ("multi_identities", "multi_images", "single_images"):
            _check(name, getattr(self, name), "1 to 4,096", 1, 4096)
        _check("single_identities", self.single_identities, "0 to 4,096", 0, 4096)
        if self.multi_identities * self.multi_images < 2:
            raise InputError("a mini-batch of one multi-camera image cannot be normalised; raise multi_identities")
        _check("videos_per_epoch", self.videos_per_epoch, "1 or more", 1, math.inf)
        _check("crops_per_video", self.crops_per_video, "0 or more", 0, math.inf)

    def mix(self) -> MixSettings:
        """The shape of a mini-batch, for the sampler."""
        return MixSettings(self.multi_identities, self.multi_images, self.single_identities, self.single_images)


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """Adam for the joint training.

    Attributes:
        learning_rate: after warm-up.
        weight_decay: added to the gradient, as Adam has it.
        warmup_epochs: over which the rate rises linearly from a hundredth.
        schedule: what the rate does after warm-up.
        accumulation: mini-batches whose gradients make one step.
    """

    learning_rate: float = field(default=3.5e-4, metadata={"help": "after warm-up"})
    weight_decay: float = field(default=5e-4, metadata={"help": "added to the gradient"})
    warmup_epochs: int = field(default=10, metadata={"help": "epochs over which the rate rises"})
    schedule: Literal["constant", "cosine"] = field(default="constant", metadata={"help": "the rate after warm-up"})
    accumulation: int = field(default=1, metadata={"help": "mini-batches whose gradients make one step"})

    def __post_init__(self) -> None:
        _check("learning_rate", self.learning_rate, "above 0, at most 10", 1e-12, 10)
        _check("weight_decay", self.weight_decay, "0 to 1", 0, 1)
        _check("warmup_epochs", self.warmup_epochs, "0 or more", 0, math.inf)
        _check("accumulation", self.accumulation, "1 to 1,024", 1, 1024)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How long, where, and what is kept.

    Attributes:
        epochs: of the joint training.
        seed: of everything that is drawn: weights, videos, mini-batches, views.
        device: `auto`, `cpu`, `cuda`, `mps`, or a CUDA device's number.
        precision: of the networks; losses are float32 always. With float16 they are scaled, so that small gradients
            do not become 0.
        threads: of torch on the CPU; 0 takes what torch takes.
        embed_batch: images in one call when whole sets are embedded.
        evaluate_every: epochs between evaluations on the target; the last epoch is evaluated always; 0 for that alone.
        checkpoint_minutes: minutes between checkpoints inside an epoch, in either stage; 0 for none. Each epoch ends
            with one.
        checkpoint_every: steps between checkpoints inside an epoch, beside those; 0 for none. An epoch of pre-training
            has all images: on LUPerson, every 200 steps would be 16,000 checkpoints.
        keep: checkpoints that stay, apart from the best.
        log_every: steps between lines of the log.
        tensorboard: write the numbers of the log as curves for TensorBoard too, to `tensorboard/`.
        weights: which momentum encoder becomes `remix.safetensors`: the last, or the best on the target (which makes
            its score on the target an optimistic one).
        stored: numbers of the convolutions in `remix.safetensors`; float16 halves the file. What is computed with stays
            as it is, and so do the norms, whose variances float16 cannot hold.
    """

    epochs: int = field(default=100, metadata={"help": "epochs of the joint training"})
    seed: int = field(default=0, metadata={"help": "of everything that is drawn"})
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda, mps, or a CUDA device's number"})
    precision: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "of the networks"}
    )
    threads: int = field(default=0, metadata={"help": "of torch on the CPU; 0: torch's choice"})
    embed_batch: int = field(default=128, metadata={"help": "images in one call when whole sets are embedded"})
    evaluate_every: int = field(default=5, metadata={"help": "epochs between evaluations; 0: at the end alone"})
    checkpoint_minutes: float = field(
        default=20.0, metadata={"help": "minutes between checkpoints inside an epoch; 0: none there"}
    )
    checkpoint_every: int = field(default=0, metadata={"help": "steps between checkpoints beside those; 0: none"})
    keep: int = field(default=2, metadata={"help": "checkpoints that stay, apart from the best"})
    log_every: int = field(default=20, metadata={"help": "steps between lines of the log"})
    tensorboard: bool = field(default=False, metadata={"help": "write curves for TensorBoard to tensorboard/"})
    weights: Literal["last", "best"] = field(default="last", metadata={"help": "which epoch's weights are written"})
    stored: Literal["float32", "float16"] = field(
        default="float32", metadata={"help": "numbers of the convolutions in remix.safetensors"}
    )

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, "1 to 100,000", 1, 100_000)
        _check("seed", self.seed, "0 to 2**32 - 1", 0, 2**32 - 1)
        _check("threads", self.threads, "0 to 1,024", 0, 1024)
        _check("embed_batch", self.embed_batch, "1 to 65,536", 1, 65_536)
        _check("evaluate_every", self.evaluate_every, "0 or more", 0, math.inf)
        _check("checkpoint_minutes", self.checkpoint_minutes, "0 to 100,000", 0, 100_000)
        _check("checkpoint_every", self.checkpoint_every, "0 or more", 0, math.inf)
        _check("keep", self.keep, "at least 1", 1, math.inf)
        _check("log_every", self.log_every, "at least 1", 1, math.inf)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """A whole run. The two switches are independent: four runs make the paper's grid.

    Attributes:
        pretrain: run MoCo v2 on the single-camera data first.
        joint: learn from single-camera data beside the multi-camera data; false: from the latter alone.
    """

    pretrain: bool = field(default=True, metadata={"help": "run MoCo v2 on the single-camera data first"})
    joint: bool = field(default=True, metadata={"help": "learn from single-camera data beside multi-camera data"})
    data: DataSettings = field(default_factory=DataSettings)
    drawn: DrawnSettings = field(default_factory=DrawnSettings)
    harvest: HarvestSettings = field(default_factory=HarvestSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    moco: MocoSettings = field(default_factory=MocoSettings)
    pretraining: PretrainingSettings = field(default_factory=PretrainingSettings)
    pretraining_augmentation: AugmentationSettings = field(default_factory=lambda: MOCO_AUGMENTATION)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    clusters: ClusterSettings = field(default_factory=ClusterSettings)
    centroids: CentroidSettings = field(default_factory=CentroidSettings)
    losses: LossSettings = field(default_factory=LossSettings)
    momentum: MomentumSettings = field(default_factory=MomentumSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    run: RunSettings = field(default_factory=RunSettings)


def _check(name: str, value: float, expected: str, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} = {value}; expected {expected}")

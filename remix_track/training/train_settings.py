"""Everything a training run can be told, in sections; what a TOML file of `configs/` may hold.

Defaults that the paper states (Mamedov et al., ReMix, WACV 2025, arXiv 2410.21938) are marked "paper"; the others are
this project's reading of it. No torch here: a command line lists its settings at once.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from remix_track.data.augmentation import MOCO_AUGMENTATION, AugmentationSettings
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.data.sampling import SamplingSettings
from remix_track.errors import InputError
from remix_track.settings import check, same_as, setting
from remix_track.synthetic.style import SetSettings, Style
from remix_track.training.method_settings import (
    BaselineSettings,
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
        hidden_identity_fields: those that give the identity, where names have it; used only to score pseudo labels.
        target: a labelled set with query and gallery that the run is scored on; empty for none.
        calibration: a labelled set that the tracker's threshold is taken from; empty: the target, else the training
            people.
        footage_folder: where the crops of raw videos (`footage:PATH`) are written once and found again.
        strict: counts that are not the published ones, and missing images, are errors.
        workers: threads that read and change images; 0 takes the cores there are, at most 16.
    """

    multi_camera: tuple[str, ...] = setting((), "labelled sets, each KIND:PATH")
    single_camera: tuple[str, ...] = setting((), "unlabelled sets, each KIND:PATH")
    single_camera_videos: int = setting(0, "number of videos to use; 0: all", low=0)
    single_camera_images: int = setting(0, "number of crops of these videos to use; 0: all", low=0)
    video_fields: tuple[int, ...] = setting((), "fields of a name that give the video, such as 0,1,2")
    hidden_identity_fields: tuple[int, ...] = setting(
        (), "fields of a name that give the identity; used only to score pseudo labels"
    )
    target: str = setting("", "labelled set with query and gallery to be scored on")
    calibration: str = setting("", "set for the tracker's threshold; empty: the target")
    footage_folder: str = setting("runs/footage", "where crops of raw videos are kept")
    strict: bool = setting(True, "counts other than the published ones are errors")
    workers: int = setting(0, "threads that read images; 0: as many as cores", low=0, high=256)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class DrawnSettings:
    """People to draw where `[data]` names no set at all; see `remix_track.synthetic.dataset`.

    Attributes:
        identities: labelled people; 0 draws none, and `[data]` must name sets.
        cameras: of the labelled part.
        videos: of the single-camera part.
        target_identities: people of the target.
        wardrobe, lookalikes, colour_cast, backgrounds, bodies, framing, companions, random_backgrounds, camera_kind:
            what people, places, boxes and cameras are like, as in `remix_track.synthetic.style.Style`.
        seed: of the drawing; the run's own seed says nothing about its data.
        folder: where sets are drawn and found again, each in a folder named by these settings.
    """

    identities: int = setting(
        0, "labelled people to draw where [data] names no set; 0: none", low=2, high=100_000, besides=0
    )
    cameras: int = same_as(SetSettings, "cameras")
    videos: int = same_as(SetSettings, "videos")
    target_identities: int = setting(100, "people of the target", low=2, high=100_000)
    wardrobe: Literal["paint-box", "street"] = same_as(Style, "wardrobe")
    lookalikes: float = same_as(Style, "lookalikes")
    colour_cast: float = same_as(Style, "colour_cast")
    backgrounds: str = same_as(Style, "backgrounds")
    bodies: str = same_as(Style, "bodies")
    framing: Literal["loose", "tight"] = same_as(Style, "framing")
    companions: float = same_as(Style, "companions")
    random_backgrounds: float = same_as(Style, "random_backgrounds")
    camera_kind: Literal["usual", "street"] = same_as(Style, "camera_kind")
    seed: int = same_as(SetSettings, "seed")
    folder: str = setting("runs/drawn", "where drawn sets lie and are found again")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """The network and what it sees.

    Attributes:
        architecture: name for `build_encoder` (ResNet50-IBN-a: paper).
        height: of the crops in pixels (paper).
        width: of the crops in pixels (paper).
        even_light: the encoder brings crops half of the way to one brightness first, in training and ever after;
            MoCo's pre-training of the backbone sees them as they are.
        weights: what to start from: empty (He's initialisation), `imagenet` or `default` (mobilenet-v2 alone), a
            `.safetensors` of ours, or a state dict of the backbone (`.pth`).
        strict: missing and unexpected keys in `weights` are errors; a classifier's own keys never are.
        frozen_batchnorm: the backbone keeps the batch statistics of `weights`; see `freeze_batchnorm`.
    """

    architecture: Literal[
        "resnet50-ibn-a",
        "resnet18-ibn-a",
        "mobilenet-v2",
        "resnet50",
        "resnet50-stride-2",
        "osnet-x1.0",
        "osnet-x0.25",
    ] = setting("resnet50-ibn-a", "the network")
    height: int = setting(256, "of the crops in pixels", low=32, high=1024)
    width: int = setting(128, "of the crops in pixels", low=16, high=1024)
    even_light: bool = setting(False, "bring crops half of the way to one brightness first")
    weights: str = setting("", "start from: empty, imagenet, default, or a .safetensors or .pth file")
    strict: bool = setting(True, "missing or unexpected keys in these weights are errors")
    frozen_batchnorm: bool = setting(False, "keep the batch statistics that these weights have")

    def __post_init__(self) -> None:
        check(self)
        if self.frozen_batchnorm and not self.weights:
            raise InputError(
                "frozen_batchnorm = true keeps the statistics of weights, but there are none; give weights"
            )


@dataclass(frozen=True, slots=True)
class PretrainingSettings:
    """How long and how fast MoCo v2 runs before the joint training; what it does is in `MocoSettings`.

    Attributes:
        epochs: passes, or parts of passes, over the single-camera data.
        iterations_per_epoch: steps in an epoch; 0 for all images once.
        batch_size: images in a step.
        optimiser: SGD with momentum 0.9, as MoCo v2, or Adam.
        learning_rate: the greatest; it falls to 0 along a cosine.
        warmup_steps: over which the rate rises to it, before the cosine; 0 begins with it, as MoCo v2.
        weight_decay: of the optimiser.
        one_video_share: of a batch that comes from one video, drawn for each step; the rest comes from all. Images of
            one video share camera and place, so that with `moco.batch_negatives` these do not tell people apart there.
        probe_every: steps between probes of the backbone on `data.target`: the share of queries whose nearest image of
            another camera shows the same person. 0: no probe. With probes the best backbone is kept, the one before the
            first step included; that is a choice on the target, so a later score there is a little too good.
        patience: probes in a row without a new best after which pre-training ends; 0: it never ends early.
    """

    epochs: int = setting(200, "epochs of pre-training", low=1, high=100_000)
    iterations_per_epoch: int = setting(0, "steps in an epoch; 0: all images once", low=0, high=10_000_000)
    batch_size: int = setting(256, "images in a step", low=2, high=65_536)
    optimiser: Literal["sgd", "adam"] = setting("sgd", "SGD as MoCo v2, or Adam")
    learning_rate: float = setting(0.03, "the greatest; falls to 0 along a cosine", above=0, high=10)
    warmup_steps: int = setting(0, "steps over which the rate rises to the greatest", low=0, high=10_000_000)
    weight_decay: float = setting(1e-4, "of the optimiser", low=0, high=1)
    one_video_share: float = setting(0.0, "share of a batch that comes from one video", low=0, high=1)
    probe_every: int = setting(0, "steps between probes of the backbone on the target; 0: none", low=0)
    patience: int = setting(0, "probes without a new best after which pre-training ends; 0: never", low=0)

    def __post_init__(self) -> None:
        check(self)
        if self.patience and not self.probe_every:
            raise InputError(f"patience = {self.patience} counts probes, but probe_every is 0; give probe_every")


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

    learning_rate: float = setting(3.5e-4, "after warm-up", above=0, high=10)
    weight_decay: float = setting(5e-4, "added to the gradient", low=0, high=1)
    warmup_epochs: int = setting(10, "epochs over which the rate rises", low=0)
    schedule: Literal["constant", "cosine"] = setting("constant", "the rate after warm-up")
    accumulation: int = setting(1, "mini-batches whose gradients make one step", low=1, high=1024)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How long, where, and what is kept.

    Attributes:
        epochs: of the joint training; 0 for pre-training alone, whose backbone is written with a fresh BN-neck.
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

    epochs: int = setting(100, "epochs of the joint training; 0: pre-training alone", low=0, high=100_000)
    seed: int = setting(0, "of all random choices", low=0, high=2**32 - 1)
    device: str = setting("auto", "auto, cpu, cuda, mps, or a CUDA device's number")
    precision: Literal["float32", "bfloat16", "float16"] = setting("float32", "of the networks")
    threads: int = setting(0, "of torch on the CPU; 0: torch's choice", low=0, high=1024)
    embed_batch: int = setting(128, "images in one call when whole sets are embedded", low=1, high=65_536)
    evaluate_every: int = setting(5, "epochs between evaluations; 0: at the end alone", low=0)
    checkpoint_minutes: float = setting(
        20.0, "minutes between checkpoints inside an epoch; 0: none there", low=0, high=100_000
    )
    checkpoint_every: int = setting(0, "steps between checkpoints beside those; 0: none", low=0)
    keep: int = setting(2, "checkpoints that stay, apart from the best", low=1)
    log_every: int = setting(20, "steps between lines of the log", low=1)
    tensorboard: bool = setting(False, "write curves for TensorBoard to tensorboard/")
    weights: Literal["last", "best"] = setting("last", "which epoch's weights are written")
    stored: Literal["float32", "float16"] = setting("float32", "numbers of the convolutions in remix.safetensors")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """A whole run. The two switches are independent: four runs make the paper's grid.

    Attributes:
        pretrain: run MoCo v2 on the single-camera data first.
        joint: learn from single-camera data beside the multi-camera data; false: from the latter alone.
        method: ReMix, or the field's baseline beside it: classification and triplet loss on the multi-camera data. It
            has neither momentum encoder nor centroids; `[losses]`, `[centroids]` and `[momentum]` say nothing of it.
    """

    pretrain: bool = setting(True, "run MoCo v2 on the single-camera data first")
    joint: bool = setting(True, "learn from single-camera data beside multi-camera data")
    method: Literal["remix", "baseline"] = setting(
        "remix", "ReMix, or the field's baseline, classification and triplet loss on labelled data alone"
    )
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
    baseline: BaselineSettings = field(default_factory=BaselineSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        check(self)
        if not self.run.epochs and not self.pretrain:
            raise InputError("run.epochs = 0 is pre-training alone, but pretrain = false; give epochs, or pretrain")
        for name in ("augmentation", *(["pretraining_augmentation"] if self.pretrain else [])):
            one: AugmentationSettings = getattr(self, name)
            # The blur mirrors the image beyond its border.
            side = min(self.encoder.height, self.encoder.width)
            widest = math.floor(10 * (side - 1) / 3) / 10
            if one.blur and math.ceil(3 * one.blur_sigma[1]) >= side:
                raise InputError(
                    f"{name}.blur_sigma up to {one.blur_sigma[1]:g} is too wide for crops of "
                    f"{self.encoder.height}x{self.encoder.width}; expected {widest:g} at most"
                )
        if self.method == "baseline" and self.joint:
            raise InputError(
                "method = 'baseline' learns from labelled data alone, but joint = true; give joint = false"
            )

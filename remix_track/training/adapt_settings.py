"""The settings of an adaptation that differ from those of a training. No torch here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.encoder.shipped import IMAGENET, located
from remix_track.encoder.weights_file import read_card
from remix_track.errors import InputError
from remix_track.settings_text import changed
from remix_track.training.train_settings import TrainSettings

ADAPTATION: dict[str, Any] = {
    # The encoder comes trained; what is new are the cameras.
    "pretrain": False,
    "joint": True,
    # A few hundred crops of one's own have statistics that fit little else.
    "encoder": {"frozen_batchnorm": True},
    # A person has four to sixteen crops in a tracklet. One's own footage is often a single video: no pool.
    "clusters": {"tracklets": True, "scope": "video", "k1": 10, "k2": 4},
    # Some hundred steps: an average over a thousand would not move.
    "momentum": {"coefficient": 0.99},
    "sampling": {"iterations_per_epoch": 40, "videos_per_epoch": 20},
    # A third of the rate from nothing, falling to 0, so that the old is kept.
    "optimiser": {"learning_rate": 1e-4, "warmup_epochs": 1, "schedule": "cosine"},
    "run": {"epochs": 4, "evaluate_every": 0, "checkpoint_every": 20, "keep": 1},
}
"""Keys that differ from the defaults of `remix-train`, chosen by reason; measured in docs/results/accuracy.md."""

_DECIDED = (
    "pretrain", "joint", "data.multi_camera", "data.single_camera", "data.target", "data.footage_folder",
    "encoder.architecture", "encoder.height", "encoder.width", "encoder.even_light",
    "encoder.weights",
)  # fmt: skip
_PADDING = 10 / 256


@dataclass(frozen=True, slots=True)
class Start:
    """The weights that are adapted.

    Attributes:
        name: as the user gave them.
        encoder: keys of `EncoderSettings`.
        trained_on: their data in a few words.
    """

    name: str
    encoder: dict[str, Any]
    trained_on: str


def read_start(weights: str) -> Start:
    """What must be known of the weights before anything is done.

    Raises:
        InputError: weights that cannot be trained on, or that cannot be read.
    """
    if weights == IMAGENET:
        from remix_track.encoder.imagenet import ARCHITECTURE, INPUT

        found = {"architecture": ARCHITECTURE, "height": INPUT.height, "width": INPUT.width, "weights": IMAGENET}
        return Start(weights, found, "ImageNet classification")
    path = Path(located(weights))
    if path.suffix.lower() != ".safetensors":
        raise InputError(
            f"`weights` {weights}: cannot be trained further; give a .safetensors of ours, 'default' or 'imagenet'"
        )
    card = read_card(path)
    if (card.channel_order, card.mean, card.std) != ("RGB", *_plain_input()):
        raise InputError(f"{path}: its input is not RGB with ImageNet's mean and std, which trainings use")
    found = {"architecture": card.architecture, "height": card.input_height, "width": card.input_width}
    return Start(weights, found | {"even_light": card.even_light, "weights": weights}, card.trained_on)


def adapt_settings(
    start: Start,
    data: Mapping[str, Any],
    values: Mapping[str, Any],
    changes: Sequence[str],
    where: str,
) -> TrainSettings:
    """The settings of an adaptation: the defaults, what it does otherwise, the user's, and what the command decides.

    Args:
        start: the weights.
        data: keys of `DataSettings` that the command decides.
        values: of the user's settings file, by section.
        changes: each `section.key=value`, from the command line.
        where: the settings file, for messages.

    Raises:
        InputError: an unknown key, a value that does not fit, or a key that the command decides.
    """
    _refuse_decided(values, changes, where)
    padding = {"augmentation": {"padding": round(_PADDING * start.encoder["height"])}}
    merged = _merged(_merged(ADAPTATION, padding), values)
    return changed(TrainSettings, _merged(merged, {"data": dict(data), "encoder": start.encoder}), changes, where)


def _refuse_decided(values: Mapping[str, Any], changes: Sequence[str], where: str) -> None:
    given = [one.partition("=")[0].strip() for one in changes]
    for section, value in values.items():
        given += [f"{section}.{key}" for key in value] if isinstance(value, Mapping) else [section]
    for key in _DECIDED:
        if key in given:
            raise InputError(f"{where}: {key} is decided by the command; see remix-track adapt --help")


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """`second` over `first`, section by section."""
    made = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = {**made[key], **value} if both else value
    return made


def _plain_input() -> tuple[tuple[float, ...], tuple[float, ...]]:
    from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD

    return IMAGENET_MEAN, IMAGENET_STD

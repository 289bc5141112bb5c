"""What the encoder starts from: ImageNet, IBN-Net's or LUPerson's checkpoints, or weights of ours."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from remix_track.bounded_file import check_ordinary
from remix_track.encoder.backbones import Encoder, check_state
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.errors import InputError, parsing
from remix_track.training.train_settings import EncoderSettings

logger = logging.getLogger(__name__)

_WRAPPERS = ("state_dict", "model", "net")
_PREFIXES = ("module.", "encoder_q.", "base_encoder.", "backbone.", "base.")
_HEADS = ("fc.", "classifier.", "head.")
_NAMED = 5


def load_initial_weights(encoder: Encoder, settings: EncoderSettings) -> None:
    """Fill the encoder with the weights that the settings name; without a name nothing is done.

    Raises:
        InputError: the file cannot be used; missing and unexpected keys are named unless `settings.strict` is off.
    """
    if not settings.weights:
        return
    path = Path(located(settings.weights))
    if settings.weights == IMAGENET:
        _load_imagenet(encoder, settings)
    elif path.suffix == ".safetensors":
        from remix_track.encoder.weights_file import load_weights

        card, state = load_weights(path)
        if card.architecture != settings.architecture:
            raise InputError(
                f"{path}: weights of {card.architecture}, but encoder.architecture is {settings.architecture}"
            )
        encoder.load_state_dict(state)
    else:
        _load_backbone(encoder.backbone, _read_state(path), path, strict=settings.strict)


def _load_imagenet(encoder: Encoder, settings: EncoderSettings) -> None:
    from remix_track.encoder.imagenet import imagenet_mobilenet_v2

    if settings.architecture != "mobilenet-v2":
        raise InputError(
            f"encoder.weights = 'imagenet' is there for mobilenet-v2 alone; for {settings.architecture} "
            "give the path of IBN-Net's checkpoint"
        )
    encoder.load_state_dict(imagenet_mobilenet_v2()[0].state_dict())


def _load_backbone(backbone: nn.Module, state: dict[str, Tensor], path: Path, *, strict: bool) -> None:
    expected = backbone.state_dict()
    # Checkpoints from before torch 0.4.1 do not count batches.
    state = {key: value for key, value in expected.items() if key.endswith("num_batches_tracked")} | state
    if strict:
        try:
            check_state(backbone, state, str(path))
        except InputError as error:
            raise InputError(f"{error}; encoder.strict = false goes on with the keys that fit") from None
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    fitting = {key: value for key, value in state.items() if key in expected}
    check_state(backbone, expected | fitting, str(path))
    backbone.load_state_dict(fitting, strict=False)
    for kind, keys in (("missing", missing), ("unexpected", unexpected)):
        if keys:
            logger.warning("%s: %d keys are %s: %s", path, len(keys), kind, ", ".join(keys[:_NAMED]))


def _read_state(path: Path) -> dict[str, Tensor]:
    check_ordinary(path, "check the path in encoder.weights")
    with parsing(path, "a state dict that is safe to read"):
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    for name in _WRAPPERS:
        if isinstance(values, dict) and isinstance(values.get(name), dict):
            values = values[name]
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a state dict; give a file with the backbone's tensors by name")
    state = {_bare(str(key)): value for key, value in values.items() if isinstance(value, Tensor)}
    return {key: value for key, value in state.items() if not key.startswith(_HEADS)}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key

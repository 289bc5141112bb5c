"""What the encoder starts from: ImageNet, IBN-Net's or LUPerson's checkpoints, or weights of ours."""

import logging
from pathlib import Path

from torch import Tensor, nn

from remix_track.encoder.backbones import Encoder, check_state
from remix_track.encoder.foreign_state import fitted, read_state
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.errors import InputError
from remix_track.training.train_settings import EncoderSettings

logger = logging.getLogger(__name__)

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
    elif path.suffix.lower() == ".safetensors":
        from remix_track.encoder.weights_file import load_weights

        card, state = load_weights(path)
        if card.architecture != settings.architecture:
            raise InputError(
                f"{path}: weights of {card.architecture}, but encoder.architecture is {settings.architecture}"
            )
        encoder.load_state_dict(state)
    else:
        state = read_state(path, "check the path in encoder.weights")
        _load_backbone(encoder.backbone, state, path, strict=settings.strict)


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
    state = fitted(state, backbone)
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

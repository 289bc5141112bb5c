"""Others' re-ID weights as a file of ours, so that evaluation, tracking and adaptation can start from them."""

from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.encoder.backbones import BACKBONES, build_encoder, check_state
from remix_track.encoder.crops import NetworkInput
from remix_track.encoder.foreign_state import fitted, read_state
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import save_weights
from remix_track.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def import_weights(
    source: Path, target: Path, network_input: NetworkInput, trained_on: str, *, architecture: str = ""
) -> WeightsCard:
    """Read a checkpoint and write it as safetensors with a card.

    The neck is a fresh one, which in a tracker only scales.

    Args:
        source: a `.pth` with a state dict; see `read_state`.
        target: ends in `.safetensors`.
        network_input: what the network was trained on.
        trained_on: the data, for the card.
        architecture: name for `build_encoder`; empty: the first that the tensors fit.

    Returns:
        The card of the new file; it has no threshold.

    Raises:
        InputError: a file that cannot be read, fits no architecture, or cannot be written.
    """
    state = read_state(source)
    name = architecture or _recognised(state, source)
    encoder = build_encoder(name)
    backbone = fitted(state, encoder.backbone)
    check_state(encoder.backbone, backbone, str(source))
    encoder.backbone.load_state_dict(backbone)
    card = WeightsCard(
        architecture=name,
        input_height=network_input.height,
        input_width=network_input.width,
        embedding_width=encoder.width,
        trained_on=trained_on,
        channel_order=network_input.channel_order,
        mean=network_input.mean,
        std=network_input.std,
    )
    save_weights(target, encoder.state_dict(), card)
    return card


def _recognised(state: "dict[str, Tensor]", source: Path) -> str:
    """The first architecture whose tensors have these names and shapes."""
    import torch

    reasons = {}
    for name in BACKBONES:
        with torch.device("meta"):
            backbone = BACKBONES[name]()
        shapes = {key: tensor.shape for key, tensor in backbone.state_dict().items()}
        have = {key: tensor.shape for key, tensor in state.items()}
        wrong = [key for key, shape in shapes.items() if have.get(key) != shape and not key.endswith("batches_tracked")]
        if not wrong:
            return name
        reasons[name] = len(wrong) / len(shapes)
    nearest = min(reasons, key=reasons.__getitem__)
    raise InputError(
        f"{source}: its tensors fit none of {', '.join(BACKBONES)}; {nearest} is the nearest, "
        f"{reasons[nearest]:.0%} of whose tensors are absent or of another shape"
    )

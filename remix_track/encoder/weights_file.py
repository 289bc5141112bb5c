"""Our weight files: safetensors with a card. Nothing in them can run code."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.encoder.weights_card import WeightsCard, card_from_metadata
from remix_track.errors import InputError, parsing
from remix_track.near_files import path_advice
from remix_track.output_files import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

    from remix_track.encoder.backbones import Encoder

LARGEST_FILE = 2**30
_WHOLE = "a whole safetensors file", "copy or write it again"


def save_weights(path: Path, state: Mapping[str, "Tensor"], card: WeightsCard) -> None:
    """Write an encoder's state and its card as one whole file; a file that is there is replaced.

    Args:
        path: ends in `.safetensors`.
        state: of the encoder that `card.architecture` names, on any device; float16 stays float16.
        card: what the tracker must know.

    Raises:
        InputError: another suffix, a state that is not the architecture's, or a folder that cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if path.suffix.lower() != ".safetensors":
        raise InputError(f"{path}: weights are written as .safetensors; give such a name")
    _check_architecture(state, card, str(path))
    with atomic_write(path) as temporary:
        try:
            save_file(
                {key: one.detach().cpu().contiguous() for key, one in state.items()}, temporary, card.to_metadata()
            )
        except SafetensorError as error:
            # Its writer reports a full disk so.
            raise InputError(f"{path}: cannot be written ({str(error)[:120]}); make room and try again") from None


def load_weights(path: Path) -> tuple[WeightsCard, dict[str, "Tensor"]]:
    """Read a weight file; the state is known to fit `build_encoder(card.architecture)`.

    Raises:
        InputError: missing, too large, truncated, not safetensors, without a card, of an unknown architecture or format
            version, or with keys, shapes or values that do not fit.
    """
    from safetensors import safe_open

    check_size(path)
    with parsing(path, *_WHOLE), safe_open(path, framework="pt") as file:
        card = card_from_metadata(file.metadata() or {}, str(path))
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    _check_architecture(state, card, str(path))
    return card, state


def read_card(path: Path) -> WeightsCard:
    """The card of a weight file; its state is not looked at, and torch is not needed.

    Raises:
        InputError: missing, too large, truncated, not safetensors, or without a card that this release reads.
    """
    from safetensors import safe_open

    check_size(path)
    with parsing(path, *_WHOLE), safe_open(path, framework="numpy") as file:
        return card_from_metadata(file.metadata() or {}, str(path))


def load_encoder(path: Path) -> tuple[WeightsCard, "Encoder"]:
    """Read a weight file and build the encoder that it is for, on the CPU.

    Raises:
        InputError: see `load_weights`.
    """
    from remix_track.encoder.backbones import build_encoder

    card, state = load_weights(path)
    encoder = build_encoder(card.architecture, even_light=card.even_light)
    encoder.load_state_dict(state)
    return card, encoder


def check_size(path: Path) -> None:
    """See that a weight file is there and of a size that an encoder can have.

    Raises:
        InputError: missing, not a file, or over 1 GiB.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: weights cannot be read ({error.strerror}); {path_advice(path, error)}") from None
    if not path.is_file():
        raise InputError(f"{path}: not a file; give a .safetensors or .onnx file")
    if size > LARGEST_FILE:
        raise InputError(f"{path}: {size / 2**30:.1f} GiB is too large for an encoder; expected at most 1 GiB")


def _check_architecture(state: Mapping[str, "Tensor"], card: WeightsCard, where: str) -> None:
    import torch

    from remix_track.encoder.backbones import build_encoder, check_state

    try:
        with torch.device("meta"):
            encoder = build_encoder(card.architecture)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if card.embedding_width != encoder.width:
        widths = f"{card.embedding_width}, but {card.architecture} has {encoder.width}"
        raise InputError(f"{where}: its card says embedding_width {widths}; write the file again")
    check_state(encoder, state, where)

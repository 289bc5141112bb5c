"""A re-ID network on OpenVINO: from torch, ONNX or OpenVINO's own files, normalisation inside, compiled once."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.crops import NetworkInput, filled_up
from remix_track.encoder.embedder import Network
from remix_track.encoder.onnx_network import WIDEST, line_of
from remix_track.encoder.precision import agree, drawn_people, vectors_of
from remix_track.errors import InputError, parsing
from remix_track.openvino_runtime import (
    Compilation,
    Compiled,
    compiled,
    compiled_exactly,
    from_torch,
    openvino,
    read_model,
)

if TYPE_CHECKING:
    from remix_track.encoder.backbones import Encoder

LARGEST_BATCH = 16
_FORMAT = 2
"""Of the networks that are kept; to be raised when they are built otherwise."""


class OpenVinoNetwork:
    """A `Network` that takes pixels: OpenVINO normalises them faster than numpy.

    Attributes:
        network_input: what it was built for.
        width, largest_batch, takes_pixels, backend: see `Network`.
    """

    takes_pixels = True

    def __init__(self, ready: Compiled) -> None:
        said = ready.notes["network_input"]
        self.network_input = NetworkInput(**{**said, "mean": tuple(said["mean"]), "std": tuple(said["std"])})
        self.backend = ready.description
        self.width = int(ready.notes["width"])
        self._fixed_batch: int | None = ready.notes["fixed_batch"]
        self.largest_batch = self._fixed_batch or LARGEST_BATCH
        self._request = ready.network.create_infer_request()

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resized crops (B, H, W, 3) uint8 BGR -> vectors (B, D); a fixed batch is filled up with black crops."""
        filled, lacking = filled_up(batch, self._fixed_batch)
        vectors: NDArray[np.float32] = self._request.infer({0: filled}, share_inputs=True)[0]
        return vectors[: len(vectors) - lacking]


class Source(NamedTuple):
    """A network before it is compiled.

    Attributes:
        model: OpenVINO's, normalised crops (B, 3, H, W) in, vectors (B, D) out.
        network_input: what it wants to see.
        reference: the same network in float32 on another runtime; None where there is none.
    """

    model: Any
    network_input: NetworkInput
    reference: Network | None


def open_network(
    name: str, weights: str, asked: dict[str, Any], source: Callable[[], Source], threads: int
) -> OpenVinoNetwork | None:
    """The network of those weights, from the cache where it is kept; None if OpenVINO gives other vectors.

    Its vectors of drawn people are held to the reference's before it is kept, in OpenVINO's own choice of precision
    and, should they differ, in float32.

    Args:
        name: of the weights, for messages.
        weights: SHA-256 of their file.
        asked: everything else on which the network depends: input and normalisation, as far as they are known.
        source: makes the network; called where nothing is kept.
        threads: for one call.

    Raises:
        InputError: of `source`.
    """
    facts = {"kind": "encoder", "format": _FORMAT, "weights": weights, "asked": asked}
    with parsing(name, "a network that OpenVINO runs", "export it again, or take another `backend`"):
        ready = compiled(name, facts, lambda: _prepared(source(), threads), threads)
    return None if ready is None else OpenVinoNetwork(ready)


def model_of(encoder: "Encoder") -> Any:
    """OpenVINO's model of an encoder: normalised crops (B, 3, H, W) of any size to necked vectors (B, D)."""
    import copy

    import torch

    from remix_track.encoder.torch_network import Necked, fuse_norms

    ready = Necked(copy.deepcopy(encoder).cpu().eval().requires_grad_(False))
    fuse_norms(ready)
    return from_torch(ready, torch.zeros(2, 3, 64, 32))


def read_ir(path: Path, content: bytes, constants: bytes = b"") -> Any:
    """OpenVINO's model of an `.xml` file and its `.bin`, or of an `.onnx` file; no other file is read.

    Raises:
        InputError: it is none.
    """
    try:
        return read_model(content, constants)
    except Exception as error:  # OpenVINO raises RuntimeError and others
        raise InputError(f"{path}: not a model that OpenVINO reads ({line_of(error)}); export it again") from None


def fixed_sides(path: Path, model: Any) -> tuple[int | None, int | None]:
    """Height and width of a model's input, None where it leaves them open.

    Raises:
        InputError: the model is no network that takes colour images and gives vectors.
    """
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(
            f"{path}: has {len(inputs)} inputs and {len(outputs)} outputs; expected one of each: images in, vectors out"
        )
    kinds = {item.get_element_type().get_type_name() for item in (*inputs, *outputs)}
    if kinds != {"f32"}:
        raise InputError(f"{path}: works on {', '.join(sorted(kinds))}; expected f32: export it in float32")
    shape = inputs[0].partial_shape
    if shape.rank.is_dynamic or len(shape) != 4 or not shape[1].relaxes(type(shape[1])(3)):
        raise InputError(f"{path}: takes input of shape {shape}; expected (batch, 3, height, width)")
    if shape[0].is_static and not 1 <= shape[0].get_length() <= 1024:
        raise InputError(f"{path}: takes {shape[0].get_length()} crops at once, expected 1 to 1024")
    height, width = (side.get_length() if side.is_static else None for side in (shape[2], shape[3]))
    return height, width


def _prepared(source: Source, threads: int) -> Compilation:
    model, network_input, reference = source
    people = drawn_people(network_input.height, network_input.width)
    batch = model.input(0).partial_shape[0]
    fixed = batch.get_length() if batch.is_static else None
    model.reshape([fixed or -1, 3, network_input.height, network_input.width])
    pixels = _taking_pixels(model, network_input)
    notes = {"network_input": asdict(network_input), "width": 0, "fixed_batch": fixed}

    def vectors(network: Any) -> NDArray[np.float32]:
        return vectors_of(OpenVinoNetwork(Compiled(network, "float32", notes, False)), network_input, people)

    if reference is None:
        exact = _tried(lambda: vectors(compiled_exactly(pixels, threads)), len(people))
    else:
        exact = vectors_of(reference, network_input, people)
    notes["width"] = exact.shape[1]
    return Compilation(pixels, notes, lambda network: agree(vectors(network), exact))


def _tried(run: Callable[[], NDArray[np.float32]], crops: int) -> NDArray[np.float32]:
    try:
        vectors = run()
    except Exception as error:  # OpenVINO raises RuntimeError and others
        raise InputError(f"the OpenVINO model fails on crops ({line_of(error)}); export it again") from None
    if vectors.ndim != 2 or len(vectors) != crops or not 1 <= vectors.shape[1] <= WIDEST:
        raise InputError(f"the OpenVINO model gives {vectors.shape} for {crops} crops; expected one vector a crop")
    return vectors


def _taking_pixels(model: Any, network_input: NetworkInput) -> Any:
    """The model with the normalisation before it: resized crops (B, H, W, 3) uint8 BGR in."""
    ov = openvino()
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(model)
    pixels = steps.input()
    pixels.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(ColorFormat.BGR)
    pixels.model().set_layout(ov.Layout("NCHW"))
    converted = pixels.preprocess().convert_element_type(ov.Type.f32)
    if network_input.channel_order == "RGB":
        converted = converted.convert_color(ColorFormat.RGB)
    converted.mean([255 * value for value in network_input.mean]).scale([255 * value for value in network_input.std])
    return steps.build()

"""The network of an exported detector, on the runtime that it was exported for: ONNX Runtime, or OpenVINO."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.backend import is_for_gpu
from remix_track.encoder.onnx_network import open_session, runs_on_cuda
from remix_track.errors import InputError, parsing
from remix_track.openvino_runtime import compiled_exactly, read_model

_SIZES = "orig_target_sizes"
"""A second input of RT-DETR's own exports: width and height in whose pixels boxes are given."""
_LONGEST_NOTES, _LARGEST_SIDE, _LARGEST_BATCH = 1_000_000, 8192, 64
_TYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "f32": np.float32,
    "f16": np.float16,
}
_Shape = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is ready to run.

    Attributes:
        run: images (B, 3, H, W) -> its outputs by their names; those of the last call may be overwritten.
        notes: about itself, texts or plain values.
        batch: images in every call.
        sides: height and width of its input; None where it takes any.
        dtype: of its input.
    """

    run: Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]]
    notes: Mapping[str, Any]
    batch: int
    sides: tuple[int, int] | None
    dtype: type[np.floating[Any]]


def open_network(weights: Path, device: str | None, threads: int) -> Network:
    """The network in an `.onnx` file, or in a folder with OpenVINO's `.xml`, `.bin` and `metadata.yaml`.

    Args:
        weights: the file or folder.
        device: `cpu`, `cuda`, `cuda:1`; None takes what is there. OpenVINO computes on the CPU.
        threads: for one call.

    Raises:
        InputError: it cannot be read, the device is not there, or it does not take one colour image.
    """
    if device not in (None, "cpu"):
        from remix_track.encoder.torch_network import choose_device

        choose_device(device)
    with parsing(weights, "an exported detector", "export it again"):
        return _openvino(weights, threads) if weights.is_dir() else _onnx(weights, device, threads)


def _onnx(weights: Path, device: str | None, threads: int) -> Network:
    number = (device or "").partition(":")[2]
    session = open_session(
        weights,
        weights.read_bytes(),
        threads,
        cuda=is_for_gpu(device or "auto") and runs_on_cuda(),
        gpu=int(number) if number.isdecimal() else 0,
    )
    inputs = session.get_inputs()
    _check_inputs(weights, [one.name for one in inputs])
    shape = [side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape]
    notes = session.get_modelmeta().custom_metadata_map
    outputs = [one.name for one in session.get_outputs()]

    def run(pictures: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        given = {one.name: value for one, value in zip(inputs, _given(pictures), strict=False)}
        return dict(zip(outputs, session.run(None, given), strict=True))

    return _network(weights, shape, inputs[0].type, notes, run)


def _openvino(weights: Path, threads: int) -> Network:
    graph = min(weights.glob("*.xml"))
    model = read_model(graph.read_bytes(), graph.with_suffix(".bin").read_bytes())
    _check_inputs(weights, [one.get_any_name() for one in model.inputs])
    parts = model.input(0).get_partial_shape()
    shape = [] if parts.rank.is_dynamic else [side.get_length() if side.is_static else None for side in parts]
    kind = model.input(0).get_element_type().get_type_name()
    request = compiled_exactly(model, threads).create_infer_request()

    names = [_name_of(one, number) for number, one in enumerate(model.outputs)]

    def run(pictures: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        request.infer(_given(pictures)[: len(model.inputs)])
        return {name: tensor.data for name, tensor in zip(names, request.output_tensors, strict=True)}

    return _network(weights, shape, kind, _yaml_notes(weights / "metadata.yaml"), run)


def _network(weights: Path, shape: _Shape, kind: str, notes: Mapping[str, Any], run: Callable[..., Any]) -> Network:
    if kind not in _TYPES:
        raise InputError(f"{weights}: takes images as {kind}; export it with float32 or float16 input")
    if len(shape) != 4 or shape[1] not in (3, None):
        shown = ", ".join("any" if side is None else str(side) for side in shape)
        raise InputError(f"{weights}: takes input of shape ({shown}); expected (batch, 3, height, width)")
    batch, _, height, width = shape
    if (batch or 1) > _LARGEST_BATCH:
        raise InputError(f"{weights}: takes {batch} images at once; export it with batch=1")
    if max(height or 1, width or 1) > _LARGEST_SIDE:
        raise InputError(f"{weights}: takes images of {width}x{height}, more than {_LARGEST_SIDE} pixels a side")
    sides = (height, width) if height and width else None
    return Network(run, notes, batch or 1, sides, _TYPES[kind])


def _given(pictures: NDArray[Any]) -> list[NDArray[Any]]:
    """The images, and for networks with a second input their width and height."""
    size = [pictures.shape[3], pictures.shape[2]]
    return [pictures, np.array([size] * len(pictures), np.int64)]


def _name_of(output: Any, number: int) -> str:
    """An output's name; those of a converted model may have none."""
    return str(min(output.get_names(), default=f"output{number}"))


def _check_inputs(weights: Path, names: Sequence[str]) -> None:
    if len(names) != 1 and list(names[1:]) != [_SIZES]:
        raise InputError(
            f"{weights}: has {len(names)} inputs ({', '.join(names)[:80]}); expected one, the image: "
            "export it with ultralytics"
        )


def _yaml_notes(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    import yaml

    with file.open("rb") as opened:
        text = opened.read(_LONGEST_NOTES + 1)
    if len(text) > _LONGEST_NOTES:
        raise InputError(f"{file}: more than {_LONGEST_NOTES:,} bytes; export the detector again")
    with parsing(file, "YAML", "export the detector again"):
        notes = yaml.safe_load(text.decode())
        return {str(key): value for key, value in notes.items()}

"""Our weights for other runtimes: ONNX, OpenVINO, TorchScript; L2 norm inside, any number of crops, the card too."""

import contextlib
import dataclasses
import importlib.util
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from remix_track.encoder.backbones import Encoder
from remix_track.encoder.torch_network import fuse_norms
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.machine import usable_cores
from remix_track.openvino_runtime import compiled_exactly, from_torch, openvino, read_model
from remix_track.output_files import atomic_write
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.encoder.weights_card import WeightsCard

LARGEST_DIFFERENCE = 1e-4
Form = Literal["onnx", "openvino", "torchscript"]
_BESIDE: dict[Form, tuple[str, ...]] = {"onnx": (".toml",), "openvino": (".bin", ".toml"), "torchscript": ()}
_TRIED = 5


class UnitEncoder(nn.Module):
    """Normalised crops (B, 3, H, W) to the unit vectors (B, D) that the tracker compares."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return F.normalize(self.encoder(images)[1], dim=1)


def export_weights(weights: Path, path: Path, form: Form, *, overwrite: bool = False) -> float:
    """Write weights in another form, and keep the file only if its vectors are torch's.

    ONNX and OpenVINO get `NAME.toml` beside them, OpenVINO also `NAME.bin`.

    Args:
        weights: a `.safetensors` file of ours.
        path: of the result; OpenVINO's ends in `.xml`.
        form: of the result; torch writes ONNX with the package `onnx`, and OpenVINO needs `openvino`.
        overwrite: what is there under these names may go.

    Returns:
        the largest difference of any component on five random crops, at most 1e-4, all in float32.

    Raises:
        InputError: weights that cannot be read, a package that is not there, something there already, or vectors
            that differ.
    """
    from remix_track.encoder.weights_file import load_encoder

    _refuse_missing(path, form)
    card, encoder = load_encoder(weights)
    if not overwrite:
        _refuse_existing(path, form, card)
    network = UnitEncoder(encoder).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_TRIED, 3, card.input_height, card.input_width, generator=generator)
    with torch.no_grad():
        wanted = network(images).numpy()
    fuse_norms(network)
    # The stack renames the file that was entered last first, so that an .xml never stands without its .bin.
    with contextlib.ExitStack() as files:
        temporary = files.enter_context(atomic_write(path))
        if form == "onnx":
            temporary.write_bytes(_onnx(network, images[:2], card))
            made = _run_onnx(temporary, images)
        elif form == "openvino":
            constants = files.enter_context(atomic_write(path.with_suffix(".bin")))
            _write_openvino(network, images[:2], card, temporary, constants)
            made = _run_openvino(temporary, constants, images)
        else:
            _write_torchscript(network, images[:2], card, temporary)
            made = _run_torchscript(temporary, images)
        difference = float(np.abs(made - wanted).max())
        if not difference <= LARGEST_DIFFERENCE:
            raise InputError(f"{path}: its vectors differ from torch's by {difference:.1e}; it is not kept")
    if form != "torchscript":
        write_text(path.with_suffix(".toml"), _side_text(card))
    return difference


def _refuse_missing(path: Path, form: Form) -> None:
    if form == "onnx" and importlib.util.find_spec("onnx") is None:
        raise InputError("export to ONNX needs the package onnx; pip install 'remix-track[export]'")
    if form == "openvino" and importlib.util.find_spec("openvino") is None:
        raise InputError("export to OpenVINO needs the package openvino: pip install openvino")
    if form == "openvino" and path.suffix != ".xml":
        raise InputError(f"{path}: OpenVINO models are named .xml; give such a name")


def _refuse_existing(path: Path, form: Form, card: "WeightsCard") -> None:
    for one in (path, *(path.with_suffix(suffix) for suffix in _BESIDE[form])):
        # Another form of the same weights has the same side file.
        same = one.suffix == ".toml" and one.is_file() and one.read_bytes() == _side_text(card).encode()
        if one.exists() and not same:
            raise InputError(f"{one}: there is something already; give another `output`, or `overwrite`")


def _side_text(card: "WeightsCard") -> str:
    """What the tracker reads beside an ONNX or OpenVINO file, so that it has the threshold too."""
    from remix_track.encoder.onnx_network import SideFile
    from remix_track.settings_text import to_toml

    return to_toml(SideFile(**{one.name: getattr(card, one.name) for one in dataclasses.fields(SideFile)}))


def _onnx(network: nn.Module, images: Tensor, card: "WeightsCard") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing is deprecated, but the other one needs one more package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (images,),
            buffer,  # type: ignore[arg-type]
            input_names=["images"],
            output_names=["vectors"],
            dynamic_axes={"images": {0: "crops"}, "vectors": {0: "crops"}},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue() + b"".join(_metadata_entry(key, text) for key, text in card.to_metadata().items())


def _metadata_entry(key: str, text: str) -> bytes:
    """A `metadata_props` entry (field 14 of ModelProto in onnx.proto); fields may be appended, so none is parsed."""
    entry = _text_field(1, key.encode()) + _text_field(2, text.encode())
    return _text_field(14, entry)


def _text_field(number: int, content: bytes) -> bytes:
    """A length-delimited field of Protocol Buffers: tag, length as a varint, bytes."""
    length, left = b"", len(content)
    while left > 0x7F:
        length += bytes([left & 0x7F | 0x80])
        left >>= 7
    return bytes([number << 3 | 2]) + length + bytes([left]) + content


def _write_torchscript(network: nn.Module, images: Tensor, card: "WeightsCard", path: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network, images)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(path), _extra_files={"card.json": json_text(card.to_metadata()).rstrip("\n")})  # type: ignore[no-untyped-call]


def _write_openvino(network: nn.Module, images: Tensor, card: "WeightsCard", path: Path, constants: Path) -> None:
    """The model as `path`, float32, its weights as `constants`."""
    model = from_torch(network, images)
    model.reshape([-1, *images.shape[1:]])
    for port, name in ((model.input(0), "images"), (model.output(0), "vectors")):
        port.get_tensor().set_names({name})
    for key, text in card.to_metadata().items():
        model.set_rt_info(text, key)
    try:
        openvino().save_model(model, path, compress_to_fp16=False)
        path.with_suffix(".bin").replace(constants)
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be written ({' '.join(str(error).split())[-120:]})") from None
    finally:
        path.with_suffix(".bin").unlink(missing_ok=True)


def _run_onnx(path: Path, images: Tensor) -> NDArray[np.float32]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    vectors: NDArray[np.float32] = session.run(None, {"images": images.numpy()})[0]
    return vectors


def _run_openvino(path: Path, constants: Path, images: Tensor) -> NDArray[np.float32]:
    # A CPU that knows bfloat16 would round to it, and vectors be a hundred times further from torch's.
    exact = compiled_exactly(read_model(path.read_bytes(), constants.read_bytes()), usable_cores())
    vectors: NDArray[np.float32] = exact(images.numpy())[0]
    return vectors


def _run_torchscript(path: Path, images: Tensor) -> NDArray[np.float32]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        vectors: NDArray[np.float32] = torch.jit.load(str(path))(images).numpy()  # type: ignore[no-untyped-call]
    return vectors

"""The trained detector as one ONNX file in the layout of YOLO's exports, so that what runs those runs it too."""

import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from remix_track.detector_training.network import PersonDetector, boxes_of
from remix_track.detector_training.quantise import in_int8, nncf_package
from remix_track.detector_training.settings import MULTIPLE
from remix_track.encoder.torch_network import fuse_norms
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.output_files import atomic_write

Array = NDArray[np.float32]
LARGEST_DIFFERENCE = 1.0
"""Pixels, and hundredths of a score, by which the file's rows may differ from torch's where someone is."""
_TRIED = 192, 256
_OPSET = 17
_SOMEONE = 0.05
"""Score from which rows are compared."""
_SMALL = 64
"""Constants of so many numbers stay in float32."""


class Rows(nn.Module):
    """RGB images (B, 3, H, W) in 0..1 to (B, 5, cells): x and y of the centre, width, height in pixels, and score."""

    def __init__(self, detector: PersonDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        logits, sides = self.detector(images)
        corners = boxes_of(sides)
        low, high = corners[:, :2], corners[:, 2:]
        rows = torch.cat([(low + high) / 2, high - low, torch.sigmoid(logits)[:, None]], dim=1)
        return rows.flatten(2)


def ask_for_packages(*, int8: bool) -> None:
    """Before hours of training: whether what `export` needs is there.

    Raises:
        InputError: the package `onnx`, or NNCF for `int8`, is not installed.
    """
    _onnx_package()
    if int8:
        nncf_package()


def export(detector: PersonDetector, path: Path, about: Mapping[str, str], images: Sequence[Array] = ()) -> None:
    """Write the detector; it takes images of any size that is a multiple of 32.

    Args:
        detector: in eval mode; its norms are folded into its filters.
        path: of the new `.onnx` file.
        about: what is to be noted in the file.
        images: (1, 3, H, W) RGB in 0..1 to find the ranges of 8-bit integers on; none: the weights are stored in
            float16 and computed in float32.

    Raises:
        InputError: the package `onnx` or NNCF is not there, or the rows of a file in float16 are not torch's.
    """
    onnx = _onnx_package()
    network = Rows(copy.deepcopy(detector)).eval().requires_grad_(False)
    fuse_norms(network)
    example = torch.rand(1, 3, *_TRIED, generator=torch.Generator().manual_seed(0))
    model = onnx.load_from_string(_onnx(network, example))
    if images:
        model = in_int8(model, images)
    else:
        _store_in_float16(onnx, model)
    onnx.helper.set_model_props(model, {"task": "detect", "names": "{0: 'person'}", "stride": str(MULTIPLE), **about})
    onnx.checker.check_model(model)
    content = bytes(model.SerializeToString())
    if not images and not _agrees(content, example, network(example).numpy()):
        raise InputError(f"{path}: its boxes differ from torch's; it is not kept")
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _onnx_package() -> Any:
    return extra("onnx", "export", "A detector as an ONNX file")


def _onnx(network: nn.Module, images: Tensor) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing is deprecated, but the other one needs one more package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (images,),
            buffer,  # type: ignore[arg-type]
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes={"images": {2: "height", 3: "width"}, "output0": {2: "cells"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    return buffer.getvalue()


def _store_in_float16(onnx: Any, model: Any) -> None:
    """Store larger constants in float16, each cast where it is used; runtimes undo that on loading."""
    graph, casts = model.graph, []
    for constant in graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype == np.float32 and values.size > _SMALL:
            name = constant.name
            constant.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _agrees(content: bytes, images: Tensor, wanted: Array) -> bool:
    """Whether ONNX Runtime gives torch's rows (1, 5, cells) for images, within float16, where someone may be."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    made = np.asarray(session.run(None, {"images": images.numpy()})[0])
    apart = np.abs(made - wanted) * np.array([1, 1, 1, 1, 100])[:, None]
    return bool(apart[:, :, wanted[0, 4] > _SOMEONE].max(initial=0) <= LARGEST_DIFFERENCE)

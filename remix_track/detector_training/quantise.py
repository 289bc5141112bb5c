"""The detector in 8-bit integers: half the time on OpenVINO, and half the bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.extras import extra
from remix_track.openvino_runtime import without_telemetry
from remix_track.trackers.detectors.int8 import quiet_nncf


def in_int8(model: Any, images: Sequence[NDArray[np.float32]]) -> Any:
    """The same ONNX model with its convolutions in 8-bit integers, but the first and the last ones.

    Weights take 7 of the 8 bits: on CPUs without VNNI sums of products overflow otherwise, and the same file would find
    a third of the people there.

    Args:
        model: `onnx.ModelProto` of the detector, in float32.
        images: (1, 3, H, W) RGB in 0..1, on which the ranges of activations are measured.

    Raises:
        InputError: NNCF is not installed.
    """
    nncf = nncf_package()
    advanced = extra("nncf.quantization.advanced_parameters", "int8", "A detector in 8-bit integers")
    with quiet_nncf(nncf):
        return nncf.quantize(
            model,
            nncf.Dataset(images, lambda image: {model.graph.input[0].name: image}),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(names=_in_float(model), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=advanced.OverflowFix.ENABLE),
        )


def nncf_package() -> Any:
    """NNCF.

    Raises:
        InputError: it is not installed.
    """
    with without_telemetry():
        return extra("nncf", "int8", "A detector in 8-bit integers")


def _in_float(model: Any) -> list[str]:
    """Nodes up to the first convolution, and from the one of the score on: means, pixels and exponentials."""
    names = [node.name for node in model.graph.node if node.name]
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    first = names.index(convolutions[0]) + 1
    last = next(at for at, name in enumerate(names) if "/score/" in name)
    return [*names[:first], *names[last:]]

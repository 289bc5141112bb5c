"""`remix-train export`: weights for other runtimes, held to torch's vectors before they are kept."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags import Parser

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".torchscript.pt"}


def parser() -> argparse.ArgumentParser:
    """The flags of the export."""
    made = Parser(
        prog="remix-train export", description="Write weights as ONNX, OpenVINO or TorchScript, L2 norm inside."
    )
    made.add_argument("weights", type=Path, help="a .safetensors file of ours")
    made.add_argument("--format", choices=sorted(_SUFFIXES), default="onnx", help="default: onnx")
    made.add_argument("--output", "-o", metavar="FILE", type=Path, help="default: beside the weights")
    return made


def run(words: Sequence[str]) -> int:
    """Export and say how near the result is to torch."""
    arguments = parser().parse_args(words)

    from remix_track.encoder.export import export_weights

    path = arguments.output or arguments.weights.with_suffix(_SUFFIXES[arguments.format])
    difference = export_weights(arguments.weights, path, arguments.format)
    print(f"{path}: largest difference from torch {difference:.1e}")
    return 0

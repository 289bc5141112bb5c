"""`remix-train export`: weights for other runtimes, held to torch's vectors before they are kept."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import show
from remix_track.encoder.shipped import DEFAULT, located
from remix_track.errors import InputError

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".torchscript.pt"}


def parser() -> argparse.ArgumentParser:
    """The flags of the export."""
    made = Parser(
        prog="remix-train export", description="Write weights as ONNX, OpenVINO or TorchScript, L2 norm inside."
    )
    made.add_argument("weights", help="a .safetensors file of ours, or default (with --output)")
    made.add_argument("--format", choices=sorted(_SUFFIXES), default="onnx", help="default: onnx")
    made.add_argument("--output", "-o", metavar="FILE", type=Path, help="default: beside the weights")
    made.add_argument("--overwrite", action="store_true", help="replace what is there under these names")
    return made


def run(words: Sequence[str]) -> int:
    """Export and say how near the result is to torch."""
    arguments = parser().parse_args(words)

    from remix_track.encoder.export import export_weights

    if arguments.weights == DEFAULT and arguments.output is None:
        raise InputError("default: these belong to the package; give --output FILE")
    weights = Path(located(arguments.weights))
    path = arguments.output or weights.with_suffix(_SUFFIXES[arguments.format])
    difference = export_weights(weights, path, arguments.format, overwrite=arguments.overwrite)
    show(f"{path}: largest difference from torch {difference:.1e}")
    return 0

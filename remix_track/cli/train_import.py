"""`remix-train import FILE.pth`: others' weights as a file of ours."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import show
from remix_track.errors import InputError


def parser() -> argparse.ArgumentParser:
    """The flags of the import."""
    made = Parser(
        prog="remix-train import",
        description="Write a checkpoint of Torchreid, LUPerson or IBN-Net as weights of ours. Nothing is unpickled.",
    )
    made.add_argument("checkpoint", metavar="FILE.pth", type=Path, help="a state dict")
    made.add_argument("--output", "-o", metavar="W.safetensors", type=Path, help="default: beside the checkpoint")
    made.add_argument("--architecture", metavar="NAME", default="", help="default: the first that the tensors fit")
    made.add_argument("--height", type=int, default=256, help="of the crops in pixels (default: 256)")
    made.add_argument("--width", type=int, default=128, help="of the crops in pixels (default: 128)")
    made.add_argument("--trained-on", metavar="TEXT", default="", help="the training data, for the card")
    return made


def run(words: Sequence[str]) -> int:
    """Read, write, and say what it is."""
    arguments = parser().parse_args(words)
    target = arguments.output or arguments.checkpoint.with_suffix(".safetensors")
    if target.exists():
        raise InputError(f"{target}: there is something already; give another --output")

    from remix_track.encoder.crops import NetworkInput
    from remix_track.encoder.import_weights import import_weights
    from remix_track.encoder.weights_card import printable

    card = import_weights(
        arguments.checkpoint,
        target,
        NetworkInput(arguments.height, arguments.width),
        arguments.trained_on or printable(f"not said ({arguments.checkpoint.name})"),
        architecture=arguments.architecture,
    )
    size = f"{card.input_height}x{card.input_width}"
    show(f"{target}: {card.architecture}, {size}, vectors of {card.embedding_width} numbers")
    show(f"it has no threshold yet: remix-track calibrate footage.mp4 --weights {target}")
    return 0

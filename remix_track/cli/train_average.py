"""`remix-train average A B -o C`: the mean of several weights, with a threshold of its own."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import show
from remix_track.errors import InputError


def parser() -> argparse.ArgumentParser:
    """The flags of the mean."""
    made = Parser(
        prog="remix-train average",
        description="Average weights that were trained from the same start: often better than each, as fast as one.",
    )
    made.add_argument("weights", metavar="W.safetensors", nargs="+", help="two or more; default names the shipped ones")
    made.add_argument("--output", "-o", metavar="W.safetensors", type=Path, required=True, help="a new file")
    made.add_argument("--target", metavar="KIND:PATH", help="labelled set that the threshold is measured on")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    return made


def run(words: Sequence[str]) -> int:
    """Average, measure, write, and say what it is."""
    arguments = parser().parse_args(words)
    if arguments.output.exists():
        raise InputError(f"{arguments.output}: there is something already; give another --output")

    from remix_track.encoder.average_weights import average_weights
    from remix_track.encoder.shipped import located

    target = None
    if arguments.target:
        from remix_track.training.data_sets import open_labelled

        target = open_labelled(arguments.target, strict=False)
    card = average_weights([Path(located(one)) for one in arguments.weights], arguments.output)
    size = f"{card.input_height}x{card.input_width}"
    show(f"{arguments.output}: the mean of {len(arguments.weights)}, {card.architecture}, {size}")
    if target is None:
        show(f"it has no threshold yet: remix-track calibrate footage.mp4 --weights {arguments.output}")
        return 0

    from remix_track.encoder.threshold import store_threshold
    from remix_track.training.any_encoder import open_encoder
    from remix_track.training.evaluation import calibrate_any

    try:
        found = calibrate_any(open_encoder(str(arguments.output), arguments.device, 64).embed, target, seed=0)
        if found is None:
            raise InputError(
                f"{arguments.target}: no camera shows a person twice and another person; give another --target"
            )
        store_threshold(str(arguments.output), arguments.output, found.max_cosine_distance)
    except BaseException:  # half of what was asked for would stand in the way of the next try
        arguments.output.unlink(missing_ok=True)
        raise
    show(f"max_cosine_distance {found.max_cosine_distance:.4f} on {arguments.target}")
    return 0

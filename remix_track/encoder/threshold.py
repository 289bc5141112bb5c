"""The tracker's threshold, stored with the weights that it was measured for."""

import dataclasses
import re
import shutil
from pathlib import Path

from remix_track.encoder.shipped import DEFAULT, IMAGENET, located
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_weights, read_card, save_weights
from remix_track.errors import InputError
from remix_track.output_files import atomic_write
from remix_track.text_files import write_text

_BESIDE = {".onnx": (), ".xml": (".bin",)}
_KEY = "max_cosine_distance"


def check_storage(weights: str, output: Path | None, *, overwrite: bool) -> Path:
    """The file that will hold weights and threshold; nothing is written.

    Args:
        weights: `default`, `imagenet`, a `.safetensors`, or an `.onnx` or `.xml` whose threshold stands in `NAME.toml`.
        output: where a copy goes; None stores it with the weights themselves.
        overwrite: a threshold or file that is there may go.

    Raises:
        InputError: weights without a place for it, or something there already.
    """
    named = weights in (DEFAULT, IMAGENET)
    suffix = ".safetensors" if named else Path(weights).suffix.lower()
    if suffix not in (".safetensors", *_BESIDE):
        raise InputError(
            f"`weights` {weights}: no place for a threshold; give .safetensors, .onnx, .xml, default or imagenet"
        )
    if output is None:
        if named:
            raise InputError(f"`weights` {weights}: these belong to a package; give `output` W.safetensors")
        known = stored_threshold(Path(weights))
        if known is not None and not overwrite:
            raise InputError(
                f"{weights}: has {_KEY} {known:g} already; give `output` for a copy, or `overwrite` to replace it"
            )
        return Path(weights)
    if output.suffix.lower() != suffix:
        raise InputError(f"`output` {output}: these weights stay {suffix}; give such a name")
    for path in (output, *(output.with_suffix(other) for other in _others(suffix))):
        if path.exists() and not overwrite:
            raise InputError(f"{path}: there is something already; give another `output`, or `overwrite`")
    return output


def stored_threshold(weights: Path) -> float | None:
    """The threshold that weights carry; None if it was not measured.

    Raises:
        InputError: they cannot be read.
    """
    if weights.suffix.lower() == ".safetensors":
        return read_card(weights).max_cosine_distance
    from remix_track.encoder.onnx_network import read_side_file

    return read_side_file(weights).max_cosine_distance


def store_threshold(weights: str, target: Path, distance: float) -> None:
    """Write weights and threshold to `target`, which `check_storage` gave; a file appears whole or not at all.

    Raises:
        InputError: weights that cannot be read, or a place that cannot be written.
    """
    if weights == IMAGENET:
        _store_imagenet(target, distance)
    elif target.suffix.lower() == ".safetensors":
        card, state = load_weights(Path(located(weights)))
        save_weights(target, state, dataclasses.replace(card, max_cosine_distance=distance))
    else:
        source = Path(weights)
        if not (target.exists() and target.samefile(source)):
            for suffix in (*_BESIDE[target.suffix.lower()], target.suffix):
                _copy(source.with_suffix(suffix), target.with_suffix(suffix))
        _write_side_file(source.with_suffix(".toml"), target.with_suffix(".toml"), distance)


def _others(suffix: str) -> tuple[str, ...]:
    return (*_BESIDE[suffix], ".toml") if suffix in _BESIDE else ()


def _store_imagenet(target: Path, distance: float) -> None:
    from remix_track.encoder.imagenet import ARCHITECTURE, INPUT, imagenet_mobilenet_v2

    encoder, description = imagenet_mobilenet_v2()
    card = WeightsCard(
        architecture=ARCHITECTURE,
        input_height=INPUT.height,
        input_width=INPUT.width,
        embedding_width=encoder.width,
        trained_on=description["trained_on"],
        max_cosine_distance=distance,
    )
    save_weights(target, encoder.state_dict(), card)


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as temporary:
        shutil.copyfile(source, temporary)


def _write_side_file(source: Path, target: Path, distance: float) -> None:
    """The side file with another threshold; whatever else the user wrote in it stays as it is."""
    text = source.read_text(encoding="utf-8") if source.exists() else ""
    line = f"{_KEY} = {distance:.6f}"
    pattern = rf"^[ \t]*[\"']?{_KEY}[\"']?[ \t]*=[^#\n]*?(?=[ \t]*(#|$))"
    changed, count = re.subn(pattern, line, text, count=1, flags=re.MULTILINE)
    if not count:
        changed = text + ("\n" if text and not text.endswith("\n") else "") + line + "\n"
    write_text(target, changed)

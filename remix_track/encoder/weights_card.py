"""The metadata of a weight file: what a tracker needs to use the weights, validated on construction."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD, ChannelOrder, NetworkInput
from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.settings import build

FORMAT_VERSION = 1
METADATA_KEY = "remix_track"
LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class WeightsCard:
    """What stands in the metadata of a weight file.

    Attributes:
        architecture: name for `build_encoder`.
        input_height: of the crops it was trained on, in pixels, 8 to 1024.
        input_width: likewise.
        embedding_width: D, the length of a vector.
        trained_on: the training data in a few words.
        channel_order: of the input, and of `mean` and `std`.
        mean: per channel, of values in 0..1.
        std: per channel, above 0.
        even_light: the encoder brings crops half of the way to one brightness first, see `even_light.even_light`.
        max_cosine_distance: threshold between same and other people, 0 to 2, where one was calibrated.
        config_hash: of the training configuration; empty where there was none.
        git_revision: of the code that trained it; empty where unknown.
        format_version: of this card.

    Raises:
        InputError: a value out of range, or a format version that this release does not read.
    """

    architecture: str
    input_height: int
    input_width: int
    embedding_width: int
    trained_on: str
    channel_order: ChannelOrder = "RGB"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    even_light: bool = False
    max_cosine_distance: float | None = None
    config_hash: str = ""
    git_revision: str = ""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        _ = self.network_input
        if not 1 <= self.embedding_width <= 65536:
            raise InputError(f"embedding_width {self.embedding_width} is out of range; expected 1 to 65536")
        usual = "RGB", IMAGENET_MEAN, IMAGENET_STD
        if self.even_light and (self.channel_order, self.mean, self.std) != usual:
            raise InputError("even_light goes with RGB and ImageNet's mean and std alone; write the file again")
        check_distance(self.max_cosine_distance)
        for name in ("architecture", "trained_on", "config_hash", "git_revision"):
            check_text(name, getattr(self, name))
        if self.format_version != FORMAT_VERSION:
            raise InputError(_other_version(self.format_version))

    @property
    def network_input(self) -> NetworkInput:
        """Input size, channel order and normalisation."""
        return NetworkInput(self.input_height, self.input_width, self.channel_order, self.mean, self.std)

    def to_metadata(self) -> dict[str, str]:
        """As the text pairs that safetensors and ONNX files carry."""
        return {METADATA_KEY: json_text(dataclasses.asdict(self)).rstrip("\n")}


def card_from_metadata(metadata: dict[str, str], where: str) -> WeightsCard:
    """The card in a file's metadata.

    Args:
        metadata: as the file has it; not trusted.
        where: the file's path, for messages.

    Raises:
        InputError: no card, another format version, unknown or missing keys, or values that do not fit.
    """
    if METADATA_KEY not in metadata:
        raise InputError(f"{where}: has no card of remix-track, so its architecture and input are unknown; {_REMEDY}")
    with parsing(where, "weights whose card is JSON", "write the file again"):
        values: Any = json.loads(metadata[METADATA_KEY])
    version = values.get("format_version") if isinstance(values, dict) else None
    if type(version) is not int or version != FORMAT_VERSION:
        raise InputError(f"{where}: {_other_version(version)}")
    required = [field.name for field in dataclasses.fields(WeightsCard) if field.default is dataclasses.MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"{where}: its card lacks {', '.join(missing)}; write the file again")
    return build(WeightsCard, values, where)


def check_distance(distance: float | None) -> None:
    """Raise `InputError` for a `max_cosine_distance` that no pair of vectors can have."""
    if distance is not None and not 0 < distance <= 2:
        raise InputError(f"max_cosine_distance {distance} is out of range; expected above 0, up to 2")


def printable(text: str) -> str:
    """What of a text may stand on a card: names of files and sets may hold anything."""
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_TEXT]


def check_text(name: str, text: str) -> None:
    """Raise `InputError` for text that would garble a terminal or a summary."""
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise InputError(f"{name} does not fit; expected one printable line, at most {LONGEST_TEXT} characters")


_REMEDY = "write it with remix_track.encoder.weights_file.save_weights, or give an .onnx file"


def _other_version(version: object) -> str:
    return f"format version {str(version)[:40]}, but this release reads {FORMAT_VERSION}; update remix-track"

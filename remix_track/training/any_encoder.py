"""`--weights` of an evaluation to what embeds its sets: networks of ours as training has them, files as the tracker."""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.data.decoding import decode_image
from remix_track.data.stores import ImageStore
from remix_track.encoder.embedder import Embedder
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.errors import InputError
from remix_track.training.evaluation import Embed

_REPORTED = 20
RUNTIME_FILES = (".onnx", ".xml")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnyEncoder:
    """An encoder that sets can be embedded with.

    Attributes:
        weights: as they were named.
        embed: rows of a store -> vectors.
        height: of its crops in pixels, for images of what was found.
        width: likewise.
    """

    weights: str
    embed: Embed
    height: int
    width: int


def open_encoder(weights: str, device: str, batch: int) -> AnyEncoder:
    """Load what `weights` names.

    Args:
        weights: `default`, `imagenet`, a `.safetensors` of ours, an `.onnx`, or OpenVINO's `.xml` with its `.bin`.
        device: `auto`, `cpu`, `cuda`, `mps`.
        batch: images in one call of a network of ours; a file of another runtime takes one at a time.

    Raises:
        InputError: another kind of file, or one that cannot be used.
    """
    path = Path(located(weights))
    if path.suffix.lower() in RUNTIME_FILES:
        return _on_runtime(weights, path, device)
    return _of_ours(weights, path, device, batch)


def _on_runtime(weights: str, path: Path, device: str) -> AnyEncoder:
    from remix_track.encoder.load import load_embedder

    embedder = load_embedder(path, device=device)
    if embedder is None:
        raise InputError(f"{path}: no network")
    height, _, width = str(embedder.description["input"]).partition(" ")[0].partition("x")
    return AnyEncoder(weights, partial(embed_crops, embedder), int(height), int(width))


def _of_ours(weights: str, path: Path, device: str, batch: int) -> AnyEncoder:
    import torch

    from remix_track.encoder.imagenet import INPUT, imagenet_mobilenet_v2
    from remix_track.encoder.torch_network import choose_device
    from remix_track.encoder.weights_file import load_encoder
    from remix_track.training.embedding import EmbedPlan, embed_unit
    from remix_track.training.reading import reading_threads
    from remix_track.training.stopping import StopRequest

    if weights == IMAGENET:
        encoder, seen = imagenet_mobilenet_v2()[0], INPUT
    elif path.suffix.lower() == ".safetensors":
        card, encoder = load_encoder(path)
        seen = card.network_input
    else:
        raise InputError(
            f"`weights` {weights}: expected a .safetensors file of ours, an .onnx, an .xml of OpenVINO, 'default' or "
            "'imagenet'"
        )
    where = choose_device(device)
    encoder = encoder.to(where).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plan = EmbedPlan(seen, where, batch, reading_threads(0), StopRequest())
    return AnyEncoder(weights, partial(embed_unit, plan, encoder), seen.height, seen.width)


def embed_crops(
    embedder: Embedder, store: ImageStore, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Embed whole images as the tracker embeds its boxes.

    Args:
        embedder: the encoder.
        store: of the images.
        rows: (R,) which.

    Returns:
        (R, D) unit vectors, zeros where there is none, and (R,) which have one. The first images that cannot be read
        are logged by name.

    Raises:
        InputError: none could be read.
    """
    vectors = np.zeros((len(rows), embedder.width), np.float32)
    bad = 0
    for place, row in enumerate(rows.tolist()):
        try:
            image = decode_image(store.read(row))
        except (OSError, ValueError) as error:
            bad += 1
            if bad <= _REPORTED:
                logger.warning("%s: a bad image is passed over (%s)", store.name(row), error)
            continue
        height, width = image.shape[:2]
        vectors[place] = embedder(image, np.array([[0, 0, width, height]], np.float32))[0]
    found = np.asarray(vectors.any(axis=1))
    if len(rows) and not found.any():
        raise InputError(f"none of {len(rows)} images gave a vector, such as {store.name(int(rows[0]))}")
    return vectors, found

"""Stored crops as vectors of any encoder that a tracker can run: ONNX and OpenVINO files, others' networks."""

import logging

import numpy as np
from numpy.typing import NDArray

from remix_track.data.decoding import decode_image
from remix_track.data.stores import ImageStore
from remix_track.encoder.embedder import Embedder
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_REPORTED = 20


def embed_crops(
    embedder: Embedder, store: ImageStore, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Embed whole pictures as the tracker embeds its boxes.

    Args:
        embedder: the encoder.
        store: of the pictures.
        rows: (R,) which.

    Returns:
        (R, D) unit vectors, zeros where there is none, and (R,) which have one. The first pictures that cannot be read
        are logged by name.

    Raises:
        InputError: none could be read.
    """
    vectors = np.zeros((len(rows), embedder.width), np.float32)
    bad = 0
    for place, row in enumerate(rows.tolist()):
        try:
            picture = decode_image(store.read(row))
        except (OSError, ValueError) as error:
            bad += 1
            if bad <= _REPORTED:
                logger.warning("%s: a bad image is passed over (%s)", store.name(row), error)
            continue
        height, width = picture.shape[:2]
        vectors[place] = embedder(picture, np.array([[0, 0, width, height]], np.float32))[0]
    found = np.asarray(vectors.any(axis=1))
    if len(rows) and not found.any():
        raise InputError(f"none of {len(rows)} images gave a vector, such as {store.name(int(rows[0]))}")
    return vectors, found

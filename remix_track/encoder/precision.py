"""Whether a network gives the right vectors, also in 16 bits: compared on drawn people."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.crops import CropBatch, NetworkInput
from remix_track.encoder.embedder import Network

LEAST_COSINE = 0.9995
"""Of each drawn crop. Real crops come out alike or a little worse, and for these 0.999 is the promise."""
_PEOPLE = Path(__file__).with_name("drawn_people.png")
"""Made by `python -m tests.encoder.draw_people`; other crops would ask for a new `_FORMAT` of kept networks."""
_CROPS = 12


def drawn_people(height: int, width: int) -> NDArray[np.uint8]:
    """Twelve crops of drawn people before four cameras, (12, height, width, 3) uint8 BGR; always the same.

    Noise would not do: on it MobileNetV2 in bfloat16 stays at a cosine of 0.997 to float32, on people it falls to
    0.94 (drawn) and 0.96 (PETS 2009).
    """
    import cv2

    side_by_side = cv2.imdecode(np.frombuffer(_PEOPLE.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    crops = np.split(np.asarray(side_by_side), _CROPS, axis=1)
    return np.stack([cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR) for crop in crops])


def vectors_of(network: Network, network_input: NetworkInput, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Vectors (B, D) of resized crops (B, height, width, 3) uint8 BGR by any network."""
    crops = CropBatch(network_input, network.largest_batch)
    parts = []
    for start in range(0, len(pixels), network.largest_batch):
        part = pixels[start : start + network.largest_batch]
        parts.append(network(part if network.takes_pixels else crops.normalise(part)))
    return np.concatenate(parts)


def agree(vectors: NDArray[np.floating], exact: NDArray[np.floating]) -> bool:
    """Whether each of the vectors (B, D) has the direction of its exact counterpart, within `LEAST_COSINE`."""
    vectors, exact = vectors.astype(np.float64), exact.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    # Written so that NaN and zero vectors do not agree.
    return bool(np.all((vectors * exact).sum(axis=1) >= LEAST_COSINE * np.maximum(lengths, 1e-30)))

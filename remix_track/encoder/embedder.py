"""Appearance: the crops of an image to unit vectors, on any runtime."""

import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from remix_track.arrays import bgr_image, corner_rows
from remix_track.batched_calls import BatchedCalls
from remix_track.encoder.crops import CropBatch, NetworkInput, visible_corners

logger = logging.getLogger(__name__)

_AT_ONCE = 64
"""Crops that are put into one image."""


@runtime_checkable
class Embedder(Protocol):
    """Boxes of one image to appearance vectors.

    Attributes:
        width: D, the length of a vector.
        description: what it is, ready for `summary.json`: name, file, sha256, architecture, input, width, trained_on,
            backend.
        max_cosine_distance: threshold calibrated for these weights, in 0..2; None if it was not measured.
    """

    @property
    def width(self) -> int:
        """D, the length of a vector."""
        ...

    @property
    def description(self) -> dict[str, Any]:
        """What it is, see above."""
        ...

    @property
    def max_cosine_distance(self) -> float | None:
        """Threshold calibrated for these weights, in 0..2; None if it was not measured."""
        ...

    def __call__(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed boxes.

        Args:
            image: (H, W, 3) uint8 BGR; other kinds are converted by `remix_track.arrays.bgr_image`.
            xyxy: (N, 4) corners in pixels, finite; may lie partly or wholly outside the image.

        Returns:
            (N, D) float32, finite, of unit length; a row of zeros where the crop is empty (the box shows less than a
            pixel of the image).

        Raises:
            InputError: not an image, or not boxes.
        """
        ...


class Network(Protocol):
    """A re-ID network on some runtime.

    Attributes:
        width: D, the length of a vector.
        largest_batch: crops in one call at which it is fastest.
        takes_pixels: it normalises its input itself.
        backend: runtime, device and precision, for the summary.
    """

    width: int
    largest_batch: int
    takes_pixels: bool
    backend: str

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Crops, 1..largest_batch of them -> vectors (B, D) of any length.

        Args:
            batch: normalised (B, 3, H, W) float32, or, where it `takes_pixels`, (B, H, W, 3) uint8 BGR. It is
                overwritten by the next call: the network must not keep it.
        """
        ...


class NetworkEmbedder:
    """The `Embedder` over any `Network`: all crops of an image in one call, in a few for a crowd.

    Threads may share it: calls are serialised, because the buffers and the network serve one at a time.

    Args:
        network: the network.
        network_input: the size and normalisation that it expects.
        description: see `Embedder`.
        max_cosine_distance: see `Embedder`.
    """

    def __init__(
        self,
        network: Network,
        network_input: NetworkInput,
        description: dict[str, Any],
        max_cosine_distance: float | None = None,
    ) -> None:
        self.width = network.width
        size = f"{network_input.height}x{network_input.width}"
        order = network_input.channel_order
        self.description = {
            **description,
            "input": f"{size} {order}",
            "width": network.width,
            "backend": network.backend,
        }
        self.max_cosine_distance = max_cosine_distance
        self._network = network
        self._crops = CropBatch(network_input, network.largest_batch)
        self._crops_of = self._crops.cut if network.takes_pixels else self._crops.fill
        self._in_use = threading.Lock()
        self._warned = False

    def __call__(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Embedder`."""
        image, xyxy = bgr_image(image), corner_rows(xyxy, "xyxy")
        vectors = np.zeros((len(xyxy), self.width), np.float32)
        rows, corners = visible_corners(xyxy, width=image.shape[1], height=image.shape[0])
        with self._in_use:
            for start in range(0, len(rows), self._crops.largest):
                part = slice(start, start + self._crops.largest)
                vectors[rows[part]] = self._unit(self._network(self._crops_of(image, corners[part])))
        return vectors

    def for_threads(self, threads: int) -> "list[NetworkEmbedder]":
        """One for each thread, whose crops the network takes together; this one is not to be used beside them."""
        network = _NetworkOfThreads(self._network, threads)
        given = self._crops.network_input, self.description, self.max_cosine_distance
        return [NetworkEmbedder(network, *given) for _ in range(threads)]

    def of_crops(self, crops: Sequence[Any]) -> NDArray[np.float32]:
        """See `embed_crops`."""
        return embed_crops(self, crops)

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        usable = np.isfinite(length) & (length > 0)
        if not usable.all() and not self._warned:
            self._warned = True
            logger.warning(
                "%s: the network gave vectors without a direction; zeros stand for them", self.description["name"]
            )
        unit: NDArray[np.float32] = np.zeros(vectors.shape, np.float32)
        np.divide(vectors, length, out=unit, where=usable, casting="same_kind")
        return unit


class _NetworkOfThreads:
    """A `Network` for several threads: what they give at the same time goes through another one together."""

    def __init__(self, network: Network, threads: int) -> None:
        self.width, self.largest_batch = network.width, network.largest_batch
        self.takes_pixels, self.backend = network.takes_pixels, network.backend
        self._network = network
        self._calls = BatchedCalls(self._together, largest=threads)

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """See `Network`; the caller keeps `batch` as it is until this returns."""
        return self._calls(batch)

    def _together(self, batches: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        crops = np.concatenate(batches)
        parts = (crops[start : start + self.largest_batch] for start in range(0, len(crops), self.largest_batch))
        ends = np.cumsum([len(batch) for batch in batches])
        return np.split(np.concatenate([self._network(part) for part in parts]), ends[:-1])


def embed_crops(embedder: Embedder, crops: Sequence[Any]) -> NDArray[np.float32]:
    """Embed images that show one person each.

    Args:
        embedder: any.
        crops: images of any sizes, each as `remix_track.arrays.bgr_image` takes it ((H, W, 3) uint8 BGR).

    Returns:
        (N, D) float32 unit vectors, as for boxes of these sizes in a larger image; see `Embedder`.

    Raises:
        InputError: one of them is no image.
    """
    images = [bgr_image(crop, f"crops[{number}]") for number, crop in enumerate(crops)]
    parts = (images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE))
    nothing = np.zeros((0, embedder.width), np.float32)
    return np.concatenate([nothing, *(embedder(*_below_each_other(part)) for part in parts)])


def _below_each_other(images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One image (H, W, 3) that holds all, so that a network gets them in one call; and (N, 4) where each lies.

    None lies at its border: a box there is taken for a person whom the border cuts.
    """
    heights, widths = np.array([image.shape[:2] for image in images]).T
    margin = heights.max() // 50 + 2
    bottom = margin + np.cumsum(heights)
    sheet = np.zeros((bottom[-1] + margin, widths.max() + 2 * margin, 3), np.uint8)
    corners = np.stack([np.full_like(widths, margin), bottom - heights, margin + widths, bottom], axis=1)
    for image, (left, top, right, end) in zip(images, corners.tolist(), strict=True):
        sheet[top:end, left:right] = image
    return sheet, corners.astype(np.float32)

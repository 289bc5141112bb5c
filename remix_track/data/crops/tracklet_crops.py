"""The crops of harvested tracklets as appearance vectors, with their tracklet and time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.data.crops.harvest_cache import Harvest, tracklet_and_frame
from remix_track.data.decoding import decode_image
from remix_track.data.stores import LARGEST_IMAGE
from remix_track.encoder.embedder import Embedder
from remix_track.errors import parsing


@dataclass(frozen=True, slots=True, eq=False)
class TrackletVectors:
    """The crops of the tracklets of one video.

    Attributes:
        unit: (N, D) float32 unit vectors.
        tracklet: (N,) int64 of each crop, 0..T-1, ascending.
        time: (N,) float64 seconds of each crop in its video.
        span: (T, 2) float64 seconds at which each tracklet begins and ends.
    """

    unit: NDArray[np.float32]
    tracklet: NDArray[np.int64]
    time: NDArray[np.float64]
    span: NDArray[np.float64]


def embed_tracklets(
    folder: Path, made: Harvest, embedder: Embedder, check: Callable[[], None] = lambda: None
) -> TrackletVectors:
    """Embed every crop of a harvested video; crops that the network gives no direction for are left out.

    Args:
        folder: of the crops, as `harvest_footage` gives it.
        made: what is in it.
        embedder: as the tracker uses it.
        check: called for each crop; what it raises ends the work.

    Raises:
        InputError: a crop that cannot be read.
    """
    seconds = 1 / (made.fps * made.stride)
    place = {row[0]: number for number, row in enumerate(made.tracklets)}
    vectors, tracklet, time = [np.empty((0, embedder.width), np.float32)], [], []
    for path in sorted(folder.glob("*.jpg")):
        check()
        number, frame = tracklet_and_frame(path.name)
        vectors.append(embed_crop(path, embedder)[None])
        tracklet.append(place[number])
        time.append(frame * seconds)
    unit = np.concatenate(vectors)
    found = unit.any(axis=1)
    span = np.array([(first * seconds, last * seconds) for _, first, last, _ in made.tracklets])
    return TrackletVectors(
        unit[found], np.array(tracklet, np.int64)[found], np.array(time, np.float64)[found], span.reshape(-1, 2)
    )


def embed_crop(path: Path, embedder: Embedder) -> NDArray[np.float32]:
    """The unit vector (D,) of an image that shows one person.

    Raises:
        InputError: it cannot be read, or is no image.
    """
    return embed_image(read_bounded(path, LARGEST_IMAGE, "give an image of a person"), path, embedder)


def embed_image(content: bytes, name: str | Path, embedder: Embedder) -> NDArray[np.float32]:
    """The unit vector (D,) of an encoded image that shows one person and that messages call `name`.

    Raises:
        InputError: it is no image, or one of too many pixels.
    """
    with parsing(name, "an image of a person"):
        picture = decode_image(content)
    height, width = picture.shape[:2]
    vector: NDArray[np.float32] = embedder(picture, np.array([[0, 0, width, height]], np.float32))[0]
    return vector

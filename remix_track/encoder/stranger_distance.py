"""A threshold from the tracks themselves: how near strangers come."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FALSE_SHARE = 0.1
"""Share of tracks of which a stranger is expected to be nearer than the threshold."""
FEWEST_PAIRS = 20
_MOST_TRACKS = 400
"""Of all cameras together: 80,000 pairs tell a quantile well enough."""
_DEVIATION = NormalDist().cdf(1.0)  # as a quantile, one deviation above the median


def stranger_distance(
    vectors: NDArray[np.floating],
    camera: NDArray[np.integer],
    *,
    false_share: float = FALSE_SHARE,
    strangers: float | None = None,
) -> float | None:
    """The cosine distance within which a track has a stranger among those of the other cameras once in ten times.

    Most pairs of tracks of two cameras are two people, and their distances are near to normal. Median and upper half
    tell that distribution, whatever pairs of one person there are in the lower half. Of n strangers one is nearer than
    the quantile false_share / n of it in about `false_share` of all cases.

    Vectors whose cameras were taken out are spread otherwise than those that a threshold of the weights was measured
    on, and how, depends on the footage; so it is measured where it is used, without a label. Pairs within a camera
    would not do: around their own mean they lie further apart.

    Args:
        vectors: (T, D) of unit length, one for each track; zeros for a track without appearance.
        camera: (T,) of each track.
        false_share: expected strangers within the distance, of each track; above 0.
        strangers: with how many each track is compared, where these are a sample of them; None: with these.

    Returns:
        In 0..2; None where there are fewer than 20 pairs of tracks of two cameras.
    """
    known = np.flatnonzero(vectors.any(axis=1))
    _, counts = np.unique(camera[known], return_counts=True)
    distances = _between_cameras(vectors, camera, known)
    if len(counts) < 2:
        return None
    if strangers is None:
        strangers = counts.sum() - counts.mean()
    return unlikely_distance(distances, strangers, false_share=false_share)


def unlikely_distance(
    distances: NDArray[np.floating], strangers: float, *, false_share: float = FALSE_SHARE
) -> float | None:
    """The distance within which `false_share` of so many strangers are expected.

    Args:
        distances: (P,) cosine distances, of strangers but for a few.
        strangers: how many something is compared with.
        false_share: above 0.

    Returns:
        In 0..2; None where there are fewer than 20 distances.
    """
    if len(distances) < FEWEST_PAIRS:
        return None
    median, above = np.quantile(distances, (0.5, _DEVIATION))
    share = min(false_share / strangers, 0.5)
    return float(np.clip(median + NormalDist().inv_cdf(share) * (above - median), 0.0, 2.0))


def _between_cameras(
    vectors: NDArray[np.floating], camera: NDArray[np.integer], known: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(P,) distances of the pairs of two cameras; where tracks are too many, they are thinned out evenly."""
    order = known[np.argsort(camera[known], kind="stable")]
    rows = order[np.linspace(0, len(order) - 1, min(len(order), _MOST_TRACKS)).astype(np.intp)]
    unit = vectors[rows].astype(np.float64)
    return np.asarray((1 - unit @ unit.T)[np.triu(camera[rows, None] != camera[rows])])

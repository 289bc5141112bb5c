"""Statistics of a clustering: number and sizes of identities, and purity and completeness where labels are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """Numbers of one clustering.

    Attributes:
        images: that were clustered.
        videos: they come from.
        clusters: pseudo identities that were found.
        outliers: images without one.
        smallest: images in the smallest cluster; nan without clusters, as the next two.
        median: images in the median cluster.
        largest: images in the largest cluster.
        whole_videos: videos of more than one crop that became one identity: that has most of their crops, and nothing
            else is found there. Such a video shows one person, or it was merged.
        purity: share of the clustered images that show their cluster's most frequent person; nan when unknown.
        completeness: share of all images that lie in the cluster that has most of their person; an outlier lies in
            none; nan when unknown.
    """

    images: int
    videos: int
    clusters: int
    outliers: int
    smallest: float
    median: float
    largest: float
    whole_videos: int
    purity: float
    completeness: float

    def __str__(self) -> str:
        line = f"{self.images:,} crops of {self.videos:,} videos: {self.clusters:,} identities, "
        line += f"{self.outliers:,} outliers"
        if self.clusters:
            line += f", sizes {self.smallest:.0f} to {self.largest:.0f}, median {self.median:g}"
        if not np.isnan(self.completeness):
            line += f", purity {self.purity:.3f}, completeness {self.completeness:.3f}"
        return line


def report_clusters(
    labels: NDArray[np.int64], video: NDArray[np.int64], hidden: NDArray[np.int64] | None = None
) -> ClusterReport:
    """Count a clustering.

    Args:
        labels: (N,) 0, 1, ... without gaps; -1 for outliers.
        video: (N,) of each image.
        hidden: (N,) the true person of each image, where it is known; a person counts once in each video.
    """
    clustered = labels >= 0
    sizes = np.bincount(labels[clustered])
    purity = completeness = float("nan")
    if hidden is not None:
        person = np.unique(np.stack([video, hidden]), axis=1, return_inverse=True)[1].reshape(-1)
        agreeing = _largest_overlaps(labels[clustered], person[clustered])
        purity = agreeing / clustered.sum() if clustered.any() else purity
        agreeing = _largest_overlaps(person[clustered], labels[clustered])
        completeness = agreeing / len(labels) if len(labels) else completeness
    smallest, median, largest = (f(sizes) if len(sizes) else float("nan") for f in (np.min, np.median, np.max))
    return ClusterReport(
        images=len(labels),
        videos=len(np.unique(video)),
        clusters=len(sizes),
        outliers=int((~clustered).sum()),
        smallest=float(smallest),
        median=float(median),
        largest=float(largest),
        whole_videos=_whole_videos(labels, video),
        purity=float(purity),
        completeness=float(completeness),
    )


def _whole_videos(labels: NDArray[np.int64], video: NDArray[np.int64]) -> int:
    """Videos with a single cluster, which holds more than half of their crops."""
    _, inverse, crops = np.unique(video, return_inverse=True, return_counts=True)
    clustered = labels >= 0
    pairs, images = np.unique(np.stack([inverse[clustered], labels[clustered]]), axis=1, return_counts=True)
    alone = np.bincount(pairs[0], minlength=len(crops))[pairs[0]] == 1
    return int((alone & (2 * images > crops[pairs[0]]) & (images > 1)).sum())


def _largest_overlaps(group: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """Sum over groups of the images that a group has in common with the `other` it overlaps most."""
    pairs, images = np.unique(np.stack([group, other]), axis=1, return_counts=True)
    largest = np.zeros(pairs[0].max(initial=-1) + 1, np.int64)
    np.maximum.at(largest, pairs[0], images)
    return int(largest.sum())

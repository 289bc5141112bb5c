"""Pseudo labels of an epoch: DBSCAN on the momentum encoder's embeddings of single-camera images.

Crops of known tracklets are clustered by these instead, where `ClusterSettings.tracklets` says so.

Source: Mamedov et al., ReMix (WACV 2025): pseudo labels by DBSCAN each epoch, outliers dropped. The distance, its
constants and the scope are this project's reading; see `ClusterSettings`. Differs from a literal reading of one pool:
two images of different videos are never neighbours for DBSCAN, as no identity spans two videos.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import DBSCAN
from sklearn.neighbors import sort_graph_by_row_values
from torch import Tensor

from remix_track.training.cluster_report import ClusterReport, report_clusters
from remix_track.training.jaccard import check_size, jaccard_graph
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.neighbours import STEPS, blocks, to_grid
from remix_track.training.tracklet_clusters import cluster_tracklets
from remix_track.training.video_means import without_videos


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Identities found among single-camera images.

    Attributes:
        labels: (N,) int64, 0, 1, ... in the order in which identities first appear; -1 marks outliers, to be dropped.
        report: counts, for the log.
    """

    labels: NDArray[np.int64]
    report: ClusterReport


def pseudo_labels(
    embeddings: Tensor,
    video: NDArray[np.int64],
    settings: ClusterSettings,
    hidden: NDArray[np.int64] | None = None,
    tracklet_frame: NDArray[np.int64] | None = None,
) -> PseudoLabels:
    """Cluster the images of an epoch; no identity spans two videos.

    Args:
        embeddings: (N, D) of any length, on the device that computes the neighbours (float64: CPU or CUDA).
        video: (N,) the video of each image, any whole numbers.
        settings: scope, distance and constants.
        hidden: (N,) the true person of each image, where known: for the report alone.
        tracklet_frame: (N, 2) tracklet and frame of each image in its video, -1 where unknown; None: of none.

    Raises:
        InputError: embeddings that are not finite, or far too many neighbours.
    """
    if not len(embeddings) == len(video) == len(video if hidden is None else hidden):
        raise ValueError(f"{len(embeddings)} embeddings, {len(video)} videos; expected one of each per image")
    labels = np.full(len(video), -1, np.int64)
    clusters = 0
    for rows, found in _clusterings(embeddings, video, settings, tracklet_frame):
        labels[rows] = np.where(found >= 0, found + clusters, -1)
        clusters += int(found.max(initial=-1)) + 1
    labels = _numbered_by_first_appearance(labels)
    return PseudoLabels(labels, report_clusters(labels, video, hidden))


def _clusterings(
    embeddings: Tensor, video: NDArray[np.int64], settings: ClusterSettings, tracklet_frame: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.int64] | slice, NDArray[np.int64]]]:
    """Rows of images that are clustered together, and their labels from 0; -1 for outliers."""
    unknown: NDArray[np.int64] | slice = slice(None)
    if settings.tracklets and tracklet_frame is not None:
        known = tracklet_frame[:, 0] >= 0
        for inside in _videos(video[known]):
            together = np.flatnonzero(known)[inside]
            unit = to_grid(embeddings[together]).div_(STEPS).cpu().numpy()
            tracklet, frame = tracklet_frame[together].T
            yield together, cluster_tracklets(unit, tracklet, frame, settings)
        if known.any():
            unknown = np.flatnonzero(~known)
    for part in _scopes(video[unknown], settings):
        rows: NDArray[np.int64] | slice = part if isinstance(unknown, slice) else unknown[part]
        if len(video[rows]) >= settings.min_samples:
            chosen, where = embeddings[rows], video[rows]
            if settings.centred:
                chosen = _centred(chosen, where, settings)
            yield rows, _cluster(chosen, where, settings.fitting(len(where)))


def _centred(embeddings: Tensor, video: NDArray[np.int64], settings: ClusterSettings) -> Tensor:
    """A pool without its videos' means, of the identities that each video shows by itself."""
    alone = replace(settings, scope="video", centred=False)
    return without_videos(embeddings, video, pseudo_labels(embeddings, video, alone).labels)


def _scopes(video: NDArray[np.int64], settings: ClusterSettings) -> Iterator[NDArray[np.int64] | slice]:
    """Rows of the images that are clustered together; a slice where it is all of them, which copies nothing."""
    if settings.scope == "pool" and settings.distance == "jaccard":
        yield slice(None)
        return
    # A cosine distance does not depend on other images, so the pool's pairs within videos are each video's.
    yield from _videos(video)


def _videos(video: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Rows of each video."""
    order = np.argsort(video, kind="stable")
    yield from (rows for rows in np.split(order, np.flatnonzero(np.diff(video[order])) + 1) if len(rows))


def _cluster(embeddings: Tensor, video: NDArray[np.int64], settings: ClusterSettings) -> NDArray[np.int64]:
    dbscan = DBSCAN(eps=settings.eps, min_samples=settings.min_samples, metric="precomputed")
    grid = to_grid(embeddings)
    if settings.distance == "jaccard":
        graph = jaccard_graph(grid, settings.k1, settings.k2, settings.eps, video)
    else:
        graph = _cosine_graph(grid, settings.eps)
    del grid
    found: NDArray[np.int64] = dbscan.fit_predict(
        sort_graph_by_row_values(sparse.csr_matrix(graph), warn_when_not_sorted=False)
    )
    return found


def cosine_distances(first: Tensor, second: Tensor) -> NDArray[np.float64]:
    """(A, B) of every two rows (A, D) and (B, D) from `neighbours.to_grid`."""
    apart: NDArray[np.float64] = (1 - first @ second.T / STEPS**2).clamp_(min=0).cpu().numpy()
    return apart


def _cosine_graph(grid: Tensor, eps: float) -> sparse.csr_array:
    """The pairs of one video's images that are at most `eps` apart."""
    rows: list[NDArray[np.int32]] = []
    columns: list[NDArray[np.int32]] = []
    distances: list[NDArray[np.float64]] = []
    pairs = 0
    for part in blocks(len(grid), len(grid)):
        apart = cosine_distances(grid[part], grid)
        row, column = np.nonzero(apart <= eps)
        rows.append((part.start + row).astype(np.int32))
        columns.append(column.astype(np.int32))
        distances.append(apart[row, column])
        pairs += len(row)
        check_size(pairs)
    data = (np.concatenate(distances), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(data, shape=(len(grid), len(grid)))


def _numbered_by_first_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    first[names < 0] = -1  # outliers come before all others, so that the rest counts from 0
    number = np.empty(len(names), np.int64)
    number[np.argsort(first)] = np.arange(len(names)) - int((names < 0).any())
    return number[inverse]

"""Spherical k-means, and thinning what is too much alike: the two halves of semantic deduplication, in memory."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.dedup.embeddings import Points, similarities, toward
from textmill.pipeline.kernels import kernel

_BLOCK_VALUES: Final = 1 << 22
"""Similarities that are worked on at once: 32 MiB."""

_BLOCK_ROWS: Final = 512


class Nearest(NamedTuple):
    """For each point its centroid, and the similarity to it; length n each."""

    cluster: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]


class Thinned(NamedTuple):
    """For each point the one that it is too much like, or -1, and the similarity to it; length n each."""

    owner: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]


def fit(points: Points, clusters: int, iterations: int) -> Points:
    """The centroids of so many clusters, or as many as there are different points.

    They start as the first different points, and so many times become the direction of the sum of the points nearest
    to them; one that no point is nearest to stays as it is. Sums are of whole numbers: their order means nothing.
    """
    _, first = np.unique(points, axis=0, return_index=True)
    centroids = points[np.sort(first)[:clusters]]
    for _ in range(iterations):
        sums = cluster_sums(points, nearest(points, centroids).cluster, len(centroids))
        led = np.flatnonzero(sums.any(axis=1))
        moved = centroids.copy()
        moved[led] = toward(sums[led].astype(np.float64))
        if (moved == centroids).all():
            break
        centroids = moved
    return centroids


def nearest(points: Points, centroids: Points) -> Nearest:
    """The centroid that each point is most like, of equals the first."""
    cluster, similarity = np.empty(len(points), np.int64), np.empty(len(points))
    rows = max(1, _BLOCK_VALUES // max(centroids.shape))
    for start in range(0, len(points), rows):
        some = slice(start, start + rows)
        found = similarities(points[some], centroids)
        cluster[some] = found.argmax(axis=1)
        similarity[some] = found.max(axis=1)
    return Nearest(cluster, similarity)


@kernel
def cluster_sums(points: Points, cluster: npt.NDArray[np.int64], clusters: int) -> npt.NDArray[np.int64]:
    """The sum of each cluster's points, shape (clusters, dimensions)."""
    sums = np.zeros((clusters, points.shape[1]), np.int64)
    for i in range(len(points)):
        row, point = sums[cluster[i]], points[i]
        for k in range(len(point)):
            row[k] += point[k]
    return sums


def thin(points: Points, limit: float) -> Thinned:
    """Go through points in order; one that is more than `limit` like an earlier one that stayed goes.

    It is the one that it is most like that is named, of equals the first. Memory is bounded: blocks of points are
    compared with blocks of those that stayed.
    """
    owner, similarity = np.full(len(points), -1), np.zeros(len(points))
    stayed = np.empty(0, np.int64)
    for start in range(0, len(points), _BLOCK_ROWS):
        block = points[start : start + _BLOCK_ROWS]
        best, most = _most_alike(block, points, stayed)
        within = similarities(block, block)
        stays = np.zeros(len(block), np.bool_)
        for i in range(len(block)):
            if stays[:i].any():
                earlier = np.where(stays[:i], within[i, :i], -1.0)
                other = int(earlier.argmax())
                if earlier[other] > most[i]:
                    best[i], most[i] = start + other, earlier[other]
            stays[i] = most[i] <= limit
        gone = np.flatnonzero(~stays)
        owner[start + gone], similarity[start + gone] = best[gone], np.minimum(most[gone], 1)
        stayed = np.concatenate([stayed, start + np.flatnonzero(stays)])
    return Thinned(owner, similarity)


def _most_alike(
    block: Points, points: Points, stayed: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each point of a block which of those that stayed it is most like, and how much; -1 and -1 without any."""
    best, most = np.full(len(block), -1), np.full(len(block), -1.0)
    columns = max(1, _BLOCK_VALUES // max(_BLOCK_ROWS, points.shape[1]))
    for start in range(0, len(stayed), columns):
        some = stayed[start : start + columns]
        found = similarities(block, points[some])
        which = found.argmax(axis=1)
        value = found[np.arange(len(block)), which]
        higher = value > most
        best[higher], most[higher] = some[which[higher]], value[higher]
    return best, most

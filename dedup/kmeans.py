"""Spherical k-means, and thinning what is too much alike: the two halves of semantic deduplication, in memory."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.dedup.embeddings import Directions, Points, directions, toward
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
    centroids = _first_different(points, clusters)
    for _ in range(iterations):
        sums = cluster_sums(points, nearest(points, centroids).cluster, len(centroids))
        led = np.flatnonzero(sums.any(axis=1))
        moved = centroids.copy()
        moved[led] = toward(sums[led].astype(np.float64))
        if (moved == centroids).all():
            break
        centroids = moved
    return centroids


def _first_different(points: Points, most: int) -> Points:
    """The first different points, at most so many."""
    looked = most
    while True:
        looked *= 2
        _, first = np.unique(points[:looked], axis=0, return_index=True)
        if len(first) >= most or looked >= len(points):
            return points[np.sort(first)[:most]]


def nearest(points: Points, centroids: Points) -> Nearest:
    """The centroid that each point is most like, of equals the first."""
    cluster, similarity = np.empty(len(points), np.int64), np.empty(len(points))
    ends = directions(centroids)
    rows = max(1, _BLOCK_VALUES // max(centroids.shape))
    for start in range(0, len(points), rows):
        some = slice(start, start + rows)
        block = directions(points[some])
        cluster[some], similarity[some] = _most_alike(block.products(ends), block.scale, ends.scale)
    return Nearest(cluster, similarity)


@kernel
def _most_alike(
    products: npt.NDArray[np.float32], scale: npt.NDArray[np.float64], scales: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each row of products the column of the highest cosine, of equals the first, and the cosine."""
    which, value = np.empty(len(products), np.int64), np.empty(len(products))
    for row in range(len(products)):
        best, most = 0, -np.inf
        for column in range(len(scales)):
            alike = np.float64(products[row, column]) * scales[column]
            if alike > most:
                best, most = column, alike
        which[row], value[row] = best, most * scale[row]
    return which, value


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
        block = directions(points[start : start + _BLOCK_ROWS])
        best, most = _most_alike_of(block, points, stayed)
        stays = _stays(block.products(block), block.scale, limit, best, most)
        gone = np.flatnonzero(~stays)
        inside = best[gone] < 0
        owner[start + gone] = np.where(inside, start - best[gone] - 1, best[gone])
        similarity[start + gone] = np.minimum(most[gone], 1)
        stayed = np.concatenate([stayed, start + np.flatnonzero(stays)])
    return Thinned(owner, similarity)


@kernel
def _stays(
    within: npt.NDArray[np.float32],
    scale: npt.NDArray[np.float64],
    limit: float,
    best: npt.NDArray[np.int64],
    most: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Which points of a block stay, one after another; `best` and `most` become those of earlier ones of the block too.

    within: the products of the block's points. Point j of the block is -1 - j in `best`.
    """
    stays = np.zeros(len(best), np.bool_)
    for i in range(len(best)):
        for j in range(i):
            alike = np.float64(within[i, j]) * scale[j] * scale[i]
            if stays[j] and alike > most[i]:
                best[i], most[i] = -1 - j, alike
        stays[i] = most[i] <= limit
    return stays


def _most_alike_of(
    block: Directions, points: Points, stayed: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each point of a block which of those that stayed it is most like, and how much; -1 and -∞ without any."""
    best, most = np.full(len(block.points), -1), np.full(len(block.points), -np.inf)
    columns = max(1, _BLOCK_VALUES // max(_BLOCK_ROWS, points.shape[1]))
    for start in range(0, len(stayed), columns):
        some = stayed[start : start + columns]
        others = directions(points[some])
        which, value = _most_alike(block.products(others), block.scale, others.scale)
        higher = value > most
        best[higher], most[higher] = some[which[higher]], value[higher]
    return best, most

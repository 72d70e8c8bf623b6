"""Components are those of scipy, in memory and over files, whatever the graph, its order and the cut into parts."""

import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from textmill.dedup.components import Links, by_part, components, first_equal, link_equal
from textmill.dedup.sketches import Work
from textmill.dedup.stars import alternate, read_links, small_star, write_links
from textmill.pipeline.executor import Inline


def path(nodes):
    return np.column_stack([np.arange(nodes - 1), np.arange(1, nodes)])


def shuffled(links, seed=0):
    """The same graph under other names of its nodes, its links in another order and direction."""
    random = np.random.default_rng(seed)
    links = random.permutation(links.max() + 1)[links]
    links = random.permutation(links)
    turned = random.random(len(links)) < 0.5
    links[turned] = links[turned, ::-1]
    return links


def star(leaves, centre):
    return np.array([(centre, leaf) for leaf in range(leaves + 1) if leaf != centre])


def cliques(count, size):
    """Cliques, each joined to the next by one link."""
    inside = np.array([(a, b) for a in range(size) for b in range(a)])
    bridges = [(i * size, (i + 1) * size + 1) for i in range(count - 1)]
    return np.vstack([*(inside + i * size for i in range(count)), *([bridges] if bridges else [])])


def random_graph(nodes, links, seed):
    return np.random.default_rng(seed).integers(0, nodes, (links, 2))


GRAPHS = {
    "ordered path": path(1024),
    "shuffled path": shuffled(path(1024)),
    "star around the smallest": star(500, 0),
    "star around the largest": star(500, 500),
    "star around the middle": star(500, 250),
    "cliques with bridges": cliques(20, 12),
    "shuffled cliques with bridges": shuffled(cliques(20, 12)),
    "sparse": random_graph(2000, 900, 1),
    "critical": random_graph(2000, 1000, 2),
    "dense": random_graph(300, 3000, 3),
    "far apart": random_graph(1000, 600, 4) << 32,
}


def scipy_labels(links):
    """For each node in `links` the smallest that scipy finds it connected with."""
    nodes, dense = np.unique(links, return_inverse=True)
    dense = dense.reshape(-1, 2)
    graph = coo_array((np.ones(len(dense)), (dense[:, 0], dense[:, 1])), shape=(len(nodes), len(nodes)))
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    return dict(zip(nodes.tolist(), nodes[first[group]].tolist(), strict=True))


def in_memory(links):
    found = components(Links(*links.T))
    return dict(zip(found.nodes.tolist(), found.labels.tolist(), strict=True))


def over_files(links, *, files=3, parts=4):
    """Labels by alternating stars, and the rounds they took; the links come in several files."""
    folder = f"memory://components/{uuid.uuid4().hex}"
    links = links[links[:, 0] != links[:, 1]]
    paths = [f"{folder}/links-{n}.arrow" for n in range(files)]
    for path, piece in zip(paths, np.array_split(links, files), strict=True):
        write_links(Links(*piece.T), path)
    found, rounds = alternate(paths, Work(folder, parts), Inline())
    ends = read_links(found)
    assert len(np.unique(ends.left)) == len(ends.left)
    labels = dict(zip(ends.left.tolist(), ends.right.tolist(), strict=True))
    return {node: labels.get(node, node) for node in np.unique(links).tolist()}, rounds


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_components_in_memory_are_those_of_scipy(graph):
    assert in_memory(GRAPHS[graph]) == scipy_labels(GRAPHS[graph])


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_components_over_files_are_those_in_memory(graph):
    links = GRAPHS[graph]
    links = links[links[:, 0] != links[:, 1]]
    assert over_files(links)[0] == in_memory(links)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=14),
    st.integers(1, 4),
    st.integers(1, 5),
    st.randoms(),
)
@settings(max_examples=50)
def test_the_cut_into_files_and_parts_and_the_order_of_links_do_not_matter(pairs, files, parts, random):
    links = np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)
    expected = in_memory(links)
    assert expected == scipy_labels(links)
    random.shuffle(pairs)
    turned = np.array([(b, a) for a, b in pairs if a != b], np.int64).reshape(-1, 2)
    assert over_files(turned, files=files, parts=parts)[0] == expected


def test_a_path_of_four():
    """Golden: stopping when the two stars of one round agree would leave 3 linked to 1."""
    assert over_files(path(4))[0] == {0: 0, 1: 0, 2: 0, 3: 0}


def test_rounds_on_paths():
    assert over_files(path(1024))[1] == 11
    assert over_files(shuffled(path(1024)))[1] <= 11


@pytest.mark.slow
@pytest.mark.parametrize("links", [path(131_072), shuffled(path(131_072))], ids=["ordered", "shuffled"])
def test_a_path_of_131072(links):
    labels, rounds = over_files(links, parts=2)
    assert set(labels.values()) == {0}
    assert set(in_memory(links).values()) == {0}
    assert rounds <= 18


def test_a_small_star_links_an_upper_node_and_its_lower_neighbours_to_the_lowest():
    found = small_star(Links(np.array([5, 5, 5, 4]), np.array([3, 1, 2, 2])))
    assert list(zip(*found, strict=True)) == [(2, 1), (3, 1), (4, 2), (5, 1)]


def test_no_links_no_components():
    nothing = Links(np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(components(nothing).nodes) == 0
    assert over_files(np.empty((0, 2), np.int64)) == ({}, 1)


hashes = st.integers(0, 6) | st.sampled_from([2**63, 2**64 - 1])


@given(st.lists(hashes, max_size=30))
def test_first_equal_is_the_index_of_a_list(keys):
    assert first_equal(np.array(keys, np.uint64)).tolist() == [keys.index(key) for key in keys]


@given(st.lists(st.tuples(hashes, hashes), max_size=12), st.integers(1, 5))
def test_rows_that_share_a_key_are_one_and_send_it_once(rows, parts):
    keys = np.array(rows, np.uint64).reshape(-1, 2).T.copy()
    first, label = link_equal(keys)
    assert first.tolist() == [[list(band).index(key) for key in band] for band in keys]
    links = [(n, row) for band in first.tolist() for n, row in enumerate(band)]
    graph = coo_array((np.ones(len(links)), np.array(links, np.int64).reshape(-1, 2).T), (len(rows), len(rows)))
    component = connected_components(graph, directed=False)[1].tolist() if rows else []
    assert label.tolist() == [component.index(number) for number in component]
    owners = np.arange(len(rows)) + 100
    sent = by_part(keys, first, owners, parts)
    once = [(int(band[n]), n + 100) for band in keys for n in range(len(rows)) if list(band).index(band[n]) == n]
    expected = sorted(once, key=lambda pair: (pair[0] >> 32) * parts >> 32)
    assert list(zip(sent.keys.tolist(), sent.owners.tolist(), strict=True)) == expected
    assert sent.counts.tolist() == [sum((key >> 32) * parts >> 32 == part for key, _ in once) for part in range(parts)]

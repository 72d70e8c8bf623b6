"""Connected components of more links than one memory holds: alternating stars, over files.

A round rewrites every link (u, v), u > v, twice. With p(x) the smallest neighbour of x below x, or x
where there is none: the large star makes it (u, p(v)); the small star then makes it (u, p(u)) and
(v, p(u)). Connections stay, and links only shrink towards the smallest node of a component; when a round
changes nothing, each node is linked to that node alone. (Kiveris et al. 2014, Connected Components in
MapReduce and Beyond.) The usual large star gathers a node's whole neighbourhood; here p(v) is asked for and
answered once a task, so that a node with any number of neighbours fills no task's memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.components import Addresses, Links
from textmill.dedup.sketches import Work
from textmill.pipeline.exchange import collect, scatter
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import remove


@dataclass(frozen=True)
class _Round:
    """A round: the files that hold its links, by the task that wrote them, and where it writes its own."""

    work: Work
    links: Sequence[str]
    number: int = 0

    def file(self, kind: str, part: int) -> str:
        """What task `part` writes in this round."""
        return self.work.file(f"{self.number:03d}/{kind}", part)

    def files(self, kind: str) -> list[str]:
        """What all tasks write in this round."""
        return self.work.files(f"{self.number:03d}/{kind}")


def alternate(files: Sequence[str], work: Work, executor: Executor) -> tuple[list[str], int]:
    """Files of links from each node to the smallest of its component, and the rounds that it took.

    files: what `write_links` wrote. The links of each node end up in one file.
    """
    gather(executor, _spread, range(len(files)), _Round(work, files))
    spread = [work.file("000/spread", number) for number in range(len(files))]
    now = _Round(work, spread, 1)
    while True:
        parts = range(work.parts)
        gather(executor, _ask, parts, now)
        gather(executor, _answer, parts, now)
        changed = sum(gather(executor, _star, parts, now))
        if not changed:
            return now.files("links"), now.number
        now = replace(now, links=now.files("stars"), number=now.number + 1)
        remove(f"{work.folder}/{now.number - 2:03d}")


def write_links(links: Links, path: str) -> None:
    """Write links to one file."""
    table = _table(upper=np.maximum(*links), lower=np.minimum(*links))
    scatter(table, np.zeros(table.num_rows, np.int64), 1, path)


def read_links(paths: Sequence[str]) -> Links:
    """The links of several files."""
    return _links(collect(paths, 0))


def parts_of(nodes: Addresses, parts: int) -> npt.NDArray[np.int64]:
    """A part for each node, much the same number of nodes for each part."""
    mixed = nodes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(32)).astype(np.int64) * parts) >> 32


def _spread(now: _Round, number: int) -> None:
    """Send each link of a file to the part of its upper node."""
    _send(now, read_links([now.links[number]]), now.file("spread", number))


def _ask(now: _Round, part: int) -> None:
    """Gather the links of a part's upper nodes; ask for the p of their lower ones."""
    links = _distinct(_links(collect(now.links, part)))
    write_links(links, now.file("links", part))
    asked = np.unique(links.right)
    table = _table(node=asked, asker=np.full(len(asked), part))
    scatter(table, parts_of(asked, now.work.parts), now.work.parts, now.file("asked", part))


def _answer(now: _Round, part: int) -> None:
    """Tell those who asked."""
    asked = collect(now.files("asked"), part)
    nodes = asked.column("node").to_numpy()
    uppers, lowest, _ = _lowest(read_links([now.file("links", part)]))
    at = np.searchsorted(uppers, nodes)
    found = at < len(uppers)
    found[found] = uppers[at[found]] == nodes[found]
    answer = nodes.copy()
    answer[found] = lowest[at[found]]
    table = _table(node=nodes, lowest=answer)
    scatter(table, asked.column("asker").to_numpy(), now.work.parts, now.file("answers", part))


def _star(now: _Round, part: int) -> int:
    """The large star, then the small star, of a part's links; returns how many links they changed."""
    links = read_links([now.file("links", part)])
    answers = collect(now.files("answers"), part).sort_by("node")
    asked, lowest = (answers.column(name).to_numpy() for name in ("node", "lowest"))
    large = Links(links.left, lowest[np.searchsorted(asked, links.right)])
    small = small_star(large)
    _send(now, small, now.file("stars", part))
    changed = len(links.left) != len(small.left) or any((a != b).any() for a, b in zip(links, small, strict=True))
    return int(changed)


def small_star(links: Links) -> Links:
    """Link each upper node and all its lower neighbours to the lowest of them."""
    links = _distinct(links)
    uppers, lowest, which = _lowest(links)
    centre = lowest[which]
    outer = links.right != centre
    left, right = np.concatenate([uppers, links.right[outer]]), np.concatenate([lowest, centre[outer]])
    return _distinct(Links(left, right))


def _lowest(links: Links) -> tuple[Addresses, Addresses, Addresses]:
    """Each upper node, the lowest that it is linked to, and which of them each link has; `links` are sorted."""
    uppers, first, which = np.unique(links.left, return_index=True, return_inverse=True)
    return uppers, links.right[first], which


def _distinct(links: Links) -> Links:
    """Sorted by upper node, then by lower, each once."""
    order = np.lexsort((links.right, links.left))
    left, right = links.left[order], links.right[order]
    fresh = np.ones(len(left), np.bool_)
    fresh[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return Links(left[fresh], right[fresh])


def _send(now: _Round, links: Links, path: str) -> None:
    table = _table(upper=links.left, lower=links.right)
    scatter(table, parts_of(links.left, now.work.parts), now.work.parts, path)


def _links(table: pa.Table) -> Links:
    return Links(table.column("upper").to_numpy(), table.column("lower").to_numpy())


def _table(**columns: npt.NDArray[np.integer]) -> pa.Table:
    return pa.table(dict(columns))

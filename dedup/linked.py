"""From links between documents to rulings: clusters, who stays of each, and what is told of them.

However the links were found: what `minhash` and `simhash` share.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from textmill.dedup.clusters import Chosen, Ruled, choose, claim, largest_of, rule
from textmill.dedup.components import BYTES_A_LINK
from textmill.dedup.guard import guard_sources
from textmill.dedup.known import answer_names, ask_names
from textmill.dedup.links import send_labels
from textmill.dedup.near import Job
from textmill.dedup.sketches import Work
from textmill.dedup.stars import alternate
from textmill.pipeline.barrier import FINDINGS
from textmill.pipeline.exchange import Portion
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, write_whole


def rule_linked(
    job: Job,
    shares: Sequence[Portion],
    links: int,
    executor: Executor,
    *,
    link_bytes: int | None,
    max_removed: float | None,
) -> list[str]:
    """Join links to clusters, drop all but the best of each; returns the rulings' paths.

    links: how many there are, in the files `within` (of a portion) and `links` of the job. link_bytes: memory for
    those that one task holds, or None for what the executor allows a task; beyond, components are found over files.
    Neither changes the result. Its findings are the
    largest clusters, and how many there are of each size. Raises ExpectationError when a source loses more
    than `max_removed`.
    """
    job = _label(job, links, executor, link_bytes or executor.memory.data)
    gather(executor, claim, shares, job)
    chosen = gather(executor, choose, range(len(shares)), job)
    job = replace(job, largest=[cluster.label for cluster in largest_of(chosen)])
    if job.against is not None:
        gather(executor, ask_names, shares, job)
        gather(executor, answer_names, range(len(job.against.documents)), job)
    ruled = gather(executor, rule, shares, job)
    _describe(job, chosen, ruled)
    came, gone = (sum((getattr(some, name) for some in ruled), Counter[str]()) for name in ("came", "gone"))
    guard_sources(came, gone, max_removed)
    return [path for portion in ruled for path in portion.paths]


def _label(job: Job, links: int, executor: Executor, budget: int) -> Job:
    """Find the components of the links and tell the portions: in one task if the budget allows it."""
    items = [job.work.files("links")]
    if links * BYTES_A_LINK > budget:
        parts = max(2, -(links * BYTES_A_LINK // -budget))
        stars, _ = alternate(items[0], Work(join(job.work.folder, "stars"), parts), executor)
        items = [[path] for path in stars]
    gather(executor, send_labels, list(enumerate(items)), job)
    return replace(job, label_files=len(items))


def _describe(job: Job, chosen: Sequence[Chosen], ruled: Sequence[Ruled]) -> None:
    """Write what is found out: size, survivor, and mean similarity to it of each large cluster, and all sizes.

    `linked` documents have an estimate; those that share no band key with the survivor, but are linked to it by
    way of others, have none. Clusters that leave whole, for an index, are in neither.
    """
    entries = []
    for size, label, kept_id in largest_of(chosen):
        found = [portion.similarities[label] for portion in ruled]
        linked, total = sum(count for count, _ in found), sum(similarity for _, similarity in found)
        mean = round(total / linked, 3) if linked else None
        entries.append({"size": size, "kept_id": kept_id, "linked": linked, "mean_similarity": mean})
    sizes = sum((some.sizes for some in chosen), Counter[int]())
    rows, gone = (sum(getattr(some, name).total() for some in ruled) for name in ("came", "gone"))
    alone = rows - gone - sizes.total()
    findings: dict[str, object] = {"largest": entries, "cluster_sizes": sorted({1: alone, **sizes}.items())}
    if job.size_column is not None:
        findings["size_column"] = job.size_column
    if job.against is not None:
        known = sum(some.known for some in ruled)
        findings["index"] = {"documents": job.against.present, "removed": known}
    with write_whole(join(job.work.folder, FINDINGS)) as stream:
        stream.write(json.dumps(findings, indent=1, ensure_ascii=False).encode())

"""Near-duplicates, whatever the parts, the memory, the executor and the deaths of its workers."""

import os
import signal
from pathlib import Path

import pytest
from barriers import memory
from near_documents import crawl, distinct, in_shards, outcomes, resolve, survivors

from textmill.dedup.minhash import MinHash
from textmill.pipeline.executor import Inline, Serial


@pytest.mark.parametrize("verify", ["none", "signature", "exact"])
def test_parts_memory_and_the_order_of_shards_do_not_change_who_survives(verify):
    barrier = MinHash(ngram=3, normalize="lowercase", keep={"highest": "score"}, verify=verify, min_similarity=0.5)
    shards = in_shards(crawl(), 8)
    expected = sorted(survivors(shards, resolve(barrier, shards, memory())))
    assert 40 <= len(expected) < 60
    for limits in ({"part_bytes": 1}, {"part_bytes": 20_000}, {"part_bytes": 1, "link_bytes": 2000}):
        assert sorted(survivors(shards, resolve(barrier, shards, memory(), **limits))) == expected
    if verify == "none":  # verified links lead to the first of a band, so they do depend on the order
        shards = shards[::-1]
        assert sorted(survivors(shards, resolve(barrier, shards, memory(), part_bytes=1))) == expected


class Twice(Inline):
    """An executor that does everything twice, as after a lost answer."""

    def map(self, task, items, context):
        items = list(items)
        list(super().map(task, items, context))
        yield from super().map(task, items, context)


@pytest.mark.parametrize("executor", [Serial, Twice])
@pytest.mark.parametrize("verify", ["none", "signature", "exact"])
def test_any_executor_gives_the_same_rulings(executor, verify, tmp_path):
    barrier = MinHash(ngram=3, verify=verify)
    shards = in_shards(crawl(12), 3)
    machine = executor()
    try:
        found = resolve(barrier, shards, tmp_path, executor=machine, part_bytes=1, link_bytes=500)
    finally:
        machine.close()
    assert found == resolve(barrier, shards, memory(), part_bytes=1)


class DyingAfter(Serial):
    """Kills the worker of one task once, after it has done all its writing."""

    def __init__(self, task, flag):
        super().__init__()
        self.fatal, self.flag = task, str(flag)

    def map(self, task, items, context):
        return super().map(do_and_die, items, (task, context, self.fatal, self.flag))


def do_and_die(context, item):
    task, shared, fatal, flag = context
    value = task(shared, item)
    if shared[0].__name__ == fatal and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


@pytest.mark.parametrize("task", ["send_keys", "link_keys", "claim", "choose"])
def test_a_worker_killed_after_its_files_were_written_costs_no_document(task, tmp_path):
    shards = in_shards(distinct(400), 4)
    machine = DyingAfter(task, tmp_path / "died")
    try:
        rulings = resolve(MinHash(), shards, tmp_path, executor=machine, part_bytes=1)
    finally:
        machine.close()
    assert (tmp_path / "died").exists()
    assert outcomes(shards, rulings) == [(None, 1)] * 400

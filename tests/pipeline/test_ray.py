"""On Ray as on Serial: the same corpus for any number of workers, and after the loss of a worker or a node."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from textmill.pipeline.executor import Inline
from textmill.pipeline.progress import Silent
from textmill.pipeline.ray_executor import RayExecutor
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.run import run

pytestmark = [pytest.mark.ray, pytest.mark.slow]

PLUGIN = """
import os, signal
from pathlib import Path
from textmill import doc_filter

@doc_filter
def mortal(text: str, *, word: str, flag: str) -> str | None:
    '''Kills its process at a word, as long as a file is not there.'''
    if word in text and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "too_short" if len(text) < 6 else None
"""

RECIPE = """
name: on-ray
inputs:
  - {{source: a, read: jsonl, files: "{folder}/in-*.jsonl"}}
stages:
  - chain: base
    steps:
      - mortal:mortal: {{word: "text 13 ", flag: "{folder}/flag"}}
  - barrier: duplicates
    exact: {{keep: longest}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    for file in range(6):
        rows = [{"id": f"{file}-{i}", "text": f"text {i * file % 23} {'x' * (i % 3)}"} for i in range(40)]
        (tmp_path / f"in-{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "mortal.py").write_text(PLUGIN)
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    return load_recipe(str(tmp_path / "recipe.yaml"))


def corpus_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "data").iterdir()}


@pytest.fixture
def calm(recipe: Recipe, tmp_path: Path) -> dict[str, bytes]:
    """The corpus of an undisturbed run without Ray."""
    (tmp_path / "flag").touch()
    assert not run(recipe, str(tmp_path / "calm"), Inline()).failures
    (tmp_path / "flag").unlink()
    return corpus_of(tmp_path / "calm")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_death_of_a_worker_changes_nothing(
    recipe: Recipe, calm: dict[str, bytes], tmp_path: Path, workers: int
) -> None:
    executor = RayExecutor(workers=workers)
    try:
        result = run(recipe, str(tmp_path / "out"), executor)
    finally:
        executor.close()
    assert (tmp_path / "flag").exists()  # so a worker did die
    assert result.failures == []
    assert corpus_of(tmp_path / "out") == calm


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


class RemoveNode(Silent):
    """Takes a node away, without notice, when the first shard is done."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.node = cluster.add_node(num_cpus=1)

    def shard(self, rows_in: int, rows_out: int) -> None:
        if self.node is not None:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None


def test_the_loss_of_a_node_changes_nothing(
    recipe: Recipe, calm: dict[str, bytes], cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "flag").touch()
    remover = RemoveNode(cluster)
    executor = RayExecutor(cluster.address)
    try:
        assert executor.nodes == 2
        result = run(recipe, str(tmp_path / "out"), executor, watcher=remover)
        assert remover.node is None  # so a node is gone
    finally:
        executor.close()
    assert result.failures == []
    assert corpus_of(tmp_path / "out") == calm

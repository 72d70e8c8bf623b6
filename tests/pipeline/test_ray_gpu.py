"""Tasks get GPUs on Ray as asked for: only where a step can use one, and with an error where there is none.

Ray hands out GPUs that it is told of, whether or not they exist: a step sees by their numbers which it was given.
"""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import ray
from ray.cluster_utils import Cluster
from support import corpus_files, write_lines
from typer.testing import CliRunner

from textmill.pipeline import ray_executor
from textmill.pipeline.cascade import Cascade
from textmill.pipeline.cli import app
from textmill.pipeline.commands.options import ExecutorName, executing
from textmill.pipeline.errors import TextmillError, UsageError
from textmill.pipeline.progress import Silent
from textmill.pipeline.ray_executor import RayExecutor
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.run import run
from textmill.scorers.embedding import Embedding
from textmill.scorers.transformer import Transformer

pytestmark = [pytest.mark.ray, pytest.mark.slow]

PLUGIN = """
import pyarrow as pa
import ray
from textmill import Scorer

class Without(Scorer):
    def adds(self):
        return frozenset({"without"})

    def score(self, batch):
        return {name: pa.array([str(ray.get_gpu_ids())] * batch.num_rows) for name in self.adds()}

class With(Without):
    def adds(self):
        return frozenset({"with"})

    def uses_gpu(self):
        return True
"""


RECIPE = """
name: on-gpus
inputs:
  - {{source: a, read: text, files: "{folder}/*.txt"}}
stages:
  - {{chain: filters, steps: ["gpu_steps:Without"]}}
  - {{chain: scores, steps: ["gpu_steps:With"]}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    write_lines(tmp_path, **{name: [f"{name} {i}" for i in range(5)] for name in "ab"})
    (tmp_path / "gpu_steps.py").write_text(PLUGIN)
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    return load_recipe(str(tmp_path / "recipe.yaml"))


def seen(out: Path) -> set[tuple[str, str]]:
    tables = [pq.read_table(path) for path in corpus_files(out)]
    return {pair for t in tables for pair in zip(t["without"].to_pylist(), t["with"].to_pylist(), strict=True)}


def test_only_a_chain_that_can_use_a_gpu_gets_its_share_and_idle_ones_are_told(
    recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ray.init("local", num_cpus=2, num_gpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    assert not run(recipe, str(tmp_path / "none"), RayExecutor()).failures
    assert seen(tmp_path / "none") == {("[]", "[]")}
    assert not run(recipe, str(tmp_path / "half"), RayExecutor(gpus=0.5)).failures
    assert seen(tmp_path / "half") == {("[]", "[0]")}
    with executing(ExecutorName.RAY, None, None, wants_gpu=True):
        assert "let them with --gpus 1" in capsys.readouterr().err


def test_a_cluster_without_gpu_is_refused() -> None:
    ray.init("local", num_cpus=1, num_gpus=0, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    with pytest.raises(UsageError, match=r"--gpus 0\.25: the cluster has no GPU"):
        RayExecutor(gpus=0.25)
    assert not ray.is_initialized()


class LoseTheGpu(Silent):
    """Takes the node with the GPU away, without notice, when the first shard of the second chain is done."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.node, self.stages = cluster, cluster.add_node(num_cpus=1, num_gpus=1), 0

    def stage(self, name: str, total: int, done: int) -> None:
        self.stages += 1

    def shard(self, rows_in: int, rows_out: int) -> None:
        if self.stages == 2 and self.node is not None:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None


def test_a_run_whose_last_gpu_is_lost_stops_and_goes_on_later(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_executor, "_LOOK_SECONDS", 1.0)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": False})
    try:
        ray.init(cluster.address, logging_level="ERROR", log_to_driver=False)  # by the node that stays
        watcher = LoseTheGpu(cluster)
        executor = RayExecutor(gpus=1)
        with pytest.raises(TextmillError, match="the cluster lost its GPUs; run again when it has some"):
            run(recipe, str(tmp_path / "out"), executor, watcher=watcher)
        cluster.add_node(num_cpus=1, num_gpus=1)
        assert not run(recipe, str(tmp_path / "out"), executor).failures
        executor.close()
        with pytest.raises(UsageError, match=r"--gpus 2: the cluster has no node with more than 1; give fewer"):
            RayExecutor(cluster.address, gpus=2)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert seen(tmp_path / "out") == {("[]", "[0]")}


@pytest.mark.parametrize(
    ("gpus", "complaint"), [("1.5", "a share of one GPU, or whole GPUs"), ("1", "--gpus are for --executor ray")]
)
@pytest.mark.usefixtures("recipe")
def test_options_that_cannot_be_are_refused(tmp_path: Path, gpus: str, complaint: str) -> None:
    options = ["--executor", "serial", "--gpus", gpus, "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(app, ["run", str(tmp_path / "recipe.yaml"), *options])
    assert isinstance(told.exception, UsageError)
    assert complaint in str(told.exception)


def test_neural_networks_can_use_one_and_so_can_a_cascade_of_one() -> None:
    assert Transformer(model="m").uses_gpu()
    assert Embedding(model="m", engine="sentence-transformers").uses_gpu()
    assert not Embedding(model="m").uses_gpu()
    cheap = {"token_count": {"tokenizer": "t.json"}}
    dear = {"transformer": {"model": "m"}}
    assert Cascade.model_validate({"first": cheap, "then": dear, "low": 0.2, "high": 0.8}).uses_gpu()
    other = {"quality": {"model": "m"}}
    assert not Cascade.model_validate({"first": cheap, "then": other, "low": 0.2, "high": 0.8}).uses_gpu()

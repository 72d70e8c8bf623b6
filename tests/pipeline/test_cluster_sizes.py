"""The rate at which later steps remove survivors, by the size of the cluster that they are from."""

import pytest
from support import recipe_of, write_lines

from textmill.pipeline.errors import UsageError
from textmill.pipeline.executor import Inline
from textmill.pipeline.reports.cluster_sizes import judged_by_cluster_size
from textmill.pipeline.run import run


def texts(name, count):
    """Documents with no shingle in common, of 20 words, or of 30 where the name ends in l."""
    letters = "abcdefghijklmnopqrst" * 2
    return [
        " ".join(
            f"{name}{'x' * n}{letter * 2}{'y' * (i // 20)}"
            for i, letter in enumerate(letters[: 20 + 10 * name.endswith("l")])
        )
        for n in range(count)
    ]


def test_rates_are_of_the_documents_that_survived(tmp_path):
    """Of five alone two are long, of three in pairs one, of two in threes none; the long ones leave."""
    single = [*texts("a", 3), *texts("al", 2)]
    pairs = [*texts("b", 2), *texts("bl", 1)]
    threes = texts("c", 2)
    write_lines(tmp_path, one=[*single, *pairs, *threes], two=[*threes, *pairs], three=threes)
    near = {"barrier": "near", "minhash": {"ngram": 3}}
    short = {"chain": "short", "steps": [{"length": {"max_words": 25}}]}
    out = str(tmp_path / "out")
    run(recipe_of(tmp_path, near, short), out, Inline())
    judged = judged_by_cluster_size(out)
    assert (judged.kept, judged.removed) == ({1: 3, 2: 2, 3: 2}, {1: 2, 2: 1})
    assert judged_by_cluster_size(out, "near") == judged
    with pytest.raises(UsageError, match=r"no barrier 'nera' with a size_column; did you mean 'near'\?.*are: near"):
        judged_by_cluster_size(out, "nera")


def test_a_run_without_sizes_says_so(tmp_path):
    write_lines(tmp_path, one=texts("a", 2))
    run(recipe_of(tmp_path, {"barrier": "same", "exact": {}}), str(tmp_path / "out"), Inline())
    with pytest.raises(UsageError, match="no barrier of the run has a size_column"):
        judged_by_cluster_size(str(tmp_path / "out"))

"""`sample_by` and `pareto_keep`: keep documents by chance, the better the likelier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.chance import draw, uniform
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.step import Filter
from textmill.pipeline.verdict import Verdict
from textmill.scorers.ranking import Floats, Ints, Keys, Rank, read_rows
from textmill.scorers.selection import SelectBest


class SampleBy(SelectBest):
    """Sample documents without replacement with odds of exp(score / temperature): Gumbel top-k.

    As in QuRating (Wettig et al., arXiv 2402.09739, section 4; temperature 2, standardized) and DSIR (Xie et al.,
    arXiv 2302.03169; temperature 1 on log weights). Vieira 2014: the k largest of score / temperature + Gumbel noise
    are such a sample. Infinite temperature is a random sample, temperature near 0 `keep_top`.
    """

    temperature: float = Field(1.0, gt=0, description="in units of the score, or of its deviation if standardized")
    standardize: bool = Field(False, description="divide scores by the standard deviation of their group first")
    seed: int = Field(0, description="another seed draws another sample")

    @property
    def reason(self) -> str:
        """`not_sampled`."""
        return "not_sampled"

    def rank(self, sketches: Sequence[str], executor: Executor) -> Rank:
        """By score and noise."""
        scales = _deviations(sketches, executor) if self.standardize else {}
        return GumbelRank(self.temperature, self.seed, scales)


@dataclass(frozen=True)
class GumbelRank:
    """Ranks by score / (temperature · scale of the group) + Gumbel(0, 1), drawn from the id.

    Rounded to 9 decimals, so that two machines whose logarithms differ in the last bit agree.
    """

    temperature: float
    seed: int
    scales: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, score: Floats, draws: Keys, groups: list[str], group: Ints) -> Floats:
        """What each document is ranked by."""
        scale = np.array([self.scales.get(name, 1.0) for name in groups], np.float64)[group]
        mixed = (draws ^ np.uint64(self.seed * 0x9E3779B97F4A7C15 & (2**64 - 1))) * np.uint64(0xBF58476D1CE4E5B9)
        noise = -np.log(-np.log(uniform(mixed ^ (mixed >> np.uint64(31)))))
        return np.round(score / (self.temperature * scale) + noise, 9)


class _Moments(NamedTuple):
    rows: int
    total: float
    squares: float


def _deviations(sketches: Sequence[str], executor: Executor) -> dict[str, float]:
    """The standard deviation of each group's scores, to six digits, so that it does not depend on the shards."""
    sums: dict[str, _Moments] = {}
    for part in gather(executor, _moments, sketches, None):
        for group, found in part.items():
            sums[group] = _Moments(*map(sum, zip(sums.get(group, _Moments(0, 0, 0)), found, strict=True)))  # type: ignore[arg-type]
    scales = {}
    for group, (count, total, squares) in sums.items():
        variance = max(squares / count - (total / count) ** 2, 0.0)
        scales[group] = float(f"{sqrt(variance):.6g}") or 1.0
    return scales


def _moments(_: None, path: str) -> dict[str, _Moments]:
    rows = read_rows(path, None)
    n = len(rows.groups)
    sums = [np.bincount(rows.group, values, n).tolist() for values in (rows.score * 0 + 1, rows.score, rows.score**2)]
    return {group: _Moments(int(c), t, s) for group, c, t, s in zip(rows.groups, *sums, strict=True)}


class ParetoKeep(Filter):
    """Keep a document with probability (2 - score)^-alpha: nearly all good ones, and some of every score.

    Source: Brown et al., Language Models are Few-Shot Learners (arXiv 2005.14165), appendix A: keep if
    pareto(alpha) > 1 - score, alpha = 9. The chance is drawn from the id.
    """

    column: str = Field(description="score from 0 (bad) to 1 (good); beyond these it counts as 0 or 1")
    alpha: float = Field(9.0, gt=0, description="larger keeps fewer of low score; The Pile uses 3")
    seed: int = Field(0, description="another seed draws others")

    def reads(self) -> frozenset[str]:
        """The score."""
        return frozenset({self.column})

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`not_drawn`, with the score; `missing_COLUMN` where there is none."""
        column = pc.cast(batch.column(self.column), pa.float64())
        score = column.to_numpy(zero_copy_only=False)
        chance = keep_probability(score, self.alpha)
        drawn = uniform(draw(batch.column(schema.ID), "pareto", self.seed)) < np.nan_to_num(chance)
        verdict = Verdict.of(batch).drop(f"missing_{self.column}", np.isnan(score))
        return verdict.drop("not_drawn", ~drawn, value=score)


def keep_probability(score: Floats, alpha: float) -> Floats:
    """P(keep | score); NaN where the score is."""
    return np.asarray((2 - np.clip(score, 0, 1)) ** -alpha)

"""`combine`: one score out of several: a weighted sum of z-scores, or the best or mean of their ranks."""

import math
from typing import Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline.errors import ModelError, did_you_mean
from textmill.pipeline.models import model_path
from textmill.pipeline.proxy_runs import Floats
from textmill.pipeline.step import Scorer
from textmill.scorers.score_statistics import Statistics, finite, load_fitted


class Combine(Scorer):
    """Add one score made of others, on the scale of the statistics of a file that `textmill fit-weights` wrote.

    weighted: the sum of weight times (score - mean) / deviation, as in Meta-rater (Zhuang et al., arXiv 2504.14194).
    max and mean: each score becomes its rank among equal levels, 0 to levels - 1, of which the best or the weighted
    mean is taken, as ensembles of classifiers do (Nemotron-CC, Su et al., arXiv 2412.02595: 20 levels, the maximum).
    """

    statistics: str = Field(description="path or URL of the file")
    method: Literal["weighted", "max", "mean"] = Field("weighted", description="weighted z-scores, or ranks")
    weights: dict[str, float] = Field(
        {}, description="by column, negative where low is good; none: those of the file, or for ranks 1 for each column"
    )
    column: str = Field("combined", min_length=1, description="name of the new column")
    levels: Literal[5, 10, 20, 50, 100] = Field(
        20, description="of ranks, equally many documents of the sample in each"
    )
    missing: Literal["null", "skip"] = Field(
        "null", description="what a score that is null makes of the result: null, or as if it was not asked for"
    )

    @model_validator(mode="after")
    def _weights_that_weigh(self) -> Self:
        for name, weight in self.weights.items():
            if not math.isfinite(weight) or weight == 0:
                raise ValueError(f"the weight of {name} is {weight:g}; leave the column out instead")
        return self

    def reads(self) -> frozenset[str]:
        """The scores. Raises ModelError where only the file could tell them and it cannot be read."""
        return frozenset(self._weights())

    def adds(self) -> frozenset[str]:
        """The score."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The file."""
        return (model_path(self.statistics),)

    def prepare(self) -> None:
        """Read the file. Raises ModelError for a bad one, and for a column that is not in it."""
        known = load_fitted(self.statistics).columns
        for name in self._weights():
            if name not in known:
                listed = ", ".join(known)
                hint = did_you_mean(name, known)
                raise ModelError(f"{self.statistics}: it has no statistics of {name!r}{hint} (it has: {listed})")

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One column: float32, null where `missing` says so, and for a document without any of the scores."""
        weights = self._weights()
        known = load_fitted(self.statistics).columns
        place = _z_scores if self.method == "weighted" else self._ranks
        parts = np.column_stack(
            [place(finite(batch.column(name), name), known[name], weight) for name, weight in weights.items()]
        )
        absent = np.isnan(parts)
        size = np.abs(np.array(list(weights.values())))
        filled = np.where(absent, 0.0, parts)
        if self.method == "weighted":
            combined = filled.sum(axis=1)
        elif self.method == "max":
            combined = filled.max(axis=1, initial=0)
        else:
            combined = filled @ size / np.maximum((~absent) @ size, np.finfo(np.float64).tiny)
        unknown = absent.any(axis=1) if self.missing == "null" else absent.all(axis=1)
        return {self.column: pa.array(combined.astype(np.float32), mask=unknown)}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that have no score."""
        return {"without_score": batch.column(self.column).null_count}

    def _weights(self) -> dict[str, float]:
        """By column, in an order that does not depend on who wrote them down."""
        if self.weights:
            return dict(sorted(self.weights.items()))
        fitted = load_fitted(self.statistics)
        found = {name: weight for name, weight in fitted.weights.items() if weight}
        if not found and self.method == "weighted":
            raise ModelError(f"{self.statistics}: it holds no weights; give `weights`, or fit them to --runs")
        return dict(sorted(found.items())) or dict.fromkeys(sorted(fitted.kept), 1.0)

    def _ranks(self, values: Floats, of: Statistics, weight: float) -> Floats:
        """The level of each value: how many bounds between levels it reaches, from the good end."""
        step = 100 // self.levels
        bounds = of.percentiles[step - 1 :: step]
        low = np.searchsorted(bounds, values, "right" if weight > 0 else "left")
        return np.where(np.isnan(values), np.nan, low if weight > 0 else len(bounds) - low)


def _z_scores(values: Floats, of: Statistics, weight: float) -> Floats:
    return np.asarray((values - of.mean) / of.deviation * weight)

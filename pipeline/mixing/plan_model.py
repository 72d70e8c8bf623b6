"""The plan of a mixture as plain data: for each phase and group its share, tokens, epochs, and what they are worth."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from textmill.pipeline.mixing.cells import Floats, Group, Ints, coarse, label_of
from textmill.pipeline.mixing.curves import Curve


class GroupPlan(BaseModel):
    """A group in a phase.

    unique_tokens: what it has. epochs: tokens / unique_tokens in this phase; epochs_so_far: in it and those before.
    effective_tokens: what the tokens are worth as new ones, after what earlier phases used. edges, rates, unknown:
    how often each document is used, as `curves.Curve`.
    """

    model_config = ConfigDict(frozen=True)
    group: Group
    documents: int
    unique_tokens: int
    share: float = 0.0
    tokens: float
    epochs: float
    epochs_so_far: float
    effective_tokens: float
    edges: tuple[float, ...] = ()
    rates: tuple[float, ...] = (0.0,)
    unknown: float = 0.0

    @property
    def label(self) -> str:
        """The group as recipes write it."""
        return label_of(self.group)

    def at(self, values: Floats) -> Floats:
        """How often documents with these scores are used on average; NaN for no score."""
        return Curve(np.array(self.edges), np.array(self.rates), self.unknown).at(coarse(values))


class PhasePlan(BaseModel):
    """A phase. `variant_of`: the phase that it may stand for, without `left_out`, or none."""

    model_config = ConfigDict(frozen=True)
    name: str
    budget_tokens: float
    groups: tuple[GroupPlan, ...]
    variant_of: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def effective_tokens(self) -> float:
        """Sum over the groups."""
        return sum(group.effective_tokens for group in self.groups)


class Plan(BaseModel):
    """All phases in order, each followed by its variants. Groups are the same in each, and in the same order."""

    model_config = ConfigDict(frozen=True)
    by: tuple[str, ...]
    value_column: str | None
    phases: tuple[PhasePlan, ...]
    warnings: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """Keys, ascending."""
        return tuple(group.group for group in self.phases[0].groups)

    def before(self, name: str) -> list[str]:
        """Names of the phases that come before a phase or variant; variants come before nothing."""
        target = next(phase for phase in self.phases if phase.name == name)
        mains = [phase.name for phase in self.phases if phase.variant_of is None]
        return mains[: mains.index(target.variant_of or target.name)]

    def rates(self, name: str, groups: Ints, values: Floats | None = None) -> Floats:
        """How often each document is used in a phase on average.

        groups: for each document the number of its key in `self.groups`. values: its score in `value_column`, NaN
        without one; needed only where there is such a column.
        """
        phase = next(phase for phase in self.phases if phase.name == name)
        scores = np.full(len(groups), np.nan) if values is None else values
        rates = np.zeros(len(groups))
        if self.value_column is None:
            return np.array([group.unknown for group in phase.groups])[groups] if len(groups) else rates
        for number in np.unique(groups).tolist():
            rows = groups == number
            rates[rows] = phase.groups[number].at(scores[rows])
        return rates

"""What is wrong with a mixture that its caps do not allow, or worth a warning, in words with all the numbers."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, NoReturn

import numpy as np

from textmill.pipeline.arrow import Bools
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.mixing.cells import Floats, Ints
from textmill.pipeline.mixing.plan_model import PhasePlan
from textmill.pipeline.mixing.repetition import REPEAT_HALF, WARN_EPOCHS

SLACK: Final = 1 + 1e-9
"""What rounding may make of a number that is at its cap."""
_MOST: Final = 12
"""Groups named in a message."""


class Stock(NamedTuple):
    """What there is of each group. unique: its tokens. natural: those it gives when nothing else is asked.

    room: the most that caps, curves and earlier phases leave it. taking: whether it takes part in the phase.
    """

    labels: Sequence[str]
    unique: Floats
    natural: Floats
    room: Floats
    taking: Bools


def written(tokens: float) -> str:
    """``1.23B``, ``500M``, ``950``: tokens as recipes write them."""
    for power, prefix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if tokens >= power * 0.9995:
            return f"{tokens / power:.4g}{prefix}"
    return f"{tokens:.4g}"


def check_budget(phase: str, budget: float, labels: Sequence[str], unique: Floats, room: Floats) -> None:
    """Raise RecipeError for a budget larger than the caps of all groups together allow."""
    if budget > room.sum() * SLACK:
        order = np.argsort(-unique, kind="stable")[:_MOST].tolist()
        parts = ", ".join(f"{labels[n]} {written(room[n])} (has {written(unique[n])})" for n in order)
        more = f", and {len(labels) - _MOST} other groups" if len(labels) > _MOST else ""
        raise RecipeError(
            f"phase {phase}: a budget of {written(budget)} tokens is more than the {written(room.sum())} that caps and "
            f"earlier phases leave: {parts}{more}; lower the budget, raise max_epochs, or add data"
        )


def refuse_over_caps(phase: str, budget: float, shares: Floats, over: Ints, stock: Stock) -> NoReturn:
    """Raise RecipeError that names every group above its cap, and the largest budget that these shares allow."""
    some = shares > 0
    largest = float((stock.room[some] / shares[some]).min())
    problems = [
        f"phase {phase}: {stock.labels[n]} is to give {written(shares[n] * budget)} tokens ({shares[n]:.2%} of "
        f"{written(budget)}), but caps and earlier phases leave {written(stock.room[n])} (it has "
        f"{written(stock.unique[n])})"
        for n in over[:_MOST].tolist()
    ]
    advice = (
        f"phase {phase}: these shares allow a budget of at most {written(largest)} tokens; lower it, raise max_epochs, "
        "or set over_cap: redistribute"
    )
    raise RecipeError([*problems, advice])


def check_takers(phase: str, budget: float, shares: Floats, stock: Stock) -> None:
    """Raise RecipeError when the groups that have a share cannot give the budget even at their caps."""
    takers = stock.room[shares > 0].sum()
    if budget > takers * SLACK:
        names = ", ".join(label for label, share in zip(stock.labels, shares, strict=True) if share > 0)
        raise RecipeError(
            f"phase {phase}: the groups with a share ({names}) may give {written(takers)} tokens at their caps, "
            f"not {written(budget)}"
        )


def warnings(phases: Sequence[PhasePlan], column: str | None) -> Iterator[str]:
    """What a plan does that its author should know."""
    for phase in phases:
        for group in phase.groups:
            highest = max([*group.rates, group.unknown]) if group.edges else group.epochs
            if group.epochs_so_far > WARN_EPOCHS * SLACK and group.tokens:
                worth = f"{group.effective_tokens / group.tokens:.0%} of new ones (R* = {REPEAT_HALF:.2f})"
                yield (
                    f"phase {phase.name}: {group.label} is used {group.epochs_so_far:.3g} times so far, above "
                    f"{WARN_EPOCHS}; its {written(group.tokens)} tokens are worth {worth}"
                )
            elif highest > WARN_EPOCHS * SLACK:
                yield (
                    f"phase {phase.name}: some documents of {group.label} are used {highest:.3g} times by {column}, "
                    f"above {WARN_EPOCHS}"
                )

"""What several budgets would mean for a mixture: tokens, epochs, their worth, the loss to expect; and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.mixing.cells import Cells
from textmill.pipeline.mixing.mixture import Mixture
from textmill.pipeline.mixing.plan import make_plan
from textmill.pipeline.mixing.plan_checks import written
from textmill.pipeline.mixing.plan_model import Plan
from textmill.pipeline.mixing.repetition import loss_of

TOKENS_A_PARAMETER: Final = 20
"""Of a compute-optimal model, if its size is not given (Hoffmann et al., arXiv 2203.15556)."""
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 320, 70, 20


@dataclass(frozen=True)
class Outlook:
    """What a budget means; `problem` says why it cannot be, and then there is no plan."""

    budget: int
    parameters: float
    plan: Plan | None = None
    unique: float = 0.0
    effective: float = 0.0
    loss: float | None = None
    problem: str = ""

    def told(self) -> dict[str, Any]:
        """Its numbers, without the plan, as JSON."""
        return {
            "budget_tokens": self.budget,
            "parameters": self.parameters,
            "unique_tokens": self.unique,
            "effective_tokens": self.effective,
            "predicted_loss": self.loss,
            "problem": self.problem,
        }


def outlook(mixture: Mixture, cells: Cells, budget: int, parameters: float | None = None) -> Outlook:
    """Plan a budget; phases with tokens of their own are scaled with it."""
    size = parameters or budget / TOKENS_A_PARAMETER
    try:
        plan = make_plan(with_budget(mixture, budget), cells)
    except RecipeError as error:
        return Outlook(budget, size, problem=str(error))
    mains = [phase for phase in plan.phases if phase.variant_of is None]
    effective = sum(phase.effective_tokens for phase in mains)
    used = [sum(phase.groups[number].tokens for phase in mains) for number in range(len(plan.groups))]
    have = [group.unique_tokens for group in mains[0].groups]
    unique = float(np.minimum(used, have).sum())
    return Outlook(budget, size, plan, unique, effective, loss_of(size, effective, unique))


def with_budget(mixture: Mixture, budget: int) -> Mixture:
    """The mixture with another budget, of which each phase has the share that it had."""
    fixed = [phase.budget_tokens for phase in mixture.phases]
    if not any(fixed):
        return mixture.model_copy(update={"budget_tokens": budget})
    total = mixture.budget_tokens or sum(tokens or 0 for tokens in fixed)
    shares = [
        phase.share if tokens is None else tokens / total for phase, tokens in zip(mixture.phases, fixed, strict=True)
    ]
    phases = tuple(
        phase.model_copy(update={"budget_tokens": None, "share": share})
        for phase, share in zip(mixture.phases, shares, strict=True)
    )
    return mixture.model_copy(update={"budget_tokens": budget, "phases": phases})


def plot(outlooks: Sequence[Outlook]) -> str:
    """Effective tokens against the budget as SVG, beside the line of tokens that are all new."""
    points = [one for one in outlooks if not one.problem]
    if not points:
        return ""
    low = min(min(one.effective, float(one.budget)) for one in points) * 0.8
    high = max(float(one.budget) for one in points) * 1.25
    span = np.log(high / low)

    def place(x: float, y: float) -> tuple[float, float]:
        right, up = np.log(np.array([x, y]) / low) / span
        return round(_LEFT + right * (_WIDTH - _LEFT - 20), 1), round(_HEIGHT - 40 - up * (_HEIGHT - _TOP - 40), 1)

    (x1, y1), (x2, y2) = place(low, low), place(high, high)
    dots = [(one, *place(one.budget, one.effective)) for one in points]
    path = " ".join(f"{x},{y}" for _, x, y in dots)
    marks = "".join(
        f'<circle cx="{x}" cy="{y}" r="4" fill="#1f5f9f"><title>{escape(_caption(one))}</title></circle>'
        f'<text x="{x}" y="{_HEIGHT - 22}" text-anchor="middle">{written(one.budget)}</text>'
        f'<text x="{x + 6}" y="{y + 16}">{written(one.effective)}</text>'
        for one, x, y in dots
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="11">'
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#999" stroke-dasharray="4 3"/>'
        f'<polyline points="{path}" fill="none" stroke="#1f5f9f" stroke-width="2"/>{marks}'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 5}" text-anchor="middle">budget, tokens (logarithmic)</text>'
        f'<text x="12" y="{_HEIGHT / 2}" transform="rotate(-90 12 {_HEIGHT / 2})" text-anchor="middle">'
        "worth in new tokens</text>"
        "</svg>\n"
    )


def _caption(one: Outlook) -> str:
    return f"{written(one.budget)} tokens are worth {written(one.effective)}; predicted loss {one.loss:.4f}"

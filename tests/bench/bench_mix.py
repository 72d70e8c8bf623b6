"""How fast a mixture of ten million documents is planned: counting them by group and score, planning, their rates."""

import resource
import time

import numpy as np

from textmill.pipeline.mixing.cells import Cells, count_cells, merge_cells
from textmill.pipeline.mixing.mixture import Mixture
from textmill.pipeline.mixing.plan import make_plan

SHARDS = 20
GROUPS = [(source, language) for source in "abcdefghij" for language in ("de", "en", "fr", "ja", "zh")]


def main(documents: int = 10_000_000) -> None:
    """Plan two phases, of the best documents of each of 50 groups by a quality curve, with caps."""
    random = np.random.default_rng(0)
    codes = random.integers(0, len(GROUPS), documents)
    tokens = random.lognormal(6, 1, documents).astype(np.int64) + 1
    quality = random.beta(2, 5, documents)
    start = time.process_time()
    parts = np.array_split(np.arange(documents), SHARDS)
    cells = merge_cells([_count(codes[part], tokens[part], quality[part]) for part in parts])
    counted = time.process_time()
    mixture = Mixture(
        by=("source", "language"),
        weights={"kind": "temperature", "alpha": 0.5},
        within={"kind": "quality_curve"},
        budget_tokens=int(tokens.sum()),
        phases=[{"name": "stable", "share": 0.85}, {"name": "anneal", "share": 0.15, "leave_one_out": "source"}],
    )
    plan = make_plan(mixture, cells)
    planned = time.process_time()
    rates = plan.rates("stable", codes, quality)
    rated = time.process_time()
    target = plan.phases[0].budget_tokens
    print(f"{documents:,} documents, {len(GROUPS)} groups, {len(cells.value):,} cells, {len(plan.phases)} phases")
    print(f"CPU seconds: counting {counted - start:.2f}, planning {planned - counted:.2f}, rates {rated - planned:.2f}")
    print(f"expected tokens of a phase / its budget: {float(rates @ tokens) / target:.9f}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _count(codes: np.ndarray, tokens: np.ndarray, quality: np.ndarray) -> Cells:
    return count_cells(["source", "language"], GROUPS, codes, tokens, quality)


if __name__ == "__main__":
    main()

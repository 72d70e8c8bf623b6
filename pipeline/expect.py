"""Stop a run rather than ship it when a share is implausible: ``expect: {kept: [0.05, 0.6]}``."""

from collections import Counter
from collections.abc import Mapping

from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.ledger import Ledger

MIN_ROWS = 1000
"""A source with fewer documents is not judged on its own: its shares say little."""


def check_expectations(expect: Mapping[str, tuple[float, float]], books: Mapping[str, Ledger]) -> None:
    """Compare shares of documents with the bounds of a recipe, over all and by source.

    ``kept`` is the share of what was read that the last chain kept; a stage's name, or
    ``stage.step``, the share of the documents reaching it that it drops; nothing is asked of what no
    document reached. Raises ExpectationError with every violation.
    """
    problems = []
    for key, (low, high) in expect.items():
        for who, share in _shares(key, books).items():
            if not low <= share <= high:
                problems.append(f"{key} is {share:.4f}{who}, expected between {low:g} and {high:g}")
    if problems:
        raise ExpectationError("implausible, so no corpus was written:\n" + "\n".join(problems))


def _shares(key: str, books: Mapping[str, Ledger]) -> dict[str, float]:
    """The share that a key names: over all (""), and for each source (" for source 'web'")."""
    if key == "kept":
        first, last = next(iter(books.values())), list(books.values())[-1]
        came, counted = _arrived(first), _by_source(last.kept_rows)
    else:
        stage, _, step = key.partition(".")
        ledger = books[stage]
        drops = Counter({g: n for g, n in ledger.dropped_rows.items() if not step or g[0] == step})
        came, counted = _reached(ledger, step), _by_source(drops)
    shares = {"": counted.total() / max(came.total(), 1)} if came.total() or key == "kept" else {}
    for source, rows in came.items():
        if len(came) > 1 and rows >= MIN_ROWS:
            shares[f" for source {source!r}"] = counted[source] / rows
    return shares


def _by_source(groups: Mapping[tuple[str, ...], int]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for group, rows in groups.items():
        totals[group[-2]] += rows
    return totals


def _arrived(ledger: Ledger) -> Counter[str]:
    return _by_source(ledger.kept_rows) + _by_source(ledger.dropped_rows)


def _reached(ledger: Ledger, step: str) -> Counter[str]:
    """Documents that came to a step, by source: all that came, less what earlier steps dropped."""
    came = _arrived(ledger)
    for label in ledger.steps:
        if label == step or not step:
            break
        came -= _by_source({g: n for g, n in ledger.dropped_rows.items() if g[0] == label})
    return came

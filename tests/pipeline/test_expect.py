"""What a recipe expects is compared with the books, over all and by source; every violation is told."""

import pyarrow as pa
import pytest

from textmill import batch_of
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.expect import MIN_ROWS, check_expectations
from textmill.pipeline.ledger import Ledger


def books(**fates: dict[str, int]) -> Ledger:
    """Books from ``source={"keep": 5, "step:reason": 3}``."""
    ledger = Ledger()
    ledger.step("first")
    ledger.step("second")
    for source, fate in fates.items():
        for what, rows in fate.items():
            batch = batch_of({"id": ["x"] * rows, "text": pa.nulls(rows, pa.string()), "source": [source] * rows})
            ledger.rows_in += rows
            if what == "keep":
                ledger.keep(batch)
            else:
                ledger.drop(what, "reason", batch)
    return ledger


BASE = books(web={"first": 50, "second": 25, "keep": 25})
AFTER = books(web={"first": 5, "keep": 20})


@pytest.mark.parametrize(
    ("key", "share"),
    [("kept", 0.20), ("base", 0.75), ("base.first", 0.50), ("base.second", 0.50), ("after", 0.20)],
)
def test_shares_are_of_what_reached_the_stage_or_step(key: str, share: float) -> None:
    everything = {"base": BASE, "after": AFTER}
    check_expectations({key: (share, share)}, everything)
    for bounds in ((0.0, share - 0.01), (share + 0.01, 1.0)):
        with pytest.raises(ExpectationError, match=f"{key} is {share:.4f}, expected between"):
            check_expectations({key: bounds}, everything)


def test_every_violation_is_told() -> None:
    with pytest.raises(ExpectationError) as caught:
        check_expectations({"kept": (0.5, 1), "base.first": (0, 0.1), "base": (0, 1)}, {"base": BASE})
    assert str(caught.value).splitlines() == [
        "implausible, so no corpus was written:",
        "kept is 0.2500, expected between 0.5 and 1",
        "base.first is 0.5000, expected between 0 and 0.1",
    ]


def test_a_source_is_judged_on_its_own_when_it_is_large_enough() -> None:
    large = {"keep": MIN_ROWS // 2, "first": MIN_ROWS - MIN_ROWS // 2}
    mixed = books(web={"keep": 3 * MIN_ROWS}, books={"first": MIN_ROWS}, notes={"first": MIN_ROWS - 1}, wiki=large)
    with pytest.raises(ExpectationError) as caught:
        check_expectations({"kept": (0.1, 0.9)}, {"base": mixed})
    assert str(caught.value).splitlines()[1:] == [
        "kept is 1.0000 for source 'web', expected between 0.1 and 0.9",
        "kept is 0.0000 for source 'books', expected between 0.1 and 0.9",
    ]


def test_where_nothing_was_read_nothing_was_kept() -> None:
    check_expectations({"base": (0, 0.5), "base.first": (0.5, 1), "kept": (0, 1)}, {"base": Ledger()})
    with pytest.raises(ExpectationError, match=r"kept is 0\.0000, expected between 0\.05 and 1"):
        check_expectations({"kept": (0.05, 1)}, {"base": Ledger()})

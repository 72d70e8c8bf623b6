"""Plans of mixtures: budgets met, caps kept, phases accounted together, and errors that name the numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.mixing.cells import Cells, count_cells
from textmill.pipeline.mixing.mixture import Mixture
from textmill.pipeline.mixing.plan import make_plan
from textmill.pipeline.mixing.plan_model import GroupPlan, Plan

SIZES = {"large": 10**12, "middle": 10**11, "small": 10**9}


def cells_of(sizes: dict[str, int]) -> Cells:
    return count_cells(["source"], [(name,) for name in sizes], range(len(sizes)), list(sizes.values()))


def planned(sizes: dict[str, int] = SIZES, **settings_: Any) -> dict[str, GroupPlan]:
    (phase,) = make_plan(Mixture(**settings_), cells_of(sizes)).phases
    return {group.label: group for group in phase.groups}


def tokens(plan: dict[str, GroupPlan]) -> dict[str, float]:
    return {name: round(group.tokens / 1e9, 1) for name, group in plan.items()}


def refused(sizes: dict[str, int] = SIZES, **settings_: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        planned(sizes, **settings_)
    return str(caught.value)


def test_unimax_of_the_reference() -> None:
    one = planned(weights={"kind": "unimax"}, budget_tokens="1T", max_epochs=1)
    assert tokens(one) == {"large": 899.0, "middle": 100.0, "small": 1.0}
    four = planned(weights={"kind": "unimax"}, budget_tokens="1T", max_epochs=4)
    assert tokens(four) == {"large": 596.0, "middle": 400.0, "small": 4.0}
    assert four["small"].effective_tokens == pytest.approx(3.7257e9, rel=1e-4)


def test_temperature_of_the_reference() -> None:
    plan = planned(weights={"kind": "temperature", "alpha": 0.3}, budget_tokens="1T", max_epochs=100)
    assert [round(group.share, 4) for group in plan.values()] == [0.6146, 0.3080, 0.0774]
    assert [round(group.epochs, 2) for group in plan.values()] == [0.61, 3.08, 77.37]


def test_without_budget_everything_once() -> None:
    plan = planned()
    assert [group.epochs for group in plan.values()] == [1, 1, 1]
    assert {name: group.tokens for name, group in plan.items()} == SIZES


def test_entropy_weights() -> None:
    bits = {"large": 8.0, "middle": 4.0, "small": 4.0}
    plan = planned(weights={"kind": "entropy", "entropies": bits}, budget_tokens="1G")
    assert [group.share for group in plan.values()] == [0.5, 0.25, 0.25]
    squared = planned(weights={"kind": "entropy", "entropies": bits, "gamma": 2}, budget_tokens="1G")
    assert [group.share for group in squared.values()] == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert "no entropy for small" in refused(weights={"kind": "entropy", "entropies": {"large": 1, "middle": 2}})


def test_what_is_above_a_cap_goes_to_the_others_in_proportion() -> None:
    shares = {"large": 0.5, "middle": 0.3, "small": 0.2}
    weights = {"kind": "explicit", "shares": shares}
    plan = planned(weights=weights, budget_tokens="100B", over_cap="redistribute")
    assert plan["small"].tokens == 4e9
    assert plan["large"].tokens == pytest.approx(96e9 * 5 / 8)
    message = refused(weights=weights, budget_tokens="100B")
    assert "small is to give 20B tokens (20.00% of 100B)" in message
    assert "leave 4B (it has 1B)" in message
    assert "at most 20B" in message


def test_errors_name_the_numbers() -> None:
    assert "10T tokens is more than the 4.404T" in refused(budget_tokens="10T")
    explicit = {"kind": "explicit", "shares": {"large": 0.4, "midle": 0.4, "small": 0.2}}
    message = refused(weights=explicit)
    assert "no share for middle (100,000,000,000 tokens); did you mean 'midle'?" in message
    assert "midle has share 0.4, but no documents; did you mean 'middle'?" in message
    empty = {"kind": "explicit", "shares": {"web": 0.5, "books": 0.5}}
    assert "books has share 0.5, but no tokens" in refused({"web": 10, "books": 0}, weights=empty)
    assert "nothing to mix: 1 documents without a token" in refused({"web": 0})
    assert "no group 'smal'; did you mean 'small'?" in refused(max_epochs={"smal": 3})


def test_a_share_of_zero_leaves_a_group_out() -> None:
    weights = {"kind": "explicit", "shares": {"large": 1, "middle": 0, "small": 0, "absent": 0}}
    plan = planned(weights=weights, budget_tokens="1B")
    assert tokens(plan) == {"large": 1.0, "middle": 0.0, "small": 0.0}


def test_caps_by_group() -> None:
    plan = planned(weights={"kind": "unimax"}, budget_tokens="1T", max_epochs={"small": 10, "default": 1})
    assert tokens(plan) == {"large": 890.0, "middle": 100.0, "small": 10.0}


TWO_PHASES = [
    {"name": "stable", "share": 0.8},
    {"name": "anneal", "share": 0.2, "weights": {"kind": "explicit", "shares": {"large": 0.5, "small": 0.5}}},
]


def test_phases_are_accounted_together() -> None:
    sizes = {"large": 10**6, "small": 10**5}
    plan = make_plan(Mixture(budget_tokens=10**6, phases=TWO_PHASES), cells_of(sizes))
    stable, anneal = plan.phases
    assert [group.tokens for group in anneal.groups] == [100_000, 100_000]
    assert anneal.groups[1].epochs_so_far == pytest.approx(stable.groups[1].epochs + 1)
    both = stable.groups[1].effective_tokens + anneal.groups[1].effective_tokens
    assert both < stable.groups[1].tokens + 100_000
    assert plan.before("anneal") == ["stable"]
    with pytest.raises(RecipeError, match=r"phase anneal: small is to give 100k .* leave 27\.27k"):
        make_plan(Mixture(budget_tokens=10**6, phases=TWO_PHASES, max_epochs=1), cells_of(sizes))


def test_a_variant_for_each_source_left_out() -> None:
    phases = [{"name": "stable", "share": 0.9}, {"name": "anneal", "share": 0.1, "leave_one_out": "source"}]
    sizes = {"a b": 10**6, "c": 10**6, "d": 10**6}
    plan = make_plan(Mixture(budget_tokens=10**6, phases=phases), cells_of(sizes))
    names = ["stable", "anneal", "anneal-without-a_b", "anneal-without-c", "anneal-without-d"]
    assert [phase.name for phase in plan.phases] == names
    for phase in plan.phases[2:]:
        assert phase.variant_of == "anneal"
        assert plan.before(phase.name) == ["stable"]
        assert sorted(group.tokens for group in phase.groups) == pytest.approx([0, 50_000, 50_000])
        (out,) = [group.label for group in phase.groups if not group.tokens]
        assert phase.left_out == (out,)


def test_leaving_out() -> None:
    phases = [{"name": "one", "leave_out": ["small"]}]
    assert tokens(planned(phases=phases)) == {"large": 1000.0, "middle": 100.0, "small": 0.0}
    assert "did you mean 'small'" in refused(phases=[{"name": "one", "leave_out": ["smal"]}])
    assert "no group is left" in refused(phases=[{"name": "one", "leave_out": list(SIZES)}])


def test_warnings_from_the_fifth_epoch_on() -> None:
    mixture = Mixture(budget_tokens=5000, max_epochs=5)
    (warning,) = make_plan(mixture, cells_of({"web": 1000})).warnings
    assert "web is used 5 times so far, above 4" in warning
    assert "worth 90%" in warning
    assert make_plan(Mixture(budget_tokens=4000), cells_of({"web": 1000})).warnings == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget_tokens": "many"}, "no number of tokens"),
        ({"budget_tokens": 0}, "greater than 0"),
        ({"weights": {"kind": "magic"}}, "magic"),
        ({"weights": {"kind": "explicit", "shares": {"a": 0.5, "b": 0.6}}}, "add up to 1.1, not 1: a 0.5, b 0.6"),
        ({"weights": {"kind": "explicit", "shares": {"a": 1.5, "b": -0.5}}}, "share of b is -0.5, below 0"),
        ({"weights": {"kind": "explicit", "shares": {"a": float("nan")}}}, "add up to nan, not 1"),
        ({"weights": {"kind": "explicit", "shares": {}}}, "there are none"),
        ({"max_epochs": 0}, "above 0"),
        ({"phases": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.2}]}, "add up to 0.7"),
        ({"phases": [{"name": "a"}, {"name": "b", "share": 0.2}]}, "needs budget_tokens or share"),
        ({"phases": [{"name": "a", "share": 1}, {"name": "a", "share": 1}]}, "names of their own"),
        ({"phases": [{"name": "a", "share": 1, "budget_tokens": 5}]}, "not both"),
        ({"phases": [{"name": "a", "leave_one_out": "topic"}]}, "not in `by`"),
        ({"within": {"kind": "rehydrate"}}, "either factors or file"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Mixture(**given)


def test_amounts_as_people_write_them() -> None:
    amounts = ["500M", "1.5T", "2_000k", "3G", 1e9, "10"]
    found = [Mixture(budget_tokens=amount).budget_tokens for amount in amounts]
    assert found == [5 * 10**8, 15 * 10**11, 2 * 10**6, 3 * 10**9, 10**9, 10]


sizes_ = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1000, 10**12), min_size=1)
kinds = st.sampled_from(
    [
        {"kind": "proportional"},
        {"kind": "temperature", "alpha": 0.3},
        {"kind": "unimax"},
        {"kind": "temperature", "alpha": 0},
    ]
)


@settings(max_examples=150)
@given(sizes_, kinds, st.floats(0.5, 8), st.floats(0.01, 0.999), st.floats(0.05, 0.95), st.randoms())
def test_shares_sum_to_one_budgets_are_met_and_caps_kept(
    sizes: dict[str, int], weights: dict[str, Any], cap: float, part: float, first: float, random: Any
) -> None:
    budget = int(sum(sizes.values()) * cap * part)
    phases = [{"name": "one", "share": first}, {"name": "two", "share": 1 - first}]
    mixture = Mixture(weights=weights, budget_tokens=budget, max_epochs=cap, over_cap="redistribute", phases=phases)
    plan = make_plan(mixture, cells_of(sizes))
    assert sum(phase.budget_tokens for phase in plan.phases) == pytest.approx(budget)
    for phase in plan.phases:
        assert sum(group.share for group in phase.groups) == pytest.approx(1)
        assert sum(group.tokens for group in phase.groups) == pytest.approx(phase.budget_tokens)
    for number, group in enumerate(plan.phases[1].groups):
        assert group.epochs_so_far <= cap * (1 + 1e-9)
        used = sum(phase.groups[number].tokens for phase in plan.phases)
        worth = sum(phase.groups[number].effective_tokens for phase in plan.phases)
        assert worth <= used * (1 + 1e-9)
    items = list(sizes.items())
    random.shuffle(items)
    assert make_plan(mixture, cells_of(dict(items))) == plan
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


scores = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 500), st.floats(0, 1) | st.none()), min_size=4)


@settings(max_examples=100)
@given(scores, st.floats(0.05, 1), st.floats(0, 3))
def test_what_documents_are_used_adds_up_to_the_plan(
    rows: list[tuple[str, int, float | None]], part: float, steepness: float
) -> None:
    keys = sorted({(name,) for name, _, _ in rows})
    codes = np.array([keys.index((name,)) for name, _, _ in rows])
    values = np.array([np.nan if value is None else value for _, _, value in rows])
    counts = np.array([tokens for _, tokens, _ in rows])
    cells = count_cells(["source"], keys, codes, counts, values)
    within = {"kind": "quality_curve", "steepness": steepness, "max_factor": 3}
    mixture = Mixture(within=within, budget_tokens=max(1, int(part * counts.sum())), max_epochs=4)
    try:
        plan = make_plan(mixture, cells)
    except RecipeError:  # few documents may hold nearly all tokens, and be among the worst
        return
    rates = plan.rates("main", codes, values)
    for number, group in enumerate(plan.phases[0].groups):
        assert (rates * counts)[codes == number].sum() == pytest.approx(group.tokens)
    assert rates.max() <= 3 * (1 + 1e-6)
    for code in range(len(keys)):
        known = (codes == code) & ~np.isnan(values)
        assert (np.diff(rates[known][np.argsort(values[known], kind="stable")]) >= 0).all()

"""Every executor reports a value, an error or a death for each item, and `gather` gives values in order."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from textmill.pipeline.errors import InputError, TextmillError
from textmill.pipeline.executor import Executor, Inline, Serial, gather


def divide(top: int, bottom: int) -> float:
    return top / bottom


def die_once(folder: str, item: int) -> int:
    flag = Path(folder) / str(item)
    if item % 2 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return -item


def die(_: None, item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(_: None, item: int) -> None:
    raise InputError(f"no {item}")


@pytest.fixture(scope="module")
def serial() -> Iterator[Serial]:
    executor = Serial()
    yield executor
    executor.close()


@pytest.mark.parametrize("kind", ["inline", "serial"])
def test_each_item_has_an_outcome_and_an_error_stops_no_other(kind: str, serial: Serial) -> None:
    executor: Executor = serial if kind == "serial" else Inline()
    outcomes = list(executor.map(divide, [1, 0, 4], 8))
    assert [outcome.item for outcome in outcomes] == [1, 0, 4]
    assert [outcome.value for outcome in outcomes] == [8.0, None, 2.0]
    assert isinstance(outcomes[1].error, ZeroDivisionError)
    assert all(outcome.died is None for outcome in outcomes)


@pytest.mark.parametrize("kind", ["inline", "serial"])
def test_items_are_taken_as_they_are_needed(kind: str, serial: Serial) -> None:
    executor: Executor = serial if kind == "serial" else Inline()
    taken: list[int] = []
    items = (taken.append(i) or i for i in range(1, 100))
    next(iter(executor.map(divide, items, 8)))
    assert taken == [1]


def test_a_death_costs_its_item_only(serial: Serial, tmp_path: Path) -> None:
    outcomes = list(serial.map(die_once, [0, 1, 2], str(tmp_path)))
    assert [outcome.value for outcome in outcomes] == [0, None, -2]
    assert [outcome.died for outcome in outcomes] == [None, "killed by signal 9", None]


def test_gather_tries_again_after_a_death_and_keeps_the_order(serial: Serial, tmp_path: Path) -> None:
    assert gather(serial, die_once, range(4), str(tmp_path)) == [0, -1, -2, -3]


def test_gather_gives_up_on_an_item_that_kills_every_worker(serial: Serial) -> None:
    with pytest.raises(TextmillError, match=r"the worker of die died three times: killed by signal 9 \(5\)"):
        gather(serial, die, [5], None)


@pytest.mark.parametrize("kind", ["inline", "serial"])
def test_gather_raises_what_a_task_raises(kind: str, serial: Serial) -> None:
    executor: Executor = serial if kind == "serial" else Inline()
    with pytest.raises(InputError, match="no 1"):
        gather(executor, refuse, [1, 2], None)


def test_gather_of_nothing_is_nothing() -> None:
    assert gather(Inline(), divide, [], 1) == []

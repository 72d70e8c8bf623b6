"""In isolation a document that kills or hangs its process costs only itself, and so does one that raises."""

from typing import Any

from support import MinLength, deadly, fragile, length

from textmill import batch_of
from textmill.pipeline.chain import Passed
from textmill.pipeline.isolate import IsolatedChain
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.spec import ChainSpec, Spec, build_chain
from textmill.pipeline.step import Step


def spec_of(*steps: Step) -> ChainSpec:
    named = [(type(step).__name__, step.model_dump_json()) for step in steps]
    return ChainSpec("base", tuple(Spec(name, f"support:{name}", parameters) for name, parameters in named))


def isolated(spec: ChainSpec, texts: list[str], seconds: float = 60) -> tuple[list[str], Ledger, list[dict[str, Any]]]:
    chain = IsolatedChain(spec, seconds)
    try:
        passed: list[Passed] = list(chain.process(batch_of(texts)))
    finally:
        chain.close()
    books = Ledger()
    for one in passed:
        books.add(one.ledger)
    books.check("here")
    gone = [row for one in passed for decisions in one.decisions for row in decisions.to_pylist()]
    return [text for one in passed for text in one.batch.column("text").to_pylist()], books, gone


def test_a_batch_that_harms_nobody_is_processed_as_anywhere() -> None:
    spec, texts = spec_of(MinLength(), length()), ["a", "long enough", "me too"]
    kept, books, gone = isolated(spec, texts)
    direct = build_chain(spec).process(batch_of(texts))
    assert kept == direct.batch.column("text").to_pylist()
    assert books.kept_rows == direct.ledger.kept_rows
    assert gone == direct.decisions[0].to_pylist()


def test_killers_and_hangers_leave_at_the_step_that_they_harm_and_their_neighbours_stay() -> None:
    spec = spec_of(MinLength(), fragile(), deadly(seconds=600), length())
    texts = ["good", "kill", "break", "x", "hang", "also good"]
    kept, books, gone = isolated(spec, texts, seconds=4)
    assert kept == ["good", "also good"]
    assert [(row["id"], row["step"], row["reason"]) for row in gone] == [
        ("doc-1", "deadly", "crashed"),
        ("doc-2", "fragile", "step_error"),
        ("doc-3", "MinLength", "too_short"),
        ("doc-4", "deadly", "timed_out"),
    ]
    assert books.steps["deadly"].rows_in == 4
    assert books.steps["length"].rows_out == 2
    assert "deadly: doc-1: crashed" in books.errors

"""Every step of the catalog that needs no model meets hostile text: none raises, and no row changes another.

TEXTMILL_HOSTILE_EXAMPLES sets how many texts each step meets.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import HARD_PIECES, PII_PIECES

from textmill.pipeline import catalog
from textmill.pipeline.step import Mapper, Step
from textmill.pipeline.testing import batch_of
from textmill.pipeline.verdict import Verdict

EXAMPLES = int(os.environ.get("TEXTMILL_HOSTILE_EXAMPLES", "25"))

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "between": [{"column": "number", "min": 0.5}],
    "blocked_url": [{"domains": ["configs/lists/domains.txt"], "hard_words": ["configs/lists/hard_words.txt"]}],
    "c4_lines": [{}, {"definition": "datatrove"}],
    "c4_quality": [{}, {"definition": "datatrove"}],
    "chinese_web": [{}, {"traditional": True}],
    "code_quality": [{}],
    "date_range": [{"first": "2020-01-02"}, {"last": "2021-05-06", "unknown": "drop"}],
    "drop_lines": [{}, {"phrases": ["word", "…"], "patterns": [r"^\d+$", "İ"], "ignore_case": True}],
    "fineweb_quality": [{}, {"definition": "datatrove"}, {"per_language": True}],
    "fix_text": [{}],
    "gopher_quality": [
        {},
        {"definition": "dclm"},
        {"definition": "datatrove"},
        {"min_words": None},
        {"per_language": True},
    ],
    "gopher_repetition": [{}, {"definition": "datatrove"}, {"per_language": True}],
    "language_threshold": [{}, {"per_language": False}],
    "length": [{"min_chars": 2, "max_words": 5}],
    "letter_pairs": [{}, {"pairs": ["th", "日本"], "min_common_pair_ratio": 0.1}],
    "licence": [{"column": "url"}],
    "mask_pii": [{}, {"phones": True}],
    "mc4_paragraphs": [{"min_line_chars": 3}],
    "normalize_whitespace": [{}, {"max_newlines": None, "collapse_spaces": False}],
    "one_of": [{"column": "language", "values": ["en", None]}],
    "pareto_keep": [{"column": "number"}],
    "quality_signals": [{"groups": ["natural_language", "content", "repetition", "lines", "compression"]}],
    "refinedweb_lines": [{}],
    "script_of_text": [{}],
}
"""Parameters of the steps that are met without a file of their own."""

LISTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "c4_bad_words": lambda path: {"lists": {"any": path, "ja": path}},
    "confusable_language": lambda path: {"lists": {"en": [path]}, "url_words": {"en": ["en"]}},
    "opt_out": lambda path: {"lists": [path], "column": "url"},
    "toxic_words": lambda path: {"lists": {"any": path}},
    "unigram_logprob": lambda path: {"table": path},
    "url_category": lambda path: {"domains": {"some": [path]}},
}
"""Steps that need a list, and their parameters by its path."""

WITH_MODELS = {
    *(
        "cascade",
        "combine",
        "dsir",
        "embedding",
        "extract_html",
        "harmful_perplexity",
        "language",
    ),
    *("perplexity", "quality", "token_count", "transformer"),
}
"""Steps that need a model, markup or another step; they meet such text in tests of their own."""

IDEMPOTENT = {"mask_pii", "normalize_whitespace", "c4_lines", "drop_lines"}

LINES = ["Lorem ipsum.", "uses cookies", "javascript {", "3 likes", "Sign-in", "Read more...", "[12]", "[edit]", "# -"]
pieces = st.one_of(
    st.sampled_from([*HARD_PIECES, *LINES, "\r", "\x00\x00", "\u202e", "\u200f", "\u0301" * 9, "\ufeff", "\U000e0001"]),
    st.sampled_from(PII_PIECES),
    st.characters(exclude_categories=["Cs"]),
)
texts = st.one_of(
    st.lists(pieces, max_size=40).map("".join),
    st.tuples(pieces, st.integers(1, 400)).map(lambda pair: pair[0] * pair[1]),
    st.lists(st.tuples(pieces, st.integers(1, 60)), max_size=5).map(lambda runs: "".join(p * n for p, n in runs)),
    st.sampled_from(["", "\x00", "\n" * 3000, "x" * 9000, "日" * 5000, "[" * 900 + "]" * 900, "a." * 4000]),
)
columns = st.lists(st.none() | texts, min_size=1, max_size=5)


def steps() -> list[Any]:
    named = [(name, given) for name, variants in PARAMETERS.items() for given in variants]
    return [pytest.param(name, given, id=f"{name}-{i}") for i, (name, given) in enumerate(named)]


def test_every_step_of_the_catalog_is_met_or_named() -> None:
    assert set(PARAMETERS) | set(LISTS) | WITH_MODELS >= set(catalog.STEPS)


@pytest.mark.parametrize(("name", "parameters"), steps())
def test_hostile_text(name: str, parameters: dict[str, Any]) -> None:
    meet(build(name, parameters), idempotent=name in IDEMPOTENT)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_hostile_text_for_steps_with_lists(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    content = {"unigram_logprob": "word\t7\nexample.com\t2\n", "confusable_language": "word\nthe\n日\n"}
    path.write_text(content.get(name, "word\nexample.com\n日本\ne\u0301\n"))
    meet(build(name, LISTS[name](str(path))))


def build(name: str, parameters: dict[str, Any]) -> Step:
    if name == "fix_text":
        pytest.importorskip("ftfy", reason="the extra ftfy is not installed")
    step = catalog.step(name).model_validate(parameters)
    step.prepare()
    return step


def meet(step: Step, *, idempotent: bool = False) -> None:
    """Let it meet many columns of hostile text."""

    @settings(max_examples=EXAMPLES)
    @given(columns, st.integers(0, 3))
    def laws(rows: list[str | None], start: int) -> None:
        batch = hostile(rows)
        whole = outcome(step, batch)
        assert outcome(step, batch.slice(start)) == whole[start:]
        assert [one for i in range(len(rows)) for one in outcome(step, batch.slice(i, 1))] == whole
        if idempotent:
            assert isinstance(step, Mapper)
            once, _ = step.apply(batch)
            twice, _ = step.apply(once)
            assert twice.column("text").equals(once.column("text"))

    laws()


def hostile(rows: list[str | None]) -> pa.RecordBatch:
    """A batch with such text in every column of text that steps read."""
    return batch_of(
        {
            "text": pa.array(rows, pa.string()),
            "url": pa.array([text and f"http://{text}" for text in rows], pa.string()),
            "language": pa.array([("en", "ja", text and text[:2])[i % 3] for i, text in enumerate(rows)], pa.string()),
            "language_score": pa.array([None if text is None else len(text) / 99 for text in rows], pa.float32()),
            "date": pa.array([text and text[:10] for text in rows], pa.string()),
            "number": pa.array([None if text is None else len(text) / 7 for text in rows], pa.float64()),
        }
    )


def outcome(step: Step, batch: pa.RecordBatch) -> list[tuple[object, ...]]:
    """For each row what became of it. Raises AssertionError if rows are lost or columns are not as promised."""
    after, verdict = step.apply(batch)
    assert after.num_rows == batch.num_rows
    assert after.column("id").equals(batch.column("id"))
    after.validate(full=True)
    assert step.adds() <= set(after.schema.names)
    verdict = verdict or Verdict.of(batch)
    values = np.nan_to_num(verdict.values, nan=-1).tolist()
    rows = [
        tuple(map(repr, row.values())) for row in after.select(sorted(set(after.schema.names) - {"id"})).to_pylist()
    ]
    return list(zip(verdict.reasons, values, rows, strict=True))

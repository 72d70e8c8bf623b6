"""The catalog's names lead to classes of the right kind, each documented, none imported before it is asked for."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from textmill import filters
from textmill.pipeline import catalog
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.step_help import render_list

TABLES = {"reader": catalog.READERS, "step": catalog.STEPS, "barrier": catalog.BARRIERS}
ENTRIES = [(kind, name) for kind, table in TABLES.items() for name in table]


def find(kind: str, name: str) -> type[Parameters]:
    return {"reader": catalog.reader, "step": catalog.step, "barrier": catalog.barrier}[kind](name)


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_name_leads_to_a_documented_class_whose_parameters_are_documented_by_type(kind: str, name: str) -> None:
    found = find(kind, name)
    assert found.__doc__
    assert f"{found.__module__}:{found.__name__}" == TABLES[kind][name]
    assert find(kind, TABLES[kind][name]) is found


def test_no_name_stands_twice() -> None:
    names = [name for _, name in ENTRIES]
    assert len(names) == len(set(names))


def test_a_name_of_another_kind_is_not_found() -> None:
    for kind, name, real in (
        ("step", "warc", "reader"),
        ("reader", "exact", "barrier"),
        ("barrier", "language", "step"),
    ):
        with pytest.raises(RecipeError, match=f"'{name}' is a {real}, not a {kind}"):
            find(kind, name)
    with pytest.raises(RecipeError, match="'support:MinLength' is no barrier: derive it from Barrier"):
        catalog.barrier("support:MinLength")


def test_importing_the_catalog_and_the_public_names_imports_no_family() -> None:
    code = """if True:
        import sys
        import textmill
        import textmill.pipeline.catalog
        heavy = ("ray", "numba", "fasttext", "fastwarc", "trafilatura", "resiliparse", "pandas")
        print(*[n for n in sys.modules if n in heavy or n.startswith(("textmill.filters.", "textmill.scorers."))])
    """
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize(
    ("library", "remedy"),
    [("ftfy", "pip install 'textmill[ftfy]'"), ("xxhash", "pip install textmill brings it")],
)
def test_a_step_whose_library_is_missing_is_listed_with_the_remedy_beside_the_others(
    library: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"dear_{library}.py").write_text(f"import {library}\n")
    monkeypatch.setattr(filters, "__path__", [*filters.__path__, str(tmp_path)])
    monkeypatch.setitem(catalog.STEPS, "dear", f"textmill.filters.dear_{library}:Dear")
    monkeypatch.setitem(sys.modules, library, None)
    console = Console(file=io.StringIO(), width=300)
    render_list(console)
    lines = console.file.getvalue().splitlines()
    (dear,) = [line for line in lines if line.split()[:1] == ["dear"]]
    assert f"needs {library}, which is not installed; {remedy}" in dear
    assert {line.split()[0] for line in lines if line} >= {name for _, name in ENTRIES}


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("class Own(Filter):\n    def judge(self): ...", "write judge(self, batch), not judge(self)"),
        ("class Own(Scorer):\n    def score(self, a, b): ...", "write score(self, batch), not score(self, a, b)"),
    ],
)
def test_a_method_that_cannot_take_a_batch_is_told_before_a_run(
    source: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misfit_steps.py").write_text(f"from textmill import Filter, Mapper, Scorer\n\n{source}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "misfit_steps", raising=False)
    with pytest.raises(RecipeError) as told:
        catalog.step("misfit_steps:Own")
    assert str(told.value) == f"'misfit_steps:Own' is no whole step: {advice}"

"""``textmill train extractor``: a model that finds the main content of pages, from pages whose text is known."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from textmill.pipeline.commands.options import ModelOut, file_to_write, note, stdout

if TYPE_CHECKING:
    from textmill.pipeline.extraction.training import Example, Trained


def extractor(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Parquet file of labelled pages; as textmill eval's.")],
    out: ModelOut,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the domains; each is scored by a model of the rest.")] = 4,
    any_licence: Annotated[
        bool, typer.Option("--any-licence", help="Train on pages of every licence, for a model that stays yours.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pages, to try things out.")] = None,
    texts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            callback=file_to_write,
            help="Write text and confidence of each page by the model that did not see its domain: for eval's --texts.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and table give the same model.")] = 0,
) -> None:
    """Train the extractor; print how good it is on pages of domains that it did not see.

    Columns of the table: html, gold_text, domain; set, page_type, lang and license if there are any. Only pages
    with an open licence are trained on. Needs LightGBM: pip install 'textmill[train]'.
    """
    import json

    from textmill.pipeline.console import say
    from textmill.pipeline.errors import UsageError
    from textmill.pipeline.extraction.card import model_card
    from textmill.pipeline.extraction.model import save_model
    from textmill.pipeline.extraction.training import train
    from textmill.pipeline.io.files import write_whole

    examples, licences, left_out, others = _read(table, any_licence, limit)
    if len({example.domain for example in examples.values()}) < folds:
        raise UsageError(f"{table}: {len(examples)} pages to train on, of fewer domains than {folds} folds")
    note(f"{len(examples):,} pages to train on; left out: {dict(left_out) or 'none'}")
    trained = train([*examples.values(), *(others.values() if texts else ())], folds=folds, seed=seed)
    if texts:
        _write_texts(texts, [*examples, *others], trained)
    trained = trained.first(len(examples))
    settings = {"folds": folds, "seed": seed}
    card = model_card(list(examples.values()), trained, settings, licences, dict(left_out))
    with write_whole(out) as stream:
        stream.write(save_model(trained.model))
    with write_whole(f"{out}.json") as stream:
        stream.write(json.dumps(card, indent=1, ensure_ascii=False).encode())
    for title in ("by_collection", "by_page_type", "by_language"):
        for name, row in card["out_of_fold"][title].items():
            say(stdout, f"{title.removeprefix('by_'):12} {name:20} {row['pages']:6,} pages  F1 {row['f1']:.3f}")
    say(stdout, f"mean of collections: F1 {card['out_of_fold']['mean_of_collections']}")


Examples: TypeAlias = "dict[str, Example]"
"""Pages by their id."""


def _read(
    table: str, any_licence: bool, limit: int | None
) -> tuple[Examples, dict[str, dict[str, int]], Counter[str], Examples]:
    """The pages to train on, their licences by collection, how many were left out, by reason, and these."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textmill.pipeline.errors import InputError, UsageError
    from textmill.pipeline.extraction.card import is_open
    from textmill.pipeline.extraction.decoding import to_utf8
    from textmill.pipeline.extraction.training import Example

    wanted = ("id", "html", "gold_text", "domain", "set", "page_type", "lang", "license")
    try:
        rows = pq.read_table(table)
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else error
        raise InputError(f"{table}: {why}") from error
    missing = {"html", "gold_text", "domain"} - set(rows.column_names)
    if missing:
        raise UsageError(f"{table} has no column {', '.join(sorted(missing))}")
    examples: Examples = {}
    others: Examples = {}
    licences: dict[str, dict[str, int]] = {}
    left_out: Counter[str] = Counter()
    found = rows.select([name for name in wanted if name in rows.column_names]).slice(0, limit).to_pylist()
    for number, row in enumerate(found):
        reason = _why_not(row, any_licence, is_open(row.get("license")))
        groups = tuple(str(row.get(name) or "") for name in ("set", "page_type", "lang"))
        known = "" if reason else row["gold_text"]
        html = row["html"] or b""
        name = str(row.get("id") or number)
        if name in examples or name in others:
            raise UsageError(f"{table} has two rows of the id {name}")
        (others if reason else examples)[name] = Example(
            to_utf8(html).data, known, row["domain"] or html[:99].hex(), groups
        )
        if reason:
            left_out[reason] += 1
            continue
        said = licences.setdefault(groups[0] or "unknown", {})
        said[row.get("license") or "none named"] = said.get(row.get("license") or "none named", 0) + 1
    return examples, licences, left_out, others


def _write_texts(path: str, ids: list[str], trained: "Trained") -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textmill.pipeline.io.files import write_whole

    with write_whole(path) as stream:
        columns = {"id": ids, "text": list(trained.texts), "extraction_confidence": trained.expected}
        pq.write_table(pa.table(columns), stream)


def _why_not(row: dict[str, Any], any_licence: bool, is_open: bool) -> str | None:
    if not row["html"] or not (row["gold_text"] or "").strip():
        return "no known text"
    return None if is_open or any_licence else "licence"

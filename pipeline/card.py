"""The card of a corpus in the layout of Hugging Face datasets: README.md beside the files, made from the report."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from textmill.pipeline.corpus_stage import CARD
from textmill.pipeline.io.files import join, write_whole

Json = Mapping[str, Any]

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGER = ((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"))
MOST = 50
"""Rows of a table; the others are in report.json."""


def write_card(out: str, report: Json) -> None:
    """Write ``data/README.md`` of a run: phases become configurations, each with one split, train."""
    with write_whole(join(out, "data", CARD)) as stream:
        stream.write(card(report).encode())


def card(report: Json) -> str:
    """The card's text: what loads it, as YAML, then what it holds and how it came about."""
    head = yaml.safe_dump(_head(report), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n" + "\n".join(_body(report)) + "\n"


def _head(report: Json) -> dict[str, Any]:
    languages = sorted(name for name, group in report["languages"].items() if name and group["documents_out"])
    documents = report["corpus"]["documents"]
    size = next((name for limit, name in (*_SIZES, *_LARGER) if documents < limit), "n>100B")
    phases = [phase["name"] for phase in (report["mixture"] or {}).get("phases", ())]
    configs = [
        {
            "config_name": phase or "default",
            **({"default": True} if number == 0 and phase else {}),
            "data_files": [{"split": "train", "path": f"{phase}/train-*.parquet" if phase else "train-*.parquet"}],
        }
        for number, phase in enumerate(phases or [""])
    ]
    return {
        "pretty_name": report["recipe"],
        **({"language": languages} if languages else {}),
        "size_categories": [size],
        "task_categories": ["text-generation"],
        "configs": configs,
    }


def _body(report: Json) -> Iterator[str]:
    corpus = report["corpus"]
    yield f"# {report['recipe']}\n"
    repeated = f", {corpus['copies']:,} of which repeat others," if corpus["copies"] else ""
    yield (
        f"{corpus['documents']:,} documents{repeated} with {corpus['characters']:,} characters. "
        f"Made by textmill: {report['summary']}. recipe.yaml and report.json of the run say how in full.\n"
    )
    for phase in (report["mixture"] or {}).get("phases", ()):
        yield from _phase(phase, report["mixture"])
    yield "## Sources\n"
    yield from _table("source", report["sources"])
    if set(report["languages"]) - {""}:
        yield "## Languages\n"
        yield from _table("language", report["languages"])
    yield "## What was left out, and why\n"
    yield "| stage | documents in | dropped | reasons |"
    yield "|---|---:|---:|---|"
    for stage in report["stages"]:
        if stage["documents_dropped"]:
            reasons = ", ".join(f"{name} {found['documents']:,}" for name, found in stage["dropped"].items())
            yield f"| {stage['name']} | {stage['documents_in']:,} | {stage['documents_dropped']:,} | {reasons} |"


def _phase(phase: Json, mixture: Json) -> Iterator[str]:
    instead = f", in place of {phase['variant_of']}" if phase["variant_of"] else ""
    yield f"## Phase {phase['name']}{instead}\n"
    yield (
        f"{phase['copies']:,} documents, {phase['tokens']:,} tokens ({mixture['tokens_from']}), worth "
        f"{phase['effective_tokens']:,.0f} new ones.\n"
    )
    yield f"| {'/'.join(mixture['by'])} | tokens there are | share | tokens here | share | epochs |"
    yield "|---|---:|---:|---:|---:|---:|"
    for group in sorted(phase["groups"], key=lambda one: (-one["tokens"], one["group"]))[:MOST]:
        shares = (f"{group[key]:.1%}" for key in ("share_before", "share_after"))
        yield (
            f"| {group['group']} | {group['unique_tokens']:,} | {next(shares)} | {group['tokens']:,} | {next(shares)} "
            f"| {group['epochs']:.2f} |"
        )
    yield ""


def _table(first: str, groups: Json) -> Iterator[str]:
    yield f"| {first} | documents read | kept |"
    yield "|---|---:|---:|"
    for name, group in sorted(groups.items(), key=lambda item: (-item[1]["documents_out"], item[0]))[:MOST]:
        yield f"| {name or '(unknown)'} | {group['documents_in']:,} | {group['documents_out']:,} |"
    yield ""

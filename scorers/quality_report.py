"""The card of a quality classifier, for people."""

from rich.console import Console
from rich.table import Table

from textmill.pipeline.console import percent, say, size
from textmill.scorers.quality import NEGATIVE, POSITIVE
from textmill.scorers.quality_card import FAVOURED, Json

SHOWN = 12
"""Languages and sources that are shown; the file has all."""


def render_card(card: Json, console: Console) -> None:
    """Print what matters most; the rest is in the file."""
    say(console, f"{card['model']}: {size(card['bytes'])}; all of this and more in {card['model']}.json")
    _render_data(card, console)
    held = card["held_out"]
    say(
        console,
        f"held out: {held['positives']:,} positives, {held['negatives']:,} negatives. AUC {held['auc']:.4f}; "
        f"at 0.5 F1 {held['f1']:.4f}, precision {held['precision']:.4f}, recall {held['recall']:.4f}",
    )
    if "quantized" in card:
        loss = card["quantized"]
        say(
            console,
            f"compressed from {size(loss['bytes_before'])} to {size(loss['bytes_after'])}: "
            f"F1 {loss['f1_before']:.4f} -> {loss['f1_after']:.4f}, "
            f"AUC {loss['auc_before']:.4f} -> {loss['auc_after']:.4f}",
        )
    thresholds = Table("keep of the negatives", "threshold", "positives kept", title="thresholds", title_justify="left")
    for cut in card["thresholds"]:
        thresholds.add_row(percent(cut["share"]), f"{cut['threshold']:.6f}", percent(cut["positives_kept"]))
    console.print(thresholds)
    _render_kept(card["kept"], console)
    steady = Table("change", "mean shift, deciles", "moved by two or more", title="stability", title_justify="left")
    for name, moved in card["stability"].items():
        steady.add_row(name, f"{moved['mean_deciles']:.2f}", percent(moved["share_moved"]))
    console.print(steady)
    for label in (POSITIVE, NEGATIVE):
        say(console, f"most {label} words: {' '.join(card['words'][label][:SHOWN])}")


def _render_data(card: Json, console: Console) -> None:
    table = Table(
        "", "read", "sampled", "twins", "surplus", "train", "held out", title="documents", title_justify="left"
    )
    for label, data in card["data"].items():
        dropped = dict(data["dropped"])
        surplus = dropped.pop("surplus", 0)
        sampled = data["read"] - data["blank"] - data["not_sampled"]
        counts = (data["read"], sampled, sum(dropped.values()), surplus, data["train"], data["held_out"])
        table.add_row(label, *(f"{number:,}" for number in counts))
    console.print(table)
    for label, data in card["data"].items():
        if data["sites_on_both_sides"]:
            say(
                console, f"{label}: {data['sites_on_both_sides']} sites are too large to hold out and are on both sides"
            )


def _render_kept(kept: Json, console: Console) -> None:
    """Who is kept at the threshold for a tenth of the negatives, where there are several groups."""
    title = f"kept at {kept['threshold']:.6f}, the threshold for {percent(FAVOURED)} of the negatives"
    table = Table("", "negatives", "kept", "positives", "kept", title=title, title_justify="left")
    for kind in ("language", "source", "characters"):
        negatives, positives = kept["negatives"][kind], kept["positives"][kind]
        names = list(dict.fromkeys([*negatives, *positives]))
        if len(names) < 2:
            continue
        if kind != "characters":
            names.sort(
                key=lambda n: -sum(part.get(n, {"documents": 0})["documents"] for part in (negatives, positives))
            )
            names = names[:SHOWN]
        for name in names:
            cells = [part.get(name, {"documents": 0, "kept": None}) for part in (negatives, positives)]
            row = [text for cell in cells for text in (f"{cell['documents']:,}", percent(cell["kept"]))]
            table.add_row(f"{kind}: {name}", *row)
    console.print(table)

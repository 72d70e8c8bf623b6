"""Prints the thresholds that were derived for a language, and what each removes."""

from rich.console import Console
from rich.table import Table

from textmill.pipeline.console import percent, say
from textmill.pipeline.language_thresholds import Derived


def render_derived(derived: Derived, console: Console) -> None:
    """One row a threshold; stop words and notes below."""
    say(console, f"{derived.language}: all rules together keep {percent(derived.kept)} of the reference", "bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("threshold", no_wrap=True)
    for name in ("value", "of the reference", "of the crawl"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, limit in derived.limits.items():
        reference, crawl = derived.removed[name]
        shown = "off" if limit is None else f"{limit:g}"
        table.add_row(name, shown, percent(reference), "" if crawl is None else percent(crawl))
    table.add_row("language_threshold.min_score", f"{derived.min_score:g}", "", "")
    console.print(table)
    if derived.stop_words:
        say(console, f"stop words: {' '.join(derived.stop_words)}")
    for text in derived.notes:
        say(console, f"note: {text}")

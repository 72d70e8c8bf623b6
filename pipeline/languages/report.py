"""Prints the thresholds that were derived for a language, and what each removes."""

from rich.console import Console

from textmill.pipeline.console import percent, say
from textmill.pipeline.languages.thresholds import Derived


def render_derived(derived: Derived, console: Console) -> None:
    """One row a threshold; stop words and notes below."""
    say(console, f"{derived.language}: all rules together keep {percent(derived.kept)} of the reference", "bold")
    say(console, f"{'value':>8} {'removes':>8} {'of crawl':>8}  threshold", "dim")
    for name, limit in derived.limits.items():
        reference, crawl = derived.removed[name]
        shown = "off" if limit is None else f"{limit:g}"
        say(console, f"{shown:>8} {percent(reference):>8} {'' if crawl is None else percent(crawl):>8}  {name}")
    say(console, f"{derived.min_score:>8g} {'':>8} {'':>8}  language_threshold.min_score")
    if derived.words.min_ratio is not None:
        say(console, f"{derived.words.min_ratio:>8g} {'':>8} {'':>8}  letter_pairs.min_common_pair_ratio")
    if derived.words.stop_words:
        say(console, f"stop words: {' '.join(derived.words.stop_words)}")
    for text in derived.notes:
        say(console, f"note: {text}")

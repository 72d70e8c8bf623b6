"""Sources, languages and the groups of a mixture on the page, before and after."""

from collections import Counter
from collections.abc import Iterator

from textmill.pipeline.mixing.budgets import Outlook, plot
from textmill.pipeline.reports.report_html.markup import Bar, Html, Json, bars, element, most_of, share, table

_REASONS = 4
_BARS = 12


def groups(report: Json, kind: str) -> Iterator[Html]:
    """`kind`: ``sources`` or ``languages``. What there was of each and what is left, with the main reasons."""
    found = report[kind]
    if not set(found) - {""}:
        return
    came, kept = (sum(group[key] for group in found.values()) for key in ("documents_in", "documents_out"))
    keys = ("documents_in", "documents_out", "characters_out")
    ranked = most_of(found.items(), keys, lambda group: group["documents_in"])
    flows = [(name or "(unknown)", group, group["documents_in"], group["documents_out"]) for name, group in ranked]
    yield bars(
        f"Documents kept and dropped by {kind}",
        [
            Bar(name, ((left, "kept"), (read - left, "gone")), f"{left:,} of {read:,}")
            for name, _, read, left in flows[:_BARS]
        ],
    )
    yield table(
        (
            *(kind[:-1], "documents read", "of all read", "documents kept", "of all kept", "kept"),
            *("characters kept", "most frequent reasons"),
        ),
        [
            [
                *(name, read, share(read / came if came else None), left, share(left / kept if kept else None)),
                *(share(left / read if read else None), group["characters_out"], _reasons(group)),
            ]
            for name, group, read, left in flows
        ],
    )


def _reasons(group: Json) -> str:
    reasons = Counter[str]()
    for drop in group.get("dropped", ()):
        reasons[drop["reason"]] += drop["documents"]
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    rest = [f"+{len(ranked) - _REASONS} more"] if len(ranked) > _REASONS else []
    return ", ".join([*(f"{name} {times:,}" for name, times in ranked[:_REASONS]), *rest])


def mixture(report: Json) -> Iterator[Html]:
    """Each phase by group, before and after, and what other budgets would be worth."""
    mixed = report["mixture"]
    if mixed is None:
        return
    yield element(
        "p",
        f"{mixed['tokens']:,} tokens in {mixed['copies']:,} documents, worth {mixed['effective_tokens']:,.0f} new "
        f"tokens; there are {mixed['unique_tokens']:,} tokens to draw from. Tokens: {mixed['tokens_from']}.",
    )
    for warning in mixed["warnings"]:
        yield element("p", f"Warning: {warning}")
    for phase in mixed["phases"]:
        yield from _phase(phase, " / ".join(mixed["by"]))
    if mixed.get("budgets"):
        yield from _budgets(mixed["budgets"])


def _phase(phase: Json, by: str) -> Iterator[Html]:
    instead = f", in place of {phase['variant_of']}" if phase["variant_of"] else ""
    yield element("h3", f"Phase {phase['name']}{instead}")
    yield element(
        "p",
        f"{phase['tokens']:,} tokens, {phase['budget_tokens']:,.0f} asked for, worth {phase['effective_tokens']:,.0f} "
        f"new ones; {phase['copies']:,} documents.",
    )
    sums = ("documents", "unique_tokens", "documents_used", "copies", "tokens", "effective_tokens")
    keys = (*sums, "share_before", "share_after", "share")
    ranked = most_of(((group["group"], group) for group in phase["groups"]), keys, lambda group: group["tokens"])
    yield bars(
        "Share of the tokens of each group, before and after",
        [
            bar
            for name, group in ranked[:_BARS]
            for bar in (
                Bar(name, ((group["share_before"], "before"),), f"{group['share_before']:.1%}"),
                Bar("", ((group["share_after"], "kept"),), f"{group['share_after']:.1%}"),
            )
        ],
    )
    yield Html('<p><span class="key before"></span>before<span class="key kept"></span>after</p>')
    columns = ("documents", "tokens", "share", "documents used", "copies", "tokens after", "share after")
    yield table(
        (by, *columns, "share asked for", "epochs", "epochs so far", "worth in new tokens"),
        [
            [
                *(name, group["documents"], group["unique_tokens"], share(group["share_before"])),
                *(
                    group["documents_used"],
                    group["copies"],
                    group["tokens"],
                    share(group["share_after"]),
                    share(group["share"]),
                ),
                *(group.get("epochs"), group.get("epochs_so_far"), round(group["effective_tokens"])),
            ]
            for name, group in ranked
        ],
    )


def _budgets(budgets: list[Json]) -> Iterator[Html]:
    """What the same mixture would be worth at other budgets, drawn as `textmill plan-mix` does."""
    yield element("h3", "Other budgets")
    fields = ("unique_tokens", "effective_tokens", "predicted_loss")
    yield table(
        ("budget, tokens", "unique tokens", "worth in new tokens", "predicted loss", ""),
        [
            [one["budget_tokens"], *(None if one["problem"] else one[key] for key in fields), one["problem"]]
            for one in budgets
        ],
    )
    possible = [
        Outlook(
            one["budget_tokens"],
            one["parameters"],
            unique=one["unique_tokens"],
            effective=one["effective_tokens"],
            loss=one["predicted_loss"],
        )
        for one in budgets
        if not one["problem"]
    ]
    if len(possible) > 1:
        yield element("div", Html(plot(possible)), kind="plot")
    yield element("p", "The loss is predicted for a model of a 20th as many parameters as there are tokens.")

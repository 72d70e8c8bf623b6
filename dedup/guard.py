"""Stops a run in which a source would lose an implausible share of its documents as duplicates."""

from collections.abc import Mapping

from textmill.pipeline.errors import ExpectationError

MIN_ROWS = 1000
"""A source with fewer documents may lose any share of them: it says little."""


def guard_sources(came: Mapping[str, int], gone: Mapping[str, int], limit: float | None) -> None:
    """Raise ExpectationError when a source loses more than a share `limit` of its documents."""
    if limit is None:
        return
    shares = {source: gone.get(source, 0) / count for source, count in sorted(came.items()) if count >= MIN_ROWS}
    problems = [f"{source!r} would lose {share:.4f}" for source, share in shares.items() if share > limit]
    if problems:
        raise ExpectationError(f"max_removed is {limit:g}, but as near-duplicates " + ", ".join(problems))

"""``textmill clusters``: what later steps made of the survivors of clusters of duplicates."""

from typing import Annotated

import typer

from textmill.pipeline.commands.options import RunFolder, stdout


def clusters(
    out: RunFolder,
    stage: Annotated[str, typer.Option(metavar="NAME", help="The barrier; by default the last minhash.")] = "",
) -> None:
    """Tell how many documents stayed of clusters of each size, and how many of them later steps removed."""
    from textmill.pipeline.reports.cluster_sizes import judged_by_cluster_size, render_cluster_sizes

    render_cluster_sizes(judged_by_cluster_size(out, stage), stdout)

"""The shards of a recipe's inputs, and the part numbers under which an earlier run did them."""

from collections.abc import Sequence

from textmill.pipeline.chain_task import ShardItem
from textmill.pipeline.io.files import exists, join
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.shard import Shard
from textmill.pipeline.stage_folder import StageFolder, read_json, write_json

NUMBERS = "numbers.json"
"""Beside the stages' folders: the part number of every shard that was ever among the inputs."""


def find_shards(recipe: Recipe, limit: int | None = None) -> list[Shard]:
    """All shards of all inputs in order, at most `limit` of each input. Raises InputError."""
    shards = []
    for named in recipe.inputs:
        if isinstance(named.part, Reader):
            shards += named.part.shards()[:limit]
    return shards


def number_shards(shards: Sequence[Shard], stages: str, first: StageFolder) -> list[ShardItem]:
    """Give each shard the part number that it ever had in a run, or the next free one.

    The order is that of `shards`, whatever the numbers. A part of the `first` stage whose file has changed
    since is taken back. Numbers outlive stages and recipes: later stages know a shard by nothing else.
    """
    known, manifests = join(stages, NUMBERS), first.manifests()
    parts = read_json(known)["parts"] if exists(known) else []
    numbers: dict[tuple[object, ...], int] = {tuple(place): part for part, *place in parts}
    items = []
    for shard in shards:
        part = numbers.setdefault(_place(shard), len(numbers))
        if part in manifests and manifests[part].origin != shard.to_json():
            first.retract(part)
        items.append(ShardItem(part, shard))
    write_json(known, {"parts": [[part, *place] for place, part in numbers.items()]})
    return items


def _place(shard: Shard) -> tuple[object, ...]:
    return (shard.source, shard.path, shard.start, shard.stop)

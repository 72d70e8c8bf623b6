"""The shards of a recipe's inputs, and the part numbers under which an earlier run did them."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from textmill.pipeline.chain_task import ShardItem
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.shard import Shard
from textmill.pipeline.stage_folder import StageFolder


def find_shards(recipe: Recipe, limit: int | None = None) -> list[Shard]:
    """All shards of all inputs in order, at most `limit` of each input. Raises InputError."""
    shards = []
    for named in recipe.inputs:
        if isinstance(named.part, Reader):
            shards += named.part.shards()[:limit]
    return shards


def number_shards(shards: Sequence[Shard], folder: StageFolder) -> list[ShardItem]:
    """Give each shard the part number that it has in `folder` from an earlier run, or the next free one.

    The order is that of `shards`, whatever the numbers. A part whose file has changed since is taken back.
    """
    earlier = {_place(manifest.origin): manifest for manifest in folder.manifests().values()}
    free = itertools.count(max((manifest.part for manifest in earlier.values()), default=-1) + 1)
    items = []
    for shard in shards:
        manifest = earlier.get(_place(shard.to_json()))
        if manifest is not None and manifest.origin != shard.to_json():
            folder.retract(manifest.part)
        items.append(ShardItem(next(free) if manifest is None else manifest.part, shard))
    return items


def _place(origin: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(origin.get(key) for key in ("source", "path", "start", "stop"))

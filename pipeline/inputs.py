"""The shards of a recipe's inputs, and the part numbers under which an earlier run did them."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from textmill.pipeline.chain_task import ShardItem
from textmill.pipeline.io.files import exists, join
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.shard import Shard
from textmill.pipeline.stage_folder import StageFolder, read_json, write_json

NUMBERS = "numbers.json"
"""In the first stage's folder: the part number of every shard that was ever among the inputs."""


def find_shards(recipe: Recipe, limit: int | None = None) -> list[Shard]:
    """All shards of all inputs in order, at most `limit` of each input. Raises InputError."""
    shards = []
    for named in recipe.inputs:
        if isinstance(named.part, Reader):
            shards += named.part.shards()[:limit]
    return shards


def number_shards(shards: Sequence[Shard], folder: StageFolder) -> list[ShardItem]:
    """Give each shard the part number that it ever had in `folder`, or the next free one.

    The order is that of `shards`, whatever the numbers. A part whose file has changed since is taken back.
    Numbers outlive the parts: later stages know a shard by nothing else.
    """
    manifests = folder.manifests()
    known = join(folder.path, NUMBERS)
    if exists(known):
        numbers = {tuple(place): part for part, *place in read_json(known)["parts"]}
    else:
        numbers = {_place(manifest.origin): part for part, manifest in manifests.items()}
    free = itertools.count(max(numbers.values(), default=-1) + 1)
    items = []
    for shard in shards:
        place = _place(shard.to_json())
        if place not in numbers:
            numbers[place] = next(free)
        part = numbers[place]
        if part in manifests and manifests[part].origin != shard.to_json():
            folder.retract(part)
        items.append(ShardItem(part, shard))
    write_json(known, {"parts": [[part, *place] for place, part in numbers.items()]})
    return items


def _place(origin: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(origin.get(key) for key in ("source", "path", "start", "stop"))

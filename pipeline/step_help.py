"""The pages of ``textmill steps``: every reader, step and barrier with its parameters, from the code itself."""

import inspect
import json
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from textmill.pipeline import catalog
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.plugins import find_plugin, load_plugin

KINDS = (
    ("reader", catalog.READERS, catalog.reader),
    ("step", catalog.STEPS, catalog.step),
    ("barrier", catalog.BARRIERS, catalog.barrier),
)


def render_list(console: Console) -> None:
    """One line for each name; for one that cannot be loaded here, what it lacks."""
    for kind, table, find in KINDS:
        lines = Table(title=f"{kind}s", title_justify="left", show_header=False, box=None, padding=(0, 2))
        for name in sorted(table):
            try:
                lines.add_row(name, Text(_first_line(find(name))))
            except RecipeError as error:
                lines.add_row(name, Text(str(error), style="yellow"))
        console.print(lines)
    console.print("textmill steps NAME shows the parameters. Steps of your own are written module:Name.")


def render_one(name: str, console: Console) -> None:
    """Documentation, parameters and source of one. Raises RecipeError for an unknown name."""
    kind, found = next(((k, find(name)) for k, table, find in KINDS if name in table), ("step", None))
    part = found or _own(name)
    console.print(f"{name} ({kind}, revision {part.revision})\n", style="bold")
    console.print(inspect.getdoc(part) or "", markup=False, highlight=False)
    table = Table("parameter", "type", "default", "meaning", title="parameters", title_justify="left")
    for field, info in part.model_fields.items():
        default = "required" if info.is_required() else _plain(info.get_default(call_default_factory=True))
        table.add_row(*map(Text, (field, _type(info.annotation), default, info.description or "")))
    console.print(table if part.model_fields else "\nIt has no parameters.")
    console.print(f"source: {part.__module__}:{part.__qualname__}", markup=False)


def _own(name: str) -> type[Parameters]:
    """A step ``module:Name``; the module may stand in the working directory."""
    module, colon, _ = name.partition(":")
    plugin = find_plugin(module, [str(Path.cwd())]) if colon else None
    if plugin is not None:
        load_plugin(plugin)
    return catalog.step(name)


def _first_line(part: type[Parameters]) -> str:
    return (inspect.getdoc(part) or "").partition("\n")[0]


def _type(annotation: object) -> str:
    """The type as a recipe's author would say it."""
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(map(_type, get_args(annotation)))
    name = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", name).replace("NoneType", "None").replace("ByteSize", "size")


def _plain(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, default=str, ensure_ascii=False)

"""What commands share: options of the command line, the consoles, the executor and the progress display."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ByteSize, TypeAdapter
from rich.console import Console

from textmill.pipeline.console import say
from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.executor import Executor, Inline, Serial
from textmill.pipeline.io.files import is_local
from textmill.pipeline.io.writable import check_file, check_folder
from textmill.pipeline.memory import LEAST_BYTES, Memory, declare, megabytes
from textmill.pipeline.progress import Bars, PlainLines, Watcher
from textmill.pipeline.recipe import Recipe

stdout = Console(markup=False, emoji=False, highlight=False)  # ids, paths and texts are printed as they are
stderr = Console(markup=False, emoji=False, highlight=False, stderr=True)
_SIZE = TypeAdapter(ByteSize)


class ExecutorName(StrEnum):
    """Where tasks run."""

    RAY = "ray"
    SERIAL = "serial"
    INLINE = "inline"


def file_to_write(path: str | None) -> str | None:
    """Callback of an option that names a file to write: refuses, before any work, one that cannot be."""
    if path:
        check_file(path)
    return path


def folder_to_write(path: str | None) -> str | None:
    """As `file_to_write`, of a folder."""
    if path:
        check_folder(path)
    return path


RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="YAML file, or a packaged one such as quickstart.")]
ModelOut = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        callback=file_to_write,
        help="Where the model goes; its card beside it, as MODEL.json.",
    ),
]
RunFolder = Annotated[str, typer.Argument(metavar="OUT", help="Folder or URL of a run.")]
Out = Annotated[str, typer.Option(help="Folder or URL of the run; takes the place of output.path in the recipe.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a parameter: base.language.min_score=0.5. Repeatable."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N shards of each input, to try things out.")]
Where = Annotated[
    ExecutorName,
    typer.Option(help="ray: all cores, or a cluster. serial: one worker. inline: this process, for a debugger."),
]
Address = Annotated[str | None, typer.Option(help="Address of a Ray cluster that is running; auto finds it.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; by default every core.")]
Gpus = Annotated[
    float,
    typer.Option(
        min=0, help="GPUs for each task of a chain that can use one, or the share of a GPU: 0.25 lets four share it."
    ),
]
TaskMemory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help=(
            f"What one task of a barrier may take, libraries included, such as 2GB; at least {megabytes(LEAST_BYTES)}. "
            "As many are at work as there are workers. The corpus does not depend on it."
        ),
    ),
]
HangSeconds = Annotated[float, typer.Option(min=1, help="A batch of documents that takes longer is taken to hang.")]


def memory_bytes(memory: str, also: str = "") -> int:
    """The bytes of a size that `--memory` was given, written as sizes are in recipes. Raises UsageError.

    also: what else may be written.
    """
    size = 0
    if re.fullmatch(r"\d+(\.\d+)? ?[KMGT](i?B)?", memory, re.IGNORECASE):
        size = _SIZE.validate_python(memory)
    if not size:
        raise UsageError(f"--memory {memory}: write a size such as 500MB or 8GB{also}")
    return size


def note(message: str) -> None:
    """Print a message to the error console."""
    say(stderr, message)


def output_folder(recipe: Recipe, out: str) -> str:
    """The folder of the run: `out`, or else the recipe's. Raises RecipeError when there is neither."""
    folder = (out or recipe.output.path).rstrip("/")
    if not folder:
        raise RecipeError("the recipe has no output.path; give --out DIR")
    return folder


@contextmanager
def executing(
    name: ExecutorName,
    address: str | None,
    workers: int | None,
    folder: str = "",
    *,
    gpus: float = 0.0,
    wants_gpu: bool = False,
    memory: str | None = None,
) -> Iterator[Executor]:
    """The executor that the options name, stopped in the end. Raises UsageError when they do not fit.

    wants_gpu: whether a step would use a GPU. memory: what a task of a barrier may take.
    """
    if gpus > 1 and gpus != int(gpus):
        raise UsageError(f"--gpus {gpus:g}: a share of one GPU, or whole GPUs")
    if gpus and not wants_gpu:
        note("--gpus: no step of the recipe can use a GPU, so none is asked for")
    allowed = Memory() if memory is None else declare(memory_bytes(memory))
    executor = _start(name, address, workers, folder, gpus if wants_gpu else None, allowed)
    try:
        yield executor
    except KeyboardInterrupt:
        note("stopped; what is done is kept, and the same command goes on from there")
        raise
    finally:
        executor.close()


def _start(
    name: ExecutorName, address: str | None, workers: int | None, folder: str, gpus: float | None, memory: Memory
) -> Executor:
    """gpus: of each task that can use one; None where there is no such task."""
    if name is ExecutorName.RAY:
        from textmill.pipeline.ray_executor import RayExecutor

        cluster = RayExecutor(address, workers, gpus or 0.0, memory=memory)
        if gpus == 0 and cluster.gpus_of_a_node:
            note("there are GPUs, and steps that can use one: let them with --gpus 1, or --gpus 0.25 for four on a GPU")
        if folder and cluster.nodes > 1 and is_local(folder):
            note(f"{folder} must be storage that all {cluster.nodes} nodes of the cluster see")
        return cluster
    if address is not None or workers is not None or gpus:
        raise UsageError(
            f"--address, --workers and --gpus are for --executor ray; {name} has one worker, with all GPUs"
        )
    return Serial(memory) if name is ExecutorName.SERIAL else Inline(memory)


@contextmanager
def watching() -> Iterator[Watcher]:
    """Bars on a terminal, plain lines elsewhere."""
    if stderr.is_terminal:
        with Bars(stderr) as bars:
            yield bars
    else:
        yield PlainLines()

"""Folders of models as Hugging Face lays them out: on this machine's disks, or in its cache under a published name."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from textmill.pipeline.errors import ModelError
from textmill.pipeline.io.files import filesystem, is_local

_READ: Final = (".json", ".safetensors", ".bin", ".txt", ".model")
"""Endings of the files that determine what a model says."""


def checkpoint_folder(model: str) -> Path:
    """The folder of a model. Nothing is downloaded. Raises ModelError when it is not on this machine."""
    if is_local(model):
        folder = Path(filesystem(model)[1])
        if folder.is_dir():
            return folder
        if not model.startswith((".", "/")) and model.count("/") == 1:
            try:
                hub = import_module("huggingface_hub")
                return Path(hub.snapshot_download(model, local_files_only=True))
            except Exception as error:  # the library has exceptions of its own for what is not in its cache
                raise ModelError(
                    f"{model}: neither a folder nor in Hugging Face's cache on this machine; download it there first: "
                    f"hf download {model}"
                ) from error
    raise ModelError(f"{model}: no such folder on this machine")


def checkpoint_files(model: str) -> tuple[str, ...]:
    """The files of a model that determine what it says. Raises ModelError as `checkpoint_folder`, and for none."""
    folder = checkpoint_folder(model)
    found = tuple(sorted(str(path) for path in folder.rglob("*") if path.suffix in _READ and path.is_file()))
    if not found:
        raise ModelError(f"{model}: a folder without a model in it")
    return found


def import_extra(module: str, extra: str, what: str) -> Any:
    """A library that only some installations have. Raises ModelError, which says how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ModelError(f"{what} needs {module}, which is not installed; pip install 'textmill[{extra}]'") from error


def import_torch(extra: str) -> tuple[Any, Any]:
    """PyTorch and transformers. Raises ModelError.

    Where there is no GPU they compute on one core, for a worker has one; they show no progress of their own.
    """
    torch = import_extra("torch", extra, "a neural network")
    transformers = import_extra("transformers", extra, "a neural network")
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    return torch, transformers

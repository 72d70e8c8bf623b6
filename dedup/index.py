"""An index of documents that were seen before, as it lies on disk: what later runs compare new documents with.

::

    INDEX/
        manifest.json                  what belongs to the index: written last, so that a change is whole or not at all
        keys/000001-0000.parquet       (key, number) of the documents of a change, sorted; never changed
        documents/000001-0000.parquet  number, id and source of those documents
        removed/000002.parquet         numbers of documents that were taken down since

Files carry the number of the change (generation) that wrote them; those that no manifest names are leftovers of
a change that was killed, and the next one deletes them. A Bloom index (`bloom_index`) has `filters/` instead.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import (
    absolute,
    exists,
    join,
    list_folder,
    read_text,
    remove,
    remove_drafts,
    write_whole,
)
from textmill.pipeline.io.lock import only_one

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True)
class IndexFile:
    """A file of the index. lowest, highest: the keys, or the numbers of documents, that it holds, both included."""

    name: str
    rows: int
    bytes: int
    checksum: str
    lowest: int = 0
    highest: int = 0


@dataclass(frozen=True)
class Added:
    """What a change added. content: a hash of its ids and keys, so that nothing is added twice."""

    name: str
    documents: int
    content: str


@dataclass(frozen=True)
class Index:
    """An index at one moment. Its files stay as they are, whatever is added later.

    path: its folder or URL. kind: ``minhash`` or ``lsh_bloom``. settings: all that determines the keys (and
    filters) in it. generation: how many changes it has seen.
    """

    path: str
    kind: str
    settings: Mapping[str, Any]
    generation: int = 0
    added: tuple[Added, ...] = ()
    documents: tuple[IndexFile, ...] = ()
    keys: tuple[IndexFile, ...] = ()
    removed: IndexFile | None = None
    erased: int = 0
    filters: tuple[IndexFile, ...] = ()
    inserted: int = 0

    @property
    def size(self) -> int:
        """Numbers given to documents so far, removed ones included."""
        return sum(file.rows for file in self.documents)

    @property
    def present(self) -> int:
        """Documents that are in it."""
        return self.inserted + self.size - self.erased - (self.removed.rows if self.removed else 0)

    @property
    def files(self) -> tuple[IndexFile, ...]:
        """Every file that it names."""
        return (*self.documents, *self.keys, *self.filters, *([self.removed] if self.removed else []))

    def file(self, name: str) -> str:
        """The path of a file."""
        return join(self.path, name)

    def holds(self, content: str) -> bool:
        """Whether what has this content was added before."""
        return any(entry.content == content for entry in self.added)


_FOLDERS: Final = ("keys", "documents", "removed", "filters")


def index_manifest(path: str) -> str:
    """The file that determines what an index holds."""
    return join(path, MANIFEST)


def open_index(path: str) -> Index:
    """The index in a folder or URL. Raises InputError when there is none, or one of another format."""
    manifest = index_manifest(absolute(path))
    if not exists(manifest):
        raise InputError(f"{path}: no index here; {MANIFEST} is missing. Make one with textmill index add")
    try:
        raw = json.loads(read_text(manifest))
        if raw["format"] != FORMAT:
            raise InputError(f"{path}: an index of format {raw['format']!r}; this version reads {FORMAT}")
        content: dict[str, Any] = {
            name: tuple(IndexFile(**entry) for entry in raw[name]) for name in ("documents", "keys", "filters")
        }
        content["removed"] = IndexFile(**raw["removed"]) if raw["removed"] else None
        content["added"] = tuple(Added(**entry) for entry in raw["added"])
        content |= {name: raw[name] for name in ("kind", "settings", "generation", "erased", "inserted")}
        return Index(absolute(path), **content)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{manifest}: damaged ({error!r})") from error


def open_matching(path: str, kind: str, settings: Mapping[str, Any]) -> Index:
    """The index at `path`, for keys of these settings. Raises InputError naming every setting in which it differs."""
    index = open_index(path)
    if index.kind != kind:
        raise InputError(f"{path}: an index for {index.kind}, not for {kind}")
    differing = [name for name in {**index.settings, **settings} if index.settings.get(name) != settings.get(name)]
    if differing:
        theirs = ", ".join(f"{name} {index.settings.get(name)!r}" for name in differing)
        ours = ", ".join(f"{name} {settings.get(name)!r}" for name in differing)
        raise InputError(f"{path}: was made with {theirs}; here {kind} has {ours}. Make both the same")
    return index


@contextmanager
def changing(path: str, new: Index | None = None) -> Iterator[Index]:
    """The index at `path`, held against other changes; `new` is what stands in where there is none yet.

    Sweeps what a killed change left. Raises UsageError when another process is changing it, InputError when there
    is none and nothing stands in.
    """
    path = absolute(path)
    if new is None:
        open_index(path)  # or the lock would make a folder where nothing is
    with only_one(path, "documents" if new is None or new.kind == "minhash" else "filters"):
        index = replace(new, path=path) if new is not None and not exists(index_manifest(path)) else open_index(path)
        _sweep(index)
        yield index


def commit(index: Index) -> None:
    """Make `index` what is at its path. All its files must be in place; those of earlier states go."""
    content = {**asdict(index), "format": FORMAT}
    del content["path"]
    with write_whole(index_manifest(index.path)) as stream:
        stream.write(json.dumps(content, indent=1, ensure_ascii=False).encode())
    _sweep(index)


def _sweep(index: Index) -> None:
    named = {file.name for file in index.files}
    for folder in _FOLDERS:
        remove_drafts(join(index.path, folder))
        for name in list_folder(join(index.path, folder)):
            if f"{folder}/{name}" not in named:
                remove(join(index.path, folder, name))

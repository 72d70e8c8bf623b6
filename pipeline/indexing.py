"""Fills indexes of earlier documents, from runs or from text, for barriers that compare new documents with them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from textmill.dedup import bloom_index, index_files
from textmill.dedup.banded import KEYS, Banded
from textmill.dedup.index import Index, changing, commit, index_manifest, open_index, open_matching
from textmill.dedup.lsh_bloom import LshBloom
from textmill.pipeline import catalog, schema
from textmill.pipeline.console import plural
from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.executor import Executor
from textmill.pipeline.io.files import exists, join, open_binary, read_text
from textmill.pipeline.io.reader import Skipped
from textmill.pipeline.parameters import problems_in
from textmill.pipeline.run_folder import RunStage, open_run


@dataclass
class Change:
    """What a command did to an index: the index as it is now, documents added by input, and what was left out."""

    index: Index
    added: dict[str, int] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Counter)


def add_to_index(path: str, inputs: Sequence[str], *, barrier: str = "", text_column: str = "text") -> Change:
    """Add documents to the index at `path`, which is made where there is none.

    inputs: runs, of which every document that reached the barrier is taken from its sketch (for Bloom filters
    those that stayed), or anything else that textmill reads. barrier: what the index is for, as in a recipe
    (``"minhash: {bands: 9, rows: 13}"``); by default as the index is, or the first run, or ``minhash``.

    An input is added whole or not at all, and one whose content is there already changes nothing. Raises
    UsageError for an index of other settings, for a run that has no such barrier or is not complete, and for an
    input that is missing; then nothing is done.
    """
    like = _like(path, inputs, barrier)
    for given in inputs:
        if _is_run(given):
            _stage_of(given, like)
        else:
            open_corpus([given], text_column=text_column)
    change = Change(_new(path, like))
    for given in inputs:
        with changing(path, _new(path, like)) as index:
            change.index = _add(index, like, given, text_column, change.skipped)
            commit(change.index)
        fresh = change.index.added[-1] if change.index.generation > index.generation else None
        change.added[given] = fresh.documents if fresh else 0
    return change


def remove_from_index(path: str, ids: Sequence[str]) -> tuple[Index, list[str]]:
    """Take documents down; the index as it is now, and the ids that it does not have. Raises UsageError."""
    with changing(path) as index:
        if index.kind == LshBloom.kind:
            raise UsageError(f"{path}: Bloom filters forget nothing; make the index again without these documents")
        changed, missing = index_files.take_down(index, ids)
        commit(changed)
    return changed, missing


def compact_index(path: str, executor: Executor) -> Index:
    """Merge what was added bit by bit, and erase what was taken down; the index as it is now."""
    with changing(path) as index:
        changed = index_files.compact(index, executor)
        commit(changed)
    return changed


def index_stats(path: str) -> list[tuple[str, str]]:
    """What there is to say about an index: names and values."""
    index = open_index(path)
    lines = [("for", index.kind), *((name, str(value)) for name, value in index.settings.items())]
    if index.kind == LshBloom.kind:
        like = _made(index.kind, index.settings)
        assert isinstance(like, LshBloom)
        filled = bloom_index.load(index, like.sizing).filled()
        lines += [
            ("room", f"{filled.documents} of {like.documents} documents"),
            ("bits set", f"{max(filled.shares):.2%} of the fullest filter; at 50 % it is full"),
            ("false positives", f"{filled.false_positives:.2g}"),
        ]
    else:
        lines += [
            ("documents", str(index.present)),
            ("taken down", f"{index.removed.rows if index.removed else 0} until compacted, {index.erased} erased"),
            ("keys", f"{sum(file.rows for file in index.keys)} in {plural(len(index.keys), 'file')}"),
        ]
    lines.append(("bytes", str(sum(file.bytes for file in index.files))))
    return lines + [("added", f"{entry.documents} documents: {entry.name}") for entry in index.added]


def _like(path: str, inputs: Sequence[str], barrier: str) -> Banded:
    """The barrier that the index is for."""
    if exists(index_manifest(path)):
        there = open_index(path)
        like = _made(there.kind, there.settings)
        if barrier:
            open_matching(path, *_settings(_barrier(barrier)))
        return like
    if barrier:
        return _barrier(barrier)
    for given in inputs:
        for _, found in _barriers_of(given):
            if isinstance(found, Banded):
                return _stripped(found)
    return _barrier("minhash")


def _new(path: str, like: Banded) -> Index:
    return Index(path, *_settings(like))


def _settings(like: Banded) -> tuple[str, dict[str, object]]:
    return like.kind, like.key_settings()


def _add(index: Index, like: Banded, given: str, text_column: str, skipped: Skipped) -> Index:
    run = _is_run(given)
    rows = _sketches(given, like) if run else _texts(given, like, text_column, skipped)
    if isinstance(like, LshBloom):
        return bloom_index.add(index, like.sizing, rows, given, chosen=run)
    return index_files.add(index, rows, given)


def _is_run(given: str) -> bool:
    return exists(join(given, "stages", "plan.json"))


def _sketches(given: str, like: Banded) -> Iterator[pa.Table]:
    """The sketches of a run's barrier, part by part; for Bloom filters those of documents that stayed."""
    stage = _stage_of(given, like)
    for part in stage.parts():
        with open_binary(stage.file("sketch", part)) as stream:
            rows = pq.read_table(stream, columns=[schema.ID, schema.SOURCE, KEYS])
        rulings = stage.file("rulings", part)
        if isinstance(like, LshBloom) and exists(rulings):
            with open_binary(rulings) as stream:
                gone = pq.read_table(stream, columns=["row"])["row"].to_numpy()
            stays = np.ones(rows.num_rows, np.bool_)
            stays[gone] = False
            rows = rows.filter(pa.array(stays))
        yield rows


def _stage_of(given: str, like: Banded) -> RunStage:
    """The stage of the run's barrier that made keys of these settings. Raises UsageError."""
    others = []
    for name, found in _barriers_of(given):
        if not isinstance(found, Banded) or found.kind != like.kind:
            continue
        if found.key_settings() != like.key_settings():
            others.append(found)
            continue
        (stage,) = (stage for stage in open_run(given).stages if stage.name == name)
        if stage.summary() is None:
            raise UsageError(f"{given}: barrier {name!r} is not complete; run the recipe to its end first")
        return stage
    for other in others:
        ours, theirs = like.key_settings(), other.key_settings()
        pairs = [f"{name} {theirs[name]!r}, not {ours[name]!r}" for name in ours if ours[name] != theirs[name]]
        advice = f"make both the same, or index its corpus, {given}/data"
        raise UsageError(f"{given}: its {like.kind} has {', '.join(pairs)}; {advice}")
    raise UsageError(f"{given}: a run without {like.kind}; to index its corpus, give {given}/data")


def _barriers_of(given: str) -> Iterator[tuple[str, object]]:
    """The barriers of a run, by the names of their stages; none of what is no run."""
    if not _is_run(given):
        return
    recipe = yaml.safe_load(read_text(join(given, "recipe.yaml")))
    for stage in recipe["stages"]:
        if "barrier" in stage:
            ((kind, settings),) = ((key, value) for key, value in stage.items() if key != "barrier")
            if kind in catalog.BARRIERS:
                yield stage["barrier"], catalog.barrier(kind).model_validate(settings)


def _texts(given: str, like: Banded, text_column: str, skipped: Skipped) -> Iterator[pa.RecordBatch]:
    """The sketches of documents that no run has sketched."""
    for batch in read_corpus(open_corpus([given], text_column=text_column), skipped):
        lacking = like.reads() - {*batch.schema.names, "rank"}
        if lacking:
            raise InputError(f"{given}: has no column {', '.join(sorted(lacking))}, which the index needs")
        sketch = like.sketch(batch)
        columns = {name: batch.column(name) for name in (schema.ID, schema.SOURCE)}
        yield pa.RecordBatch.from_pydict({**columns, KEYS: sketch.column(KEYS)})


def _barrier(text: str) -> Banded:
    """A barrier as a recipe has it, on a line. Raises UsageError."""
    try:
        content = yaml.safe_load(text)
        name, settings = next(iter(content.items())) if isinstance(content, dict) else (str(content), {})
        found = catalog.barrier(name).model_validate(settings or {})
    except ValidationError as error:
        raise UsageError(f"--barrier {text!r}: {'; '.join(problems_in(error, catalog.barrier(name)))}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"--barrier {text!r}: {error}") from error
    if not isinstance(found, Banded):
        raise UsageError(f"--barrier {text!r}: there are no indexes for {name}, but for minhash and lsh_bloom")
    return _stripped(found)


def _stripped(found: Banded) -> Banded:
    """The barrier with nothing but what determines its keys."""
    return _made(found.kind, found.key_settings())


def _made(kind: str, settings: Mapping[str, object]) -> Banded:
    found = catalog.barrier(kind).model_validate({k: v for k, v in settings.items() if k != "revision"})
    assert isinstance(found, Banded)
    return found

"""The web recipe on real crawl files: every page is accounted for, and the executor changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from textmill.pipeline.executor import Executor, Serial
from textmill.pipeline.ray_executor import RayExecutor
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.run import run

pytestmark = [pytest.mark.ray, pytest.mark.slow]

FILES = (
    "iipc+jwarc/*.warc.gz",
    "archivesunleashed+aut/example.warc.gz",
    "chatnoir-eu+chatnoir-resiliparse/warcfile.warc.gz",
    "webrecorder+pywb/iana.warc.gz",
)


@pytest.fixture
def files(real_data: Path) -> list[str]:
    found = [str(path) for pattern in FILES for path in sorted((real_data / "warc").glob(pattern))]
    assert len(found) >= len(FILES)
    return found


def executors() -> Iterator[tuple[str, Executor]]:
    yield "serial", Serial()
    yield "one worker", RayExecutor(workers=1)
    yield "two workers", RayExecutor(workers=2)


def html_responses(path: str) -> set[str]:
    """Ids of the answers that declare themselves HTML with status 200, by another reader of WARC."""
    with Path(path).open("rb") as stream:
        return {
            record.record_id.strip("<>")
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response)
            if record.http_headers
            and record.http_headers.status_code == 200
            and "text/html" in (record.http_content_type or "")
        }


def ids_in(out: Path, pattern: str) -> list[str]:
    tables = [pq.read_table(path, columns=["id"]) for path in sorted(out.glob(pattern))]
    return [name for table in tables for name in table["id"].to_pylist()]


def test_every_page_is_in_the_corpus_or_in_decisions_on_every_executor(files: list[str], tmp_path: Path) -> None:
    split = "inputs.web.split_bytes=200000"  # so that one file is several shards
    recipe = load_recipe("configs/web.yaml", [f"inputs.web.files={files}", split, "expect.kept=[0.0, 1.0]"])
    corpora = {}
    for name, executor in executors():
        out = tmp_path / name
        try:
            assert run(recipe, str(out), executor).failures == []
        finally:
            executor.close()
        corpora[name] = {path.name: path.read_bytes() for path in (out / "data").iterdir()}
        kept, dropped = ids_in(out, "data/*.parquet"), ids_in(out, "stages/*/decisions/*.parquet")
        assert len(kept) == len(set(kept)) > 0
        expected = set[str]().union(*map(html_responses, files))
        assert len(expected) > 100
        assert expected <= {*kept, *dropped}
    assert corpora["serial"] == corpora["one worker"] == corpora["two workers"]

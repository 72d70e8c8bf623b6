"""Read folders of HTML files: one row a file, many files a shard.

What cannot be used leaves with a reason: `not_html`, `too_large`.
"""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import xxhash
from pydantic import ByteSize, Field

from textmill.pipeline import schema
from textmill.pipeline.io.files import FileInfo, find_files, open_binary
from textmill.pipeline.io.html import looks_like_html
from textmill.pipeline.io.reader import WEB_LAYOUT, Reader, Skipped, batches_of
from textmill.pipeline.shard import Shard

_ENDINGS: Final = (".html", ".htm", ".xhtml")
"""Files that are HTML by their name, as a browser believes it; of others the first bytes decide."""


class HtmlFolder(Reader):
    """HTML files, each a document whose id is its path below the folder that `files` have in common.

    A shard holds neighbours of the sorted listing; it lists them by name, so a file that comes or goes
    later moves no other.
    """

    split_files: int = Field(1000, gt=0, description="files in one shard, at most")
    split_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="bytes in one shard, unless one file has more")
    max_file_bytes: ByteSize = Field(ByteSize(16 << 20), gt=0, description="longest file")
    url_prefix: str | None = Field(None, description="what precedes an id in its URL; null for no URL")

    def shards(self) -> list[Shard]:
        """Groups of the files found. Raises InputError when a pattern matches nothing."""
        groups: list[list[FileInfo]] = []
        held = 0
        for file in find_files(self.patterns):
            if not groups or len(groups[-1]) >= self.split_files or held + file.size > self.split_bytes:
                groups.append([])
                held = 0
            groups[-1].append(file)
            held += file.size
        return [self._shard(group) for group in groups]

    def _shard(self, group: Sequence[FileInfo]) -> Shard:
        stamp = xxhash.xxh3_128_hexdigest("\n".join(file.stamp for file in group).encode())
        names = json.dumps([file.path for file in group])
        return Shard(self.source, group[0].path, size=sum(f.size for f in group), stamp=stamp, detail=names)

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Rows with the columns of `WEB_LAYOUT`. Raises InputError for a file that is gone or may not be read."""
        yield from batches_of((self._row(path) for path in json.loads(shard.detail)), WEB_LAYOUT)

    def _row(self, path: str) -> tuple[dict[str, object], int]:
        name = self.name_of(path)
        row: dict[str, object] = {schema.ID: name, schema.SOURCE: self.source}
        if self.url_prefix is not None:
            row[schema.URL] = self.url_prefix + quote(name)
        with open_binary(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size > self.max_file_bytes:
                return row | {schema.DROP_REASON: "too_large", schema.DROP_VALUE: size}, 0
            stream.seek(0)
            body = stream.read()
        believed = "text/html" if path.lower().endswith(_ENDINGS) else None
        if not looks_like_html(believed, body):
            return row | {schema.DROP_REASON: "not_html"}, 0
        return row | {schema.HTML: body}, size

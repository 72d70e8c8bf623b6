"""The n-grams of lines: what `ngram_bloom` remembers of a text, and how a Bloom filter sifts its lines."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.bloom import holds, put
from textmill.dedup.normalize import normalize
from textmill.dedup.passages import Keys, Passages, pack, seed_keys, unit_texts, unpack, window_keys
from textmill.dedup.sketches import read_sketches
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.exchange import Portion
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.documents import count_code_points
from textmill.pipeline.kernels.hashing import fmix64, hash_texts
from textmill.pipeline.kernels.unicode import unicode_tables
from textmill.pipeline.kernels.units import count_trailing_spaces, split_lines_whole
from textmill.pipeline.kernels.words import split_words

_COLUMNS: Final = ("keys", "counts", "sizes", "tails")


class Lines(NamedTuple):
    """The lines of the documents of a portion, and their words.

    first: int64, rows + 1; the lines of row i are ``first[i]:first[i + 1]`` of sizes, tails and `words`.
    words: int64, lines + 1; the words of line j are ``words[j]:words[j + 1]`` of keys. ids, shards: as `Passages`.
    """

    first: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    keys: Keys
    sizes: npt.NDArray[np.int64]
    tails: npt.NDArray[np.int64]
    ids: pa.Array
    shards: Sequence[int]

    def passages(self) -> Passages:
        """The lines as units, without keys."""
        return Passages(self.first, np.empty(0, np.uint64), self.sizes, self.tails, self.ids, self.shards)


def sketch_lines(
    texts: pa.Array, variant: Literal["whitespace", "lowercase", "letters"], seeds: npt.NDArray[np.uint64]
) -> pa.RecordBatch:
    """`keys` of a text's words, and `counts` (of words), `sizes` and `tails` of its lines, packed."""
    data, offsets, _ = text_buffers(texts)
    lines = split_lines_whole(data, offsets)
    if variant == "letters":
        folded, ends, _ = text_buffers(normalize(unit_texts(data, lines), variant))
        words = split_words(folded, ends)
    else:
        words = split_words(data, lines.offsets)
    keys = words.cased_keys if variant == "whitespace" else words.keys
    first_word = words.first[lines.first]
    columns = {
        "keys": pack(first_word, seed_keys(keys, np.repeat(seeds, np.diff(first_word)))),
        "counts": pack(lines.first, np.diff(words.first).astype(np.int32)),
        "sizes": pack(lines.first, count_code_points(data, lines.offsets).astype(np.int32)),
        "tails": pack(lines.first, count_trailing_spaces(data, lines.offsets, unicode_tables())),
    }
    return pa.RecordBatch.from_pydict(columns)


def read_lines(portion: Portion, *, words: bool) -> Lines:
    """The sketches of a portion of shards, with the keys of words if wanted."""
    columns = _COLUMNS if words else _COLUMNS[1:]
    rows, shards = read_sketches(portion, (schema.ID, *columns))
    keys = unpack(rows.column("keys"), np.uint64)[1] if words else np.empty(0, np.uint64)
    _, counts = unpack(rows.column("counts"), np.int32)
    _, tails = unpack(rows.column("tails"), np.int32)
    first, sizes = unpack(rows.column("sizes"), np.int32)
    word = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    ids = rows.column(schema.ID).combine_chunks()
    return Lines(first, word, keys, sizes.astype(np.int64), tails.astype(np.int64), ids, shards)


def groups_of(ids: pa.Array, groups: int) -> npt.NDArray[np.int64]:
    """The group of each document, by a hash of its id."""
    if groups == 1:
        return np.zeros(len(ids), np.int64)
    data, offsets, _ = text_buffers(ids)
    return (hash_texts(data, offsets) % np.uint64(groups)).astype(np.int64)


def count_grams(lines: Lines, size: int, least: int) -> npt.NDArray[np.int64]:
    """The n-grams of each document."""
    words = np.diff(lines.words)
    grams = np.where(words >= size, words - size + 1, (words >= least).astype(np.int64))
    totals = np.concatenate([[0], np.cumsum(grams)])
    return np.asarray(totals[lines.first[1:]] - totals[lines.first[:-1]])


class Sifted(NamedTuple):
    """Shares of known n-grams, 0 where there are none: of each line, of each document; and the bits that were set."""

    line_shares: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    added: int


def sift_lines(
    bits: npt.NDArray[np.uint64],
    hashes: int,
    lines: Lines,
    mine: npt.NDArray[np.bool_],
    rule: tuple[int, int, float],
) -> Sifted:
    """What a filter knows of each line, one after another, of the documents that are `mine`.

    bits: the filter, which gains the lines that stay.
    rule: words of an n-gram, words that a line needs, and the share above which it goes.
    """
    size, least, threshold = rule
    grams = window_keys(lines.words, lines.keys, size)
    return _sift(bits, hashes, lines[:3], (grams, mine), (size, least, threshold))


@kernel
def _sift(
    bits: npt.NDArray[np.uint64],
    hashes: int,
    lines: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Keys],
    chosen: tuple[Keys, npt.NDArray[np.bool_]],
    rule: tuple[int, int, float],
) -> Sifted:
    first, words, keys = lines
    grams, mine = chosen
    size, least, threshold = rule
    line_shares, shares = np.zeros(len(words) - 1), np.zeros(len(first) - 1)
    own = np.empty(1, np.uint64)
    added = 0
    for row in range(len(first) - 1):
        known, total = 0, 0
        for line in range(first[row], first[row + 1]):
            begin, count = words[line], words[line + 1] - words[line]
            if not mine[row] or count < least or count == 0:
                continue
            if count >= size:
                wanted = grams[begin : begin + count - size + 1]
            else:
                own[0] = fmix64(np.uint64(count))
                for word in range(begin, begin + count):
                    own[0] = fmix64(own[0] ^ keys[word])
                wanted = own
            found = 0
            for gram in wanted:
                found += holds(bits, hashes, gram)
            line_shares[line] = found / len(wanted)
            if line_shares[line] <= threshold:
                for gram in wanted:
                    added += put(bits, hashes, gram)
            known, total = known + found, total + len(wanted)
        if total:
            shares[row] = known / total
    return Sifted(line_shares, shares, added)

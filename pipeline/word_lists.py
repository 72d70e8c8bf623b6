"""Finds the words and phrases of lists in texts, whole ones, in any case; for a filter and for a scorer."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline.errors import InputError
from textmill.pipeline.lists import load_lists

ANY: Final = "any"
"""Where lists are by language, the key of those for every document."""
WITHOUT_BORDERS: Final = ("ja", "th", "zh")
"""Languages in which words do not end where letters do."""
ALLOWED: Final = ("sm", "グロ", "女の子", "性")
"""Entries of LDNOOBW that mT5 passes over (Xue et al. 2020, code)."""
_NO_WORD: Final = r"[^\p{L}\p{M}\p{N}_]"
_SPECIAL: Final = re.compile(r"([!-/:-@\[-`{-~])")


def by_language(lists: object) -> object:
    """Parameters in which a file may stand for a list of one."""
    if isinstance(lists, Mapping):
        return {name: (paths,) if isinstance(paths, str) else paths for name, paths in lists.items()}
    return lists


def load_words(paths: Sequence[str], allowed: Sequence[str]) -> frozenset[str]:
    """The entries of word lists, less those to pass over. Raises InputError."""
    words: frozenset[str] = load_lists(paths, str, frozenset)
    return words.difference(allowed)


def holds_words(texts: pa.Array, words: frozenset[str], *, borders: bool) -> pa.Array:
    """Whether an entry stands in each text; with `borders` not beside a letter, mark, number or underscore."""
    pattern = pattern_of(words, borders)
    if pattern is None:
        return pa.array([False] * len(texts), pa.bool_())
    return pc.fill_null(pc.match_substring_regex(texts, pattern, ignore_case=True), False)


def count_words(texts: pa.Array, words: frozenset[str], *, borders: bool) -> pa.Array:
    """How often entries stand in each text, from left to right, none over another: int32, 0 for a null.

    Of entries that begin alike the first in order of code points counts. With `borders`, one that begins or ends with
    a sign counts once where it follows itself at once.
    """
    pattern = _counting_pattern(words, borders)
    if pattern is None:
        return pa.array([0] * len(texts), pa.int32())
    if borders:  # what ends one entry may begin the next
        texts = pc.replace_substring_regex(texts, _NO_WORD, r"\0\0")
    return pc.fill_null(pc.count_substring_regex(texts, pattern, ignore_case=True), 0).cast(pa.int32())


@lru_cache(maxsize=64)
def pattern_of(words: frozenset[str], borders: bool) -> str | None:
    """A regular expression of RE2; None for an empty list. Raises InputError for more words than it can hold."""
    if not words:
        return None
    either = "|".join(_SPECIAL.sub(r"\\\1", word) for word in sorted(words))
    pattern = f"(?:^|{_NO_WORD})(?:{either})(?:{_NO_WORD}|$)" if borders else either
    try:
        pc.match_substring_regex(pa.array([""]), pattern, ignore_case=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"a list of {len(words)} entries is too long: {error}") from error
    return pattern


@lru_cache(maxsize=64)
def _counting_pattern(words: frozenset[str], borders: bool) -> str | None:
    """As `pattern_of`, for texts in which all that is no part of a word stands twice."""
    if not borders or not words:
        return pattern_of(words, borders)
    doubled = pc.replace_substring_regex(pa.array(sorted(words)), _NO_WORD, r"\0\0")
    return pattern_of(frozenset(doubled.to_pylist()), borders)

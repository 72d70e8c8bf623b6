"""What a document says more than once: lines, paragraphs, and n-grams of words.

Two things are held to be equal when their 64-bit hashes are. Among the N lines, or n-grams of one n, of a
document some pair is wrongly so with a chance below N² / 2⁶⁵: 3 · 10⁻¹⁰ for 100,000 words.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64

Numbers: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)

TOP_SIZES: Final = (2, 3, 4)
DUPLICATE_SIZES: Final = (5, 6, 7, 8, 9, 10)
_SMALLEST_DUPLICATE: Final = DUPLICATE_SIZES[0]
_LARGEST: Final = DUPLICATE_SIZES[-1]


class _Groups(NamedTuple):
    """Which of a list of keys are equal.

    leader[i]: where the i-th key stands first. size[leader[i]]: how often it stands in the list.
    met: for those who go through the list, False at first. slots: a hash table of leaders.
    """

    leader: Numbers
    size: Numbers
    slots: Numbers
    met: npt.NDArray[np.bool_]


@kernel
def _groups(first: Numbers) -> _Groups:
    """Room for the items of any of the documents."""
    longest = 0
    for document in range(len(first) - 1):
        longest = max(longest, first[document + 1] - first[document])
    slots = 2
    while slots < 2 * longest:
        slots *= 2
    return _Groups(
        np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(slots, np.int64), np.empty(longest, np.bool_)
    )


@kernel
def _group(keys: Hashes, count: int, groups: _Groups) -> None:
    """Compare the first `count` keys."""
    slots = 2
    while slots < 2 * count:
        slots *= 2
    groups.slots[:slots] = -1
    groups.size[:count] = 0
    groups.met[:count] = False
    mask = np.uint64(slots - 1)
    for i in range(count):
        slot = np.int64(fmix64(keys[i]) & mask)
        while groups.slots[slot] >= 0 and keys[groups.slots[slot]] != keys[i]:
            slot = (slot + 1) & (slots - 1)
        if groups.slots[slot] < 0:
            groups.slots[slot] = i
        groups.leader[i] = groups.slots[slot]
        groups.size[groups.leader[i]] += 1


class Repeats(NamedTuple):
    """How many items of each document have an equal, and the characters in them. int64, length n each.

    all, all_chars: every item that has one. later, later_chars: without the first of each kind.
    """

    all: Numbers
    all_chars: Numbers
    later: Numbers
    later_chars: Numbers


@kernel
def repeated_items(first: Numbers, keys: Hashes, chars: Numbers) -> Repeats:
    """Compare the items (lines, say) ``first[i]:first[i + 1]`` of each document i by their keys."""
    documents = len(first) - 1
    counts = np.zeros((4, documents), np.int64)
    groups = _groups(first)
    for document in range(documents):
        begin, items = first[document], first[document + 1] - first[document]
        _group(keys[begin:], items, groups)
        for item in range(items):
            leader = groups.leader[item]
            if groups.size[leader] > 1:
                later = item != leader
                counts[0, document] += 1
                counts[1, document] += chars[begin + item]
                counts[2, document] += later
                counts[3, document] += chars[begin + item] * later
    return Repeats(counts[0], counts[1], counts[2], counts[3])


class RepeatedNgrams(NamedTuple):
    """Characters in repeated n-grams, without those between words; a row a document. int64.

    top: shape (n, 3), in all occurrences of a most frequent n-gram of 2, 3, 4 words. top_count: how many those are.
    duplicate: shape (n, 6), in repeated n-grams of 5 to 10 words.
    """

    top: Numbers
    top_count: Numbers
    duplicate: Numbers


@kernel
def _lengthen(keys: Hashes, words: int, size: int, starts: Numbers, hashes: Hashes, left: int) -> int:
    """Add a word to each n-gram, to make it `size` words, and let go the one for which none is left."""
    if left and starts[left - 1] + size > words:
        left -= 1
    for i in range(left):
        hashes[i] = hashes[i] * _BASE + keys[starts[i] + size - 1]
    return left


@kernel
def _top(starts: Numbers, left: int, size: int, before: Numbers, groups: _Groups, after_first: bool) -> tuple[int, int]:
    chars, count = (before[size] if after_first else 0), 1
    for i in range(left):
        if groups.leader[i] == i and groups.size[i] >= count:
            length = before[starts[i] + size] - before[starts[i]]
            longer = not after_first and count > 1 and length > chars
            if groups.size[i] > count or longer:
                chars, count = length, groups.size[i]
    return chars * count, count


@kernel
def _covered(starts: Numbers, left: int, size: int, before: Numbers, groups: _Groups) -> int:
    """Characters of the words in any repeated n-gram."""
    chars, reached = 0, 0
    for i in range(left):
        if groups.size[groups.leader[i]] > 1:
            end = starts[i] + size
            chars += before[end] - before[max(starts[i], reached)]
            reached = end
    return chars


@kernel
def _met_before(starts: Numbers, left: int, size: int, before: Numbers, groups: _Groups) -> int:
    """Characters of the n-grams met before, looking from left to right and passing over each that was."""
    chars, reached = 0, 0
    for i in range(left):
        if starts[i] < reached:
            continue
        if groups.met[groups.leader[i]]:
            reached = starts[i] + size
            chars += before[reached] - before[starts[i]]
        groups.met[groups.leader[i]] = True
    return chars


@kernel
def _retain_repeated(starts: Numbers, hashes: Hashes, left: int, groups: _Groups) -> int:
    retained = 0
    for i in range(left):
        if groups.size[groups.leader[i]] > 1:
            starts[retained], hashes[retained] = starts[i], hashes[i]
            retained += 1
    return retained


@kernel
def repeated_ngrams(first: Numbers, keys: Hashes, chars: npt.NDArray[np.int32], after_first: bool) -> RepeatedNgrams:
    """Compare the n-grams among the words ``first[i]:first[i + 1]`` of each document i.

    Without `after_first` the longest of the most frequent n-grams is the top one, if it occurs twice, and
    `duplicate` has each word once that is part of any repeated n-gram. With it the earliest is the top one,
    and `duplicate` has, from left to right, each n-gram that was met before and does not overlap the last such.
    """
    documents = len(first) - 1
    top, top_count = np.zeros((documents, 3), np.int64), np.zeros((documents, 3), np.int64)
    duplicate = np.zeros((documents, 6), np.int64)
    groups = _groups(first)
    longest = len(groups.leader)
    starts, hashes = np.empty(longest, np.int64), np.empty(longest, np.uint64)
    before = np.zeros(longest + 1, np.int64)  # characters before each word
    for document in range(documents):
        begin, words = first[document], first[document + 1] - first[document]
        for word in range(words):
            starts[word], hashes[word] = word, keys[begin + word]
            before[word + 1] = before[word] + chars[begin + word]
        left = words
        # An n-gram is repeated only where its first n - 1 words are: `starts` dwindle as n grows.
        for size in range(2, min(words, _LARGEST) + 1):
            left = _lengthen(keys[begin:], words, size, starts, hashes, left)
            _group(hashes, left, groups)
            if size < _SMALLEST_DUPLICATE:
                found = _top(starts, left, size, before, groups, after_first)
                top[document, size - 2], top_count[document, size - 2] = found
            else:
                column = size - _SMALLEST_DUPLICATE
                if after_first:
                    duplicate[document, column] = _met_before(starts, left, size, before, groups)
                else:
                    duplicate[document, column] = _covered(starts, left, size, before, groups)
            left = _retain_repeated(starts, hashes, left, groups)
    return RepeatedNgrams(top, top_count, duplicate)

"""SimHash fingerprints: 64 bits of which two texts share the more, the more features they share.

(Charikar 2002, Similarity estimation techniques from rounding algorithms; Manku, Jain and Das Sarma 2007,
Detecting near-duplicates for web crawling, for finding the close ones by blocks of bits.)
"""

from functools import cache
from itertools import combinations, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.dedup.components import Addresses, first_equal, flatten, join_nodes
from textmill.dedup.near import FINGERPRINT_BITS
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64

Fingerprints = npt.NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)
_PLANES: Final = 48
"""Binary digits of a counter: more features than 2⁴⁸ fit into no memory."""


@kernel
def fingerprints(first: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64]) -> Fingerprints:
    """Bit k is set where more than half of a document's features have bit k of their hash set; uint64, length n.

    A feature counts as often as it occurs. The features of document i are ``hashes[first[i]:first[i + 1]]``; a
    document without any has a fingerprint without meaning, 0.
    """
    found = np.zeros(len(first) - 1, np.uint64)
    planes = np.empty(_PLANES, np.uint64)  # plane j holds digit j of 64 counters, one a bit of the fingerprint
    for document in range(len(found)):
        planes[:] = _NONE
        count = first[document + 1] - first[document]
        for i in range(first[document], first[document + 1]):
            carry, plane = hashes[i], 0
            while carry:
                planes[plane], carry = planes[plane] ^ carry, planes[plane] & carry
                plane += 1
        for bit in range(FINGERPRINT_BITS):
            total = np.int64(0)
            for plane in range(_PLANES):
                total += np.int64((planes[plane] >> np.uint64(bit)) & _ONE) << plane
            if 2 * total > count:
                found[document] |= _ONE << np.uint64(bit)
    return found


@cache
def block_masks(blocks: int, distance: int) -> Fingerprints:
    """The bits of each choice of ``blocks - distance`` of so many blocks, as even as can be.

    Of two fingerprints that differ in at most `distance` bits, as many blocks at most differ: the others, one of
    these choices, are equal.
    """
    edges = [FINGERPRINT_BITS * number // blocks for number in range(blocks + 1)]
    block = [(1 << high) - (1 << low) for low, high in pairwise(edges)]
    masks = [sum(chosen) for chosen in combinations(block, blocks - distance)]
    return np.array(masks, np.uint64)


@kernel
def block_keys(found: Fingerprints, masks: Fingerprints, seeds: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A hash of the bits under each mask: uint64, shape (n, masks).

    Equal only for the same bits under the same mask with the same seed (length n), but for chance.
    """
    keys = np.empty((len(found), len(masks)), np.uint64)
    for document in range(len(found)):
        for choice in range(len(masks)):
            salt = fmix64(seeds[document] + np.uint64(choice + 1) * _GOLDEN)
            keys[document, choice] = fmix64(salt ^ (found[document] & masks[choice]))
    return keys


@kernel
def join_close(keys: Fingerprints, found: Fingerprints, owners: Addresses, distance: int) -> Addresses:
    """Connect all owners that share a key and differ in at most `distance` bits.

    keys, found, owners: of each row its key, the fingerprint, and whose it is; equal lengths of fewer than 2³¹. For
    each row one of the same connected owners, the same for all of them. Equal fingerprints of a key are one from then
    on, so that a text that many documents share costs no more than another. Rows are brought together by hash tables:
    sorting them took longer than all else.
    """
    group, own = first_equal(keys), first_equal(_mixed(owners))
    start = np.zeros(len(keys) + 1, np.int64)
    for first in group:
        start[first + 1] += 1
    start = np.cumsum(start)
    members, at = np.empty(len(keys), np.int64), start.copy()
    for row in range(len(keys)):
        members[at[group[row]]] = row
        at[group[row]] += 1
    parent = np.arange(len(keys))
    for first in range(len(keys)):
        _join_members(members[start[first] : start[first + 1]], found, own, distance, parent)
    flatten(parent)
    return owners[parent[own]]


@kernel
def _join_members(
    members: Addresses, found: Fingerprints, own: npt.NDArray[np.int32], distance: int, parent: Addresses
) -> None:
    """Join the rows of one key; afterwards the first of `members` are the different fingerprints."""
    held = 0
    for row in members:
        new = True
        for head in members[:held]:
            apart = _bits(found[row] ^ found[head])
            if apart <= distance:
                join_nodes(parent, own[row], own[head])
            if apart == 0:
                new = False
                break
        if new:
            members[held] = row
            held += 1


@kernel
def _mixed(numbers: Addresses) -> npt.NDArray[np.uint64]:
    mixed = np.empty(len(numbers), np.uint64)
    for i in range(len(numbers)):
        mixed[i] = fmix64(np.uint64(numbers[i]))
    return mixed


@kernel
def _bits(number: np.uint64) -> np.int64:
    """How many bits are set (Warren, Hacker's Delight, 5-1)."""
    number -= (number >> np.uint64(1)) & np.uint64(0x5555555555555555)
    number = (number & np.uint64(0x3333333333333333)) + ((number >> np.uint64(2)) & np.uint64(0x3333333333333333))
    number = (number + (number >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((number * np.uint64(0x0101010101010101)) >> np.uint64(56))

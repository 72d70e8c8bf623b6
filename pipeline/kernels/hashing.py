"""Mixes the bits of whole numbers, and of bytes, so that each bit of the result depends on all of them."""

from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel

_SHIFT_64: Final = np.uint64(33)
_FIRST_64: Final = np.uint64(0xFF51AFD7ED558CCD)
_SECOND_64: Final = np.uint64(0xC4CEB9FE1A85EC53)
_FIRST_32: Final = np.uint32(0x85EBCA6B)
_SECOND_32: Final = np.uint32(0xC2B2AE35)


@kernel
def fmix64(number: np.uint64) -> np.uint64:
    """A permutation of the 64-bit numbers: MurmurHash3's finalizer."""
    number = (number ^ (number >> _SHIFT_64)) * _FIRST_64
    number = (number ^ (number >> _SHIFT_64)) * _SECOND_64
    return number ^ (number >> _SHIFT_64)


@kernel
def fmix32(number: np.uint32) -> np.uint32:
    """A permutation of the 32-bit numbers: MurmurHash3's finalizer."""
    number = np.uint32((number ^ (number >> np.uint32(16))) * _FIRST_32)
    number = np.uint32((number ^ (number >> np.uint32(13))) * _SECOND_32)
    return np.uint32(number ^ (number >> np.uint32(16)))


_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)


@kernel
def hash_texts(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The XXH64, with seed 0, of each of the texts given as bytes and n + 1 offsets into them."""
    keys = np.empty(len(offsets) - 1, np.uint64)
    for text in range(len(keys)):
        at, stop = offsets[text], offsets[text + 1]
        length = np.uint64(stop - at)
        if stop - at >= 32:
            a, b, c, d = _P1 + _P2, _P2, np.uint64(0), np.uint64(0) - _P1
            while at <= stop - 32:
                a, b = _round(a, _word(data, at)), _round(b, _word(data, at + 8))
                c, d = _round(c, _word(data, at + 16)), _round(d, _word(data, at + 24))
                at += 32
            key = _rotate(a, 1) + _rotate(b, 7) + _rotate(c, 12) + _rotate(d, 18)
            for lane in (a, b, c, d):
                key = (key ^ _round(np.uint64(0), lane)) * _P1 + _P4
        else:
            key = _P5
        key += length
        while at <= stop - 8:
            key = _rotate(key ^ _round(np.uint64(0), _word(data, at)), 27) * _P1 + _P4
            at += 8
        if at <= stop - 4:
            half = np.uint64(0)
            for i in range(4):
                half |= np.uint64(data[at + i]) << np.uint64(8 * i)
            key = _rotate(key ^ (half * _P1), 23) * _P2 + _P3
            at += 4
        while at < stop:
            key = _rotate(key ^ (np.uint64(data[at]) * _P5), 11) * _P1
            at += 1
        key = (key ^ (key >> np.uint64(33))) * _P2
        key = (key ^ (key >> np.uint64(29))) * _P3
        keys[text] = key ^ (key >> np.uint64(32))
    return keys


@kernel
def _word(data: npt.NDArray[np.uint8], at: int) -> np.uint64:
    """Eight bytes, the first the lowest."""
    word = np.uint64(0)
    for i in range(8):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@kernel
def _rotate(number: np.uint64, bits: int) -> np.uint64:
    return (number << np.uint64(bits)) | (number >> np.uint64(64 - bits))


@kernel
def _round(lane: np.uint64, word: np.uint64) -> np.uint64:
    return _rotate(lane + word * _P2, 31) * _P1

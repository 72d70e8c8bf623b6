"""Mixes the bits of whole numbers, so that each bit of the result depends on all of them."""

from typing import Final

import numpy as np

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

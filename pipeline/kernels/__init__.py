"""Loops over text in numba, on numpy arrays; each has a slow twin in tests/naive.py."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function of arrays and numbers, once for all processes, to run without the GIL.

    The compiled code is kept beside the source and outlives a change in another file that it calls:
    after editing one kernel module, delete ``__pycache__/*.nbi`` of those that import it.
    """
    return cast("F", njit(cache=True, nogil=True)(function))

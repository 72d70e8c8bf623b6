"""Loops over text in numba, on numpy arrays; each has a slow twin in tests/naive*.py."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, SupportsInt, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_KERNEL: Final[dict[str, Any]] = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
_PART: Final[dict[str, Any]] = {
    "nogil": True,
    "forceinline": True,
    "no_cfunc_wrapper": True,
    "no_cpython_wrapper": True,
}


def kernel(function: F) -> F:
    """Compile a function of arrays and numbers, once for all processes, to run without the GIL.

    The compiled code is kept beside the source and outlives a change in another file that it calls:
    after editing one kernel module, delete ``__pycache__/*.nbi`` of those that import it.
    """
    return cast("F", njit(**_KERNEL)(function))


def part(function: F) -> F:
    """Compile a function into the kernels that call it: for what is small, or stands for one passage of one kernel.

    Only kernels and other parts may call it, else Python crashes; `tests/pipeline/kernels/test_parts.py` sees to that.
    What Python needs to call it is left out, so there is less to compile; its arguments cost nothing.
    """
    return cast("F", njit(**_PART)(function))


@contextmanager
def compiling() -> Iterator[None]:
    """For the first call of many kernels: garbage waits until they are compiled, for a fourteenth less time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@part
def wide(number: SupportsInt) -> int:
    """As int64, so that what is given it is not compiled twice: for this, and for numbers of 32 bits."""
    return int(number) * 1

"""Arrays that kernels pass around without counting references.

numba counts a reference, by an atomic instruction, for every array of every tuple that a function is given; for
functions that handle one token of a page each, that is more than half of their time.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

A = TypeVar("A")


def _borrowed(_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        copy = cast("Any", make_array)(array)(context, builder, value=arguments[0])
        copy.meminfo = cast("Any", cgutils).get_null_value(copy.meminfo.type)
        copy.parent = cast("Any", cgutils).get_null_value(copy.parent.type)
        return copy._getvalue()

    return array(array), generate


borrowed = cast("Callable[[A], A]", intrinsic(_borrowed))
"""The same array, uncounted. Whoever calls must hold the array itself until the last use of this one."""

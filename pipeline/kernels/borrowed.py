"""Arrays that kernels pass around without counting references.

numba counts a reference, by an atomic instruction, for every array of every tuple that a function is given; for functions
that handle one token of a page each, that is more than half of their time.
"""

from typing import Any

from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


@intrinsic  # type: ignore[untyped-decorator]
def borrowed(_context: Any, array: Any) -> Any:
    """The same array, uncounted. Whoever calls must hold the array itself until the last use of this one."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        copy = make_array(array)(context, builder, value=arguments[0])
        copy.meminfo = cgutils.get_null_value(copy.meminfo.type)
        copy.parent = cgutils.get_null_value(copy.parent.type)
        return copy._getvalue()

    return array(array), generate

"""How the scripts of this folder time what they compare."""

import time
from collections.abc import Callable


def seconds(run: Callable[[], object], times: int = 5) -> float:
    """The best of several runs, after one to warm up unless it is to run once."""
    if times > 1:
        run()
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        spans.append(time.perf_counter() - start)
    return min(spans)

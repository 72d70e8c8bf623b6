"""How the scripts of this folder time what they compare, and what memory it takes."""

import resource
import time
from collections.abc import Callable


def seconds(run: Callable[[], object], times: int = 5, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """The best of several runs, after one to warm up unless it is to run once."""
    if times > 1:
        run()
    spans = []
    for _ in range(times):
        start = clock()
        run()
        spans.append(clock() - start)
    return min(spans)


def processor_seconds(run: Callable[[], object], times: int = 5) -> float:
    """As `seconds`, of this process's time on a processor: what other processes do matters less."""
    return seconds(run, times, clock=time.process_time)


def peak(*_: object) -> int:
    """The most memory that this process ever took, MiB; also as a task, of the process that tasks run in."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

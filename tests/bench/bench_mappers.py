"""How fast mappers are on one core, beside their slow twins in plain Python, in processor time of one run.

``python tests/bench/bench_mappers.py`` uses texts of the folder named by TEXTMILL_TEST_DATA, else of a synthetic crawl.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from bench_filters import batches, documents, forget

from textmill.pipeline.mappers.c4_lines import C4Lines
from textmill.pipeline.mappers.drop_lines import DropLines
from textmill.pipeline.mappers.fix_text import FixText
from textmill.pipeline.mappers.mask_pii import MaskPii
from textmill.pipeline.mappers.normalize_whitespace import NormalizeWhitespace
from textmill.pipeline.mappers.refinedweb_lines import RefinedwebLines
from textmill.pipeline.step import Mapper
from textmill.pipeline.testing import batch_of

sys.path.insert(0, str(Path(__file__).parent.parent))
EVERY = 20  # the twins have every so many texts


def main() -> None:
    """Print MB/s, and the ratio to the twin where there is one."""
    import naive

    texts = [text for text, _ in documents()]
    few = texts[::EVERY]
    twins: list[tuple[Mapper, Callable[[str], object] | None]] = [
        (MaskPii(), None),
        (MaskPii(phones=True), None),
        (NormalizeWhitespace(), lambda text: naive.normalize_whitespace(text, 2, True)),
        (C4Lines(), lambda text: naive.c4_lines(text, C4Lines().model_dump())),
        (RefinedwebLines(), lambda text: naive.refinedweb_lines(text, RefinedwebLines().model_dump())),
        (DropLines(), None),
        *([(FixText(), None)] if find_spec("ftfy") else []),
    ]
    for step, twin in twins:
        # fix_text is slow enough to be measured on few
        chosen = few if isinstance(step, FixText) else texts
        ours = megabytes(chosen) / cpu_seconds(lambda step=step, chosen=chosen: rewrite(step, chosen))
        line = f"{type(step).__name__}{' with phones' if getattr(step, 'phones', False) else ''}: {ours:.0f} MB/s"
        if twin:
            plain = megabytes(few) / cpu_seconds(lambda twin=twin: [twin(text) for text in few], times=1)
            line += f"; plain Python {plain:.1f}; ratio {ours / plain:.0f}"
        print(line, flush=True)


def rewrite(step: Mapper, texts: list[str]) -> None:
    for batch in batches(batch_of(texts)):
        forget()
        step.apply(batch)


def megabytes(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def cpu_seconds(work: Callable[[], object], times: int = 3) -> float:
    """Processor time of the fastest of so many runs, after one that compiles."""
    found = []
    if times > 1:
        work()
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


if __name__ == "__main__":
    main()

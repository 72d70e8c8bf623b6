"""Times datatrove's four filters, each with its defaults, in an environment of its own; used by bench_filters.py.

``python datatrove_filters.py texts.jsonl`` prints the seconds that each took, and how many texts it dropped or
raised an exception on.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)


def main(path: str) -> None:
    texts = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for kind in (GopherRepetitionFilter, GopherQualityFilter, C4QualityFilter, FineWebQualityFilter):
        judge = kind()
        drops(judge, texts[0])  # loads the tokeniser
        start = time.perf_counter()
        dropped = sum(drops(judge, text) for text in texts)
        print(json.dumps({"filter": kind.__name__, "seconds": time.perf_counter() - start, "dropped": dropped}))


def drops(judge: object, text: str) -> bool:
    try:
        return judge.filter(Document(text=text, id="")) is not True  # type: ignore[attr-defined]
    except (ValueError, ZeroDivisionError):  # on texts without words
        return True


if __name__ == "__main__":
    main(sys.argv[1])

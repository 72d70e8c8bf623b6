"""Asks datatrove's GopherQualityFilter about texts whose words are given; used by agree_with_others.py.

Prints the reason to drop each text as JSON, or null. Runs in an environment with datatrove.
"""

import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import gopher_quality_filter as module


def main(path: str) -> None:
    judge = module.GopherQualityFilter()
    for line in Path(path).read_text().split("\n")[:-1]:
        text, words = json.loads(line)
        module.split_into_words = lambda *_, words=words: words
        verdict = judge.filter(Document(text=text, id=""))
        print(json.dumps(None if verdict is True else verdict[1]))


if __name__ == "__main__":
    main(sys.argv[1])

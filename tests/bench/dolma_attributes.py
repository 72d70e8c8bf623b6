"""Asks dolma's Gopher and C4 taggers about texts; used by agree_with_others.py. Runs in an environment with dolma.

Prints the attributes of each text as JSON. Both split words at whitespace themselves, so given words are not needed.
"""

import json
import sys
from pathlib import Path

from dolma.taggers import c4, gopher


def main(path: str) -> None:
    for line in Path(path).read_text().split("\n")[:-1]:
        text, _ = json.loads(line)
        said, page = vars(gopher.get_attributes(text, ignore_empty_lines=True)), vars(c4.get_attributes(text))
        numbers = {name: value for name, value in (said | page).items() if isinstance(value, (bool, int, float))}
        print(json.dumps(numbers))


if __name__ == "__main__":
    main(sys.argv[1])

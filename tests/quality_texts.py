"""Two kinds of small documents that differ in style, for training and trying quality classifiers."""

import json
import random
from collections.abc import Sequence
from pathlib import Path


def words_of(line: str) -> list[str]:
    return line.split()


CLEAN = words_of("the river committee library history of analysis because research method describes evidence which was")
NOISY = words_of("click here buy now cheap free shipping sale login cart subscribe cookies accept best price deal")
SHARED = words_of("and to in a for with on is it this page people time year 2019 new")


def documents(words: Sequence[str], count: int, seed: int, lines: int = 4) -> list[str]:
    """Texts of a few lines, half of whose words are of one kind and half of both."""
    chance = random.Random(seed)
    return [
        "\n".join(
            " ".join(chance.choice([chance.choice(words), chance.choice(SHARED)]) for _ in range(8)) + "."
            for _ in range(lines)
        )
        for _ in range(count)
    ]


def write_jsonl(path: Path, texts: Sequence[str], **columns: Sequence[object]) -> Path:
    """Documents with other columns by name; the id tells file and number."""
    rows = [{"id": f"{path.stem}-{i}", "text": text} for i, text in enumerate(texts)]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value  # type: ignore[assignment]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path

"""Clean text in many languages from the shared real texts, and ways to break it.

``python tests/language_texts.py DATA OUT`` writes the half of it from which the packaged language files are derived
(docs/languages.md); tests look at the other half.
"""

import json
import random
import re
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import zstandard

LANGUAGES = "en de fr es it fi sv tr pl vi sw ru uk el ar hi ko zh ja th am".split()  # noqa: SIM905
UNSPACED = {"zh", "ja", "th"}
MANUALS = {"zh", "ja"}
"""Languages with so little else that manuals are taken as well."""
NAMES = {"fra": "fr", "swa": "sw", "amh": "am", "no": "nb", "zh_CN": "zh"}
FOLDERS = (
    "wiki/boolq_passages",
    "legal/german_federal_law",
    "web/fincore_registers",
    "web/swecore_registers",
    "lid/global_asp_stories",
)
NEWS = ("news/masakhanews_dev", "news/masakhanews_test", "news/extraction_gold_news")
SENTENCES = 600
"""Characters that single sentences are joined to."""
PASSAGE = 3000
"""Characters at which a long document is cut, at the end of a line."""


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def clean_texts(real_data: Path, languages: list[str] = LANGUAGES) -> dict[str, list[str]]:
    """Documents by language, in an order that has nothing to do with where they come from."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in (*FOLDERS, *NEWS):
        for row in rows_of(real_data / f"text/{name}.jsonl.zst"):
            text = re.sub(r"^#+ ?", "", row["text"], flags=re.MULTILINE) if "stories" in name else row["text"]
            found[NAMES.get(row["lang"], row["lang"])].update(passages(text))
    sentences: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(real_data / "text/lid/lingua_sentences.jsonl.zst"):
        sentences[row["lang"]].append(row["text"])
    for language, several in sentences.items():
        size = 1 + SENTENCES * len(several) // sum(map(len, several))
        groups = [several[i : i + size] for i in range(0, len(several) - size + 1, size)]
        found[language].update((" " if i % 2 else "\n").join(group) for i, group in enumerate(groups))
    for row in rows_of(real_data / "text/lid/debian_manpages.jsonl.zst"):
        if (language := NAMES.get(row["lang"], row["lang"])) in MANUALS:
            found[language].update(passages(row["text"]))
    for row in pq.read_table(real_data / "extraction.parquet", columns=["set", "gold_text"]).to_pylist():
        if row["set"] == "zh-wce":
            found["zh"].update(passages(row["gold_text"]))
    long_enough = {name: [text for text in found[name] if is_long(text, name)] for name in languages}
    return {name: sorted(texts, key=lambda text: zlib.crc32(text.encode())) for name, texts in long_enough.items()}


def is_long(text: str, language: str) -> bool:
    """Whether it has more than the 50 words that Gopher asks for in every language, most of them in its script."""
    if language in UNSPACED:
        return len(text) >= 250 and sum(letter > "\u0e00" for letter in text) > 0.6 * len("".join(text.split()))
    return len(text.split()) > 50


def passages(text: str) -> Iterator[str]:
    """The document in pieces of whole lines, each of about `PASSAGE` characters; eight of them at most."""
    pieces = [""]
    for line in filter(None, map(str.strip, text.split("\n"))):
        if len(pieces[-1]) > PASSAGE:
            pieces.append("")
        pieces[-1] += f"{line}\n"
    return (piece.strip() for piece in pieces[:8])


def halves(texts: list[str]) -> tuple[list[str], list[str]]:
    """Those to derive from, and those to judge by."""
    return texts[::2], texts[1::2]


def mojibake(text: str, others: list[str], chance: random.Random) -> str:
    """UTF-8 read as Windows-1252, as pages with a wrong charset are."""
    return text.encode().decode("cp1252", "replace")


def twice_mojibake(text: str, others: list[str], chance: random.Random) -> str:
    return text.encode().decode("latin-1").encode().decode("latin-1")


def shuffled_characters(text: str, others: list[str], chance: random.Random) -> str:
    return "".join(chance.sample(text, len(text)))


def shuffled_letters(text: str, others: list[str], chance: random.Random) -> str:
    """Spaces, digits and punctuation stay where they are; letters change places all over the document."""
    letters = [c for c in text if c.isalpha()]
    chance.shuffle(letters)
    drawn = iter(letters)
    return "".join(next(drawn) if c.isalpha() else c for c in text)


def without_spaces(text: str, others: list[str], chance: random.Random) -> str:
    return "".join(text.split())


def spaced_out(text: str, others: list[str], chance: random.Random) -> str:
    return " ".join("".join(text.split()))


def symbol_noise(text: str, others: list[str], chance: random.Random) -> str:
    """Half of the characters are others, as of a binary file or a bad scan."""
    return "".join(chance.choice("#@%&*~^|<>=+/\\$_0123456789") if chance.random() < 0.5 else c for c in text)


def repeated(text: str, others: list[str], chance: random.Random) -> str:
    """Three sentences' worth of the text, over and over."""
    piece = text[: max(len(text) // 10, 60)]
    return " ".join([piece] * 10)


def repeated_lines(text: str, others: list[str], chance: random.Random) -> str:
    lines = (text.split("\n") + [other[:80] for other in others])[:4]
    return "\n".join(chance.choices(lines, k=30))


def menu(text: str, others: list[str], chance: random.Random) -> str:
    """A word or two a line, as of navigation."""
    words = text.split()
    if sum(map(len, words)) > 12 * len(words):  # a script without spaces
        words = [text[i : i + 3] for i in range(0, len(text), 3)]
    return "\n".join(words)


def keyword_spam(text: str, others: list[str], chance: random.Random) -> str:
    """A handful of words of several documents in random order."""
    words = [w for other in (text, *others) for w in re.findall(r"\w{2,6}", other)][:4000]
    return " ".join(chance.choices(chance.sample(words, min(len(words), 12)), k=200))


def shuffled_words(text: str, others: list[str], chance: random.Random) -> str:
    """The words of several documents in random order: each is right, none follows from the last."""
    words = [word for other in (text, *others) for word in other.split()]
    return " ".join(chance.sample(words, min(len(words), 300)))


BREAKINGS = [
    *(mojibake, twice_mojibake, shuffled_characters, shuffled_letters, without_spaces, spaced_out),
    *(symbol_noise, repeated, repeated_lines, menu, keyword_spam, shuffled_words),
]


def broken(texts: list[str], breaking: Any) -> list[str]:
    chance = random.Random(breaking.__name__)
    return [breaking(text, texts[i + 1 : i + 4], chance) for i, text in enumerate(texts)]


def main() -> None:
    """Write the half to derive from, a JSON line a document."""
    data, out = map(Path, sys.argv[1:])
    with out.open("w", encoding="utf-8") as stream:
        for language, texts in clean_texts(data).items():
            for i, text in enumerate(halves(texts)[0]):
                stream.write(json.dumps({"id": f"{language}-{i}", "language": language, "text": text}) + "\n")


if __name__ == "__main__":
    main()

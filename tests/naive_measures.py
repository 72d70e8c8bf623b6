"""Slow, obvious twin of the kernels that measure the text of blocks."""

from dataclasses import dataclass

from naive_hints import seeded_key
from naive_layout import Writer, is_unspaced

from textmill.pipeline.extraction.stopwords import stop_words
from textmill.pipeline.kernels.unicode import unicode_tables

COMMAS = ",;|،؛、，；"
ENDS = ".!?。！？．؟۔।॥…։"


@dataclass
class Measures:
    """What a block's text is like; see `pipeline/extraction/measures.py`."""

    words: float = 0
    stops: int = 0
    commas: int = 0
    sentences: int = 0
    digits: int = 0
    capitalized: int = 0
    unspaced: int = 0
    title_words: int = 0
    first: int = 0
    last: int = 0


def kind(letter: str) -> str:
    if letter in COMMAS:
        return "comma"
    if letter in ENDS:
        return "end"
    if letter in ":：":
        return "colon"
    if letter.isascii():
        return "word" if letter.isalnum() or letter == "'" else ""
    if is_unspaced(letter):
        return "alone"
    is_mark = letter in "«»" or "\u2010" <= letter <= "\u205f" or "\u3000" <= letter <= "\u303f"
    return "" if is_mark or "\uff00" <= letter <= "\uff0f" else "word"


def words_of(text: str) -> list[str]:
    return "".join(letter if kind(letter) == "word" else " " for letter in text).split(" ")


def word_key(word: str) -> int:
    lower = unicode_tables().lower
    plain = "".join(chr(lower[ord(letter)]) if ord(letter) < len(lower) else letter for letter in word)
    return seeded_key(plain.encode(), 0)


def title_keys(page: Writer) -> set[int]:
    title = page.page[slice(*page.title)].decode("utf-8", "replace")
    return {word_key(word) % 4096 for word in words_of(title) if len(word) > 2}


def measure(text: str, title: set[int]) -> Measures:
    plain = text.replace("\1", "").replace("\2", "")
    words = [word for word in words_of(plain) if word]
    kinds = [kind(letter) for letter in plain]
    shown = [letter for letter in plain if letter > " "]
    stops = stop_words()
    return Measures(
        words=len(words) + 0.5 * kinds.count("alone"),
        stops=sum(int(stops[word_key(word) % len(stops)]) for word in words),
        commas=kinds.count("comma"),
        sentences=kinds.count("end"),
        digits=sum(letter in "0123456789" for letter in plain),
        capitalized=sum(word[0].isupper() for word in words),
        unspaced=kinds.count("alone"),
        title_words=sum(word_key(word) % 4096 in title for word in words),
        first=first_kind(shown[0]) if shown else 0,
        last={"comma": 1, "colon": 2, "end": 3}.get(kind(shown[-1]) if shown else "", 0),
    )


def first_kind(letter: str) -> int:
    if letter in "0123456789":
        return 3
    if letter.isupper():
        return 2
    if letter.isalpha():
        return 1 if letter < "\u0590" or "\u1c80" <= letter < "\u2000" else 4
    return 0

"""The quality signals of RedPajama-v2, slow and obvious, from what its paper and code say of each."""

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any


def normalize(text: str) -> str:
    """Without punctuation, lower case, decomposed; white space as it was."""
    bare = text.translate(str.maketrans("", "", string.punctuation))
    return unicodedata.normalize("NFD", bare.lower())


def share(part: float, whole: float) -> float | None:
    return round(part / whole, 8) if whole else None


def natural_language(text: str, stop_words: Sequence[str] = ()) -> dict[str, float | None]:
    raw, words = re.findall(r"\w+|[^\w\s]+", text), normalize(text).split()
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    counts = Counter(words)
    entropy = -sum(n / len(words) * math.log(n / len(words)) for n in counts.values())
    return {
        "rps_doc_word_count": float(len(words)),
        "rps_doc_num_sentences": float(len(re.findall(r"\b[^.!?]+[.!?]*", text))),
        "rps_doc_mean_word_length": share(sum(map(len, words)), len(words)),
        "rps_doc_symbol_to_word_ratio": share(sum(text.count(s) for s in ("#", "...", "…")), len(raw)),
        "rps_doc_frac_lines_end_with_ellipsis": share(
            sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)
        ),
        "rps_doc_frac_no_alph_words": share(sum(not re.search("[a-zA-Z]", word) for word in raw), len(raw)),
        "rps_doc_frac_unique_words": share(len(counts), len(words)),
        "rps_doc_unigram_entropy": round(entropy, 8) if words else None,
        "rps_doc_frac_all_caps_words": share(sum(word.isupper() for word in raw), len(raw)),
        "rps_doc_stop_word_fraction": share(sum(word in stop_words for word in raw), len(raw)),
    }


def content(text: str) -> dict[str, float]:
    joined = " ".join(normalize(text).split())
    words = joined.split()
    pairs = sum(pair == ("lorem", "ipsum") for pair in pairwise(words))
    return {
        "rps_doc_curly_bracket": share(text.count("{") + text.count("}"), len(text)) or 0.0,
        "rps_doc_lorem_ipsum": share(pairs, len(joined)) or 0.0,
    }


def repetition(text: str) -> dict[str, float]:
    words = normalize(text).split()
    chars = sum(map(len, words))
    found = {}
    for size in (2, 3, 4):
        grams = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
        gram, count = grams.most_common(1)[0] if grams else ((), 0)
        found[f"rps_doc_frac_chars_top_{size}gram"] = (share(sum(map(len, gram)) * count, chars) or 0) * (count > 1)
    for size in (5, 6, 7, 8, 9, 10):
        grams = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
        covered = {
            i + j for i in range(len(words) - size + 1) if grams[tuple(words[i : i + size])] > 1 for j in range(size)
        }
        found[f"rps_doc_frac_chars_dupe_{size}grams"] = share(sum(len(words[i]) for i in covered), chars) or 0.0
    return found


def lines(text: str) -> dict[str, list[float]]:
    raw = re.findall(r"[^\n]*\n|[^\n]+$", text)
    plain = [" ".join(normalize(line).split()) for line in raw]
    bullets = ("•", "‣", "▶", "◀", "◦", "■", "□", "▪", "▫", "–")
    values: dict[str, list[Any]] = {
        "num_words": [len(line.split()) for line in plain],
        "ending_with_terminal_punctution_mark": [line.rstrip().endswith((".", "!", "?", "”")) for line in raw],
        "uppercase_letter_fraction": [share(sum(map(str.isupper, line)), len(line)) for line in raw],
        "numerical_chars_fraction": [share(sum(map(str.isnumeric, line)), len(line)) or 0 for line in plain],
        "start_with_bulletpoint": [line.lstrip().startswith(bullets) for line in raw],
        "javascript_counts": [line.split().count("javascript") for line in plain],
    }
    return {f"rps_lines_{name}": [float(value) for value in column] for name, column in values.items()}

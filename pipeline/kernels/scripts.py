"""In which script letters are, by ISO 15924, from the names that Unicode gives them."""

import unicodedata
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import CODE_POINTS, decode

SCRIPTS: Final = {
    "LATIN": "Latn", "CYRILLIC": "Cyrl", "GREEK": "Grek", "ARABIC": "Arab", "HEBREW": "Hebr", "ARMENIAN": "Armn",
    "GEORGIAN": "Geor", "ETHIOPIC": "Ethi", "DEVANAGARI": "Deva", "BENGALI": "Beng", "GURMUKHI": "Guru",
    "GUJARATI": "Gujr", "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu", "KANNADA": "Knda", "MALAYALAM": "Mlym",
    "SINHALA": "Sinh", "THAI": "Thai", "LAO": "Laoo", "TIBETAN": "Tibt", "MYANMAR": "Mymr", "KHMER": "Khmr",
    "MONGOLIAN": "Mong", "HANGUL": "Hang", "HIRAGANA": "Hira", "KATAKANA": "Kana", "CJK": "Hani", "BOPOMOFO": "Bopo",
    "CHEROKEE": "Cher", "CANADIAN": "Cans", "SYRIAC": "Syrc", "THAANA": "Thaa", "NKO": "Nkoo", "TIFINAGH": "Tfng",
    "OL": "Olck", "MEETEI": "Mtei", "VAI": "Vaii", "ADLAM": "Adlm", "YI": "Yiii", "JAVANESE": "Java",
    "BALINESE": "Bali", "SUNDANESE": "Sund", "TAGALOG": "Tglg", "COPTIC": "Copt", "GOTHIC": "Goth", "RUNIC": "Runr",
    "OGHAM": "Ogam", "SAMARITAN": "Samr", "MANDAIC": "Mand", "LISU": "Lisu",
    "BUGINESE": "Bugi", "CHAKMA": "Cakm", "LIMBU": "Limb",
}  # fmt: skip
"""First words of the names of letters, and the codes of their scripts."""

OTHER: Final = "Zyyy"
"""What ISO 15924 calls script-less; here also letters of scripts that are not listed."""

CODES: Final = (OTHER, *SCRIPTS.values())


def count_scripts(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many letters and marks of each script each document has: int64, shape (n, len(CODES)).

    Column 0 counts letters of other scripts; what is no letter or mark counts nowhere.
    """
    return _count_scripts(data, offsets, _table(), len(CODES))


@kernel
def _count_scripts(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], table: npt.NDArray[np.int8], scripts: int
) -> npt.NDArray[np.int64]:
    counts = np.zeros((len(offsets) - 1, scripts), np.int64)
    for document in range(len(offsets) - 1):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            code_point, at = decode(data, at, end)
            script = table[code_point]
            if script >= 0:
                counts[document, script] += 1
    return counts


@cache
def _table() -> npt.NDArray[np.int8]:
    """The place in `CODES` of each code point's script, -1 for what is no letter or mark."""
    table = np.full(CODE_POINTS, -1, np.int8)
    places = {name: place for place, name in enumerate(SCRIPTS, 1)}
    for code_point in range(CODE_POINTS):
        character = chr(code_point)
        if unicodedata.category(character)[0] in "LM":
            first = unicodedata.name(character, "").partition(" ")[0]
            if first in ("COMBINING", "VARIATION"):  # of whatever script the letter before is
                continue
            table[code_point] = places.get({"KATAKANA-HIRAGANA": "KATAKANA"}.get(first, first), 0)
    return table

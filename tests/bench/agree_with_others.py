"""Compares decisions and measures with those of datatrove and dolma, given the same words, on real text.

``python tests/bench/agree_with_others.py [--datatrove PYTHON] [--dolma PYTHON]`` with TEXTMILL_TEST_DATA set, each
PYTHON being that of an environment with the library; what is not given is passed by. It prints the share of equal
decisions and some of the texts on which they differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard

from textmill.filters.c4 import C4Quality
from textmill.filters.gopher import GopherQuality
from textmill.filters.repetition import GopherRepetition
from textmill.pipeline.testing import batch_of, judge

sys.path.insert(0, str(Path(__file__).parent.parent))


def main() -> None:
    import naive

    parser = argparse.ArgumentParser()
    for name in ("--datatrove", "--dolma"):
        parser.add_argument(name)
    parser.add_argument("--each", type=int, default=300, help="texts of each collection")
    arguments = parser.parse_args()
    texts = [text for text in real_texts(arguments.each) if text.strip()]
    if arguments.datatrove:
        answers = ask(arguments.datatrove, "datatrove_words.py", texts, [naive.words(text) for text in texts])
        ours = judge(GopherQuality(definition="datatrove"), texts)
        tell("gopher_quality, datatrove", texts, ours, answers)
    if arguments.dolma:
        beside_dolma(texts, ask(arguments.dolma, "dolma_attributes.py", texts, [text.split() for text in texts]))


def beside_dolma(texts: Sequence[str], answers: Sequence[dict[str, float]]) -> None:
    """Where dolma's attributes, held against the paper's thresholds, decide otherwise than our definitions do."""
    quality, repetition = GopherQuality(definition="dclm"), GopherRepetition()
    for field, reason, breaks in (
        ("word_count", "too_few_words", lambda value: value < 50),
        ("word_count", "too_many_words", lambda value: value > 100_000),
        ("fraction_of_words_with_alpha_character", "too_few_alphabetic_words", lambda value: value < 0.8),
        ("required_word_count", "too_few_stop_words", lambda value: value < 2),
        ("symbol_to_word_ratio", "too_many_symbols", lambda value: value > 0.1),
        ("fraction_of_lines_starting_with_bullet_point", "too_many_bullet_lines", lambda value: value > 0.9),
        ("fraction_of_lines_ending_with_ellipsis", "too_many_ellipsis_lines", lambda value: value > 0.3),
        ("fraction_of_duplicate_lines", "too_many_duplicate_lines", lambda value: value > 0.3),
        ("fraction_of_characters_in_duplicate_lines", "too_many_duplicate_line_chars", lambda value: value > 0.2),
        ("has_curly_brace", "curly_bracket", bool),
        ("has_lorem_ipsum", "lorem_ipsum", bool),
    ):
        broken = [breaks(answer[field]) for answer in answers]
        step = quality if reason in REASONS_OF_QUALITY else repetition
        ours = broken_alone(C4Quality() if field.startswith("has_") else step, reason, texts)
        tell(reason, texts, ours, broken)


REASONS_OF_QUALITY = (
    *("too_few_words", "too_many_words", "too_few_alphabetic_words", "too_few_stop_words"),
    *("too_many_symbols", "too_many_bullet_lines", "too_many_ellipsis_lines"),
)


def broken_alone(step: Any, reason: str, texts: Sequence[str]) -> list[bool]:
    """Which texts break the one rule, whatever else they break."""
    rules = step.judge(batch_of(list(texts))).rules
    return next(rule.broken.tolist() for rule in rules if rule.reason == reason)


def ask(python: str, script: str, texts: Sequence[str], words: Sequence[Sequence[str]]) -> list[Any]:
    """What the script, run by that Python, answers to each text and its words."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(pair) + "\n" for pair in zip(texts, words, strict=True))
        file.flush()
        command = [python, str(Path(__file__).with_name(script)), file.name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def tell(what: str, texts: Sequence[str], ours: Sequence[object], theirs: Sequence[object]) -> None:
    """Print how many drop decisions agree, and what the others are."""
    differing = [i for i in range(len(texts)) if bool(ours[i]) != bool(theirs[i])]
    agreeing, dropped = len(texts) - len(differing), sum(map(bool, theirs))
    print(f"{what}: {agreeing} of {len(texts)} agree; they drop {dropped}, we {sum(map(bool, ours))}")
    for pair, number in Counter((ours[i], theirs[i]) for i in differing).most_common():
        print(f"  {number} x ours {pair[0]}, theirs {pair[1]}")
    for i in differing[:3]:
        print(f"    {texts[i][:100]!r} … {texts[i][-40:]!r}")


def real_texts(each: int) -> list[str]:
    """The first texts of every collection."""
    texts = []
    for path in sorted(Path(os.environ["TEXTMILL_TEST_DATA"], "text").glob("*/*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in islice(lines, each)]
    return texts


if __name__ == "__main__":
    main()

"""A small language model written by hand, for tests of what asks one."""

from pathlib import Path

import pytest

from textmill.pipeline.errors import ModelError
from textmill.pipeline.kenlm_tools import TOOLS, find_tool

ARPA = """\\data\\
ngram 1=9
ngram 2=6
ngram 3=2

\\1-grams:
-2.1\t<unk>\t0
0\t<s>\t-0.31
-1.2\t</s>\t0
-0.9\tthe\t-0.42
-1.3\tcat\t-0.27
-1.4\tsat\t-0.11
-1.7\tmat\t0
-1.1\t.\t-0.22
-1.9\tword\t-0.05

\\2-grams:
-0.6\t<s> the\t-0.17
-0.8\tthe cat\t-0.09
-0.7\tcat sat\t0
-0.5\tthe mat\t-0.2
-0.3\tmat .\t-0.1
-0.2\t. </s>

\\3-grams:
-0.4\t<s> the cat
-0.25\tthe cat sat

\\end\\
"""

FLAT = """\\data\\
ngram 1=4
ngram 2=1

\\1-grams:
-2\t<unk>\t0
0\t<s>\t0
-2\t</s>\t0
-2\tword\t0

\\2-grams:
-2\tword word

\\end\\
"""
"""Whatever it is asked, each token has the probability 0.01."""


def write_model(folder: Path, content: str = ARPA, name: str = "model.arpa") -> str:
    """A model's path."""
    (folder / name).write_text(content)
    return str(folder / name)


def need_tools() -> None:
    """Skip a test where kenlm's tools were not built."""
    try:
        for tool in TOOLS:
            find_tool(tool)
    except ModelError as error:
        pytest.skip(str(error))

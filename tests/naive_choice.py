"""Slow, obvious twin of the kernel that chooses the blocks to keep; see `pipeline/extraction/choice.py`."""

from collections.abc import Sequence

from naive_layout import Block, Writer
from naive_measures import Measures, measure, title_keys

from textmill.pipeline.extraction.choice import COMMENTS, TITLE
from textmill.pipeline.extraction.nodes import COMMENT, PRE, TABLE


def chosen(page: Writer, likely: Sequence[bool], options: int) -> list[bool]:
    """Which blocks are kept. likely: those that the model would keep. options: COMMENTS and TITLE, or-ed."""
    own = [measure(block.text, title_keys(page)) for block in page.blocks]
    kept = [is_kept(block, m, yes, options) for block, m, yes in zip(page.blocks, own, likely, strict=True)]
    titles = [at for at, (block, m) in enumerate(zip(page.blocks, own, strict=True)) if is_title(block, m)]
    text = [at for at, yes in enumerate(kept) if yes and at not in titles]
    above = [at for at in titles if text and at < text[0]]
    for at in above:
        kept[at] = bool(options & TITLE) and at == above[-1]
    return kept


def is_kept(block: Block, own: Measures, is_likely: bool, options: int) -> bool:
    flags = block.node.flags
    if not own.words and not flags & (PRE | TABLE):
        return False
    is_said = block.size - block.linked >= 20 and own.sentences > 0
    return is_likely or bool(options & COMMENTS and flags & COMMENT and is_said)


def is_title(block: Block, own: Measures) -> bool:
    return block.node.tag == "h1" and own.words > 0 and 2 * own.title_words >= own.words

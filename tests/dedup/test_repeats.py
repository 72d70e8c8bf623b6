"""Repeated passages: of equal ones the first stays, every other is cut and named with the document that has it."""

import barriers
import naive
import naive_passages
import pyarrow as pa
import pytest
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.dedup.lines import Lines, Paragraphs
from textmill.dedup.sentences import Sentences
from textmill.dedup.substrings import Substrings
from textmill.pipeline.barrier import CUT, CUTS, RULING
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.rulings import apply_ruling

SPLITS = {
    Lines: naive_passages.whole_lines,
    Paragraphs: lambda text: naive_passages.whole_lines(text, 2),
    Sentences: naive_passages.whole_sentences,
    Substrings: naive_passages.whole_words,
}
LAYOUT = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string())])

pieces = st.sampled_from(["a", "b", "A", "c.", "É", "e!", "日", " ", " ", "\n", "\n", "\n\n", ". ", "...", "\r\n"])
texts = st.lists(pieces, max_size=14).map("".join) | hard_texts
documents = st.tuples(st.none() | texts, st.sampled_from(["web", "web", "wiki"]))
crawls = st.lists(st.lists(documents, min_size=1, max_size=5), max_size=4)
"""Shards of documents whose lines, sentences and words are often alike."""


def batches_of(shards):
    """Each shard as a batch, with ids that count all documents."""
    rows, batches = 0, []
    for shard in shards:
        batch = [{"text": text, "source": source, "id": f"d{rows + i}"} for i, (text, source) in enumerate(shard)]
        batches.append(pa.RecordBatch.from_pylist(batch, LAYOUT))
        rows += len(shard)
    return batches


def outcomes(shards, rulings):
    """For each document None, "leaves", or its cuts: (start, stop, number of the holder)."""
    found = []
    for shard, ruling in zip(shards, rulings, strict=True):
        assert ruling.schema == RULING.append(pa.field(CUTS, pa.list_(CUT)))
        mine = [None] * len(shard)
        for row in ruling.to_pylist():
            assert (row["reason"] is None) != (row["cuts"] is None)
            mine[row["row"]] = "leaves" if row["reason"] else [(c["start"], c["stop"], number(c)) for c in row["cuts"]]
        found += mine
    return found


def number(cut):
    return None if cut["kept_id"] is None else int(cut["kept_id"][1:])


def left(shards, rulings):
    """The texts after the rulings, as the engine applies them."""
    pairs = zip(batches_of(shards), rulings, strict=True)
    return [
        text for batch, ruling in pairs for after in apply_ruling([batch], ruling) for text in after["text"].to_pylist()
    ]


def expected(barrier, shards, window, **changes):
    rules = {"window": window, "keep": barrier.keep, "within": True, "max_removed": barrier.max_removed, **changes}
    everything = [(text or "", source) for shard in shards for text, source in shard]
    scoped = [(text, source if barrier.scope == "source" else "") for text, source in everything]

    def form(unit):
        return naive.normalize(unit, barrier.normalize)

    return naive_passages.cut_repeats(scoped, SPLITS[type(barrier)], form, rules)


options = {
    "normalize": st.sampled_from(["whitespace", "lowercase", "letters"]),
    "keep": st.sampled_from(["first", "first", "none"]),
    "scope": st.sampled_from(["global", "source"]),
    "max_removed": st.sampled_from([1.0, 0.5]),
}


@pytest.mark.parametrize("kind", [Lines, Paragraphs])
@given(shards=crawls, options=st.fixed_dictionaries(options), within=st.booleans(), part_bytes=st.integers(1, 5000))
@settings(max_examples=30)
def test_lines_and_paragraphs_equal_a_dictionary(kind, shards, options, within, part_bytes):
    barrier = kind(**options, within_document=within or options["keep"] == "none")
    rulings = barriers.resolve(barrier, batches_of(shards), memory(), part_bytes=part_bytes)
    assert outcomes(shards, rulings) == expected(barrier, shards, 1, within=barrier.within_document)


@pytest.mark.parametrize(("kind", "parameter"), [(Sentences, "sentences"), (Substrings, "words")])
@given(shards=crawls, options=st.fixed_dictionaries(options), size=st.integers(2, 5), part_bytes=st.integers(1, 5000))
@settings(max_examples=30)
def test_sentences_and_substrings_equal_a_dictionary(kind, parameter, shards, options, size, part_bytes):
    barrier = kind(**options, **{parameter: size})
    rulings = barriers.resolve(barrier, batches_of(shards), memory(), part_bytes=part_bytes)
    assert outcomes(shards, rulings) == expected(barrier, shards, size)


words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


@given(st.lists(words, min_size=1, max_size=5), st.integers(2, 6))
@settings(max_examples=40)
def test_substrings_are_those_of_a_suffix_array(texts, size):
    """Common prefixes of any two suffixes, of `size` words or more, without any windows."""
    goes = [[False] * len(text) for text in texts]
    places = [(number, at) for number, text in enumerate(texts) for at in range(len(text))]
    for number, at in places:
        for other, start in places:
            one, two = texts[number][at:], texts[other][start:]
            common = next(
                (i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
            )
            if (number, at) != (other, start) and common >= size:
                goes[number][at : at + common] = [True] * common
    shards = [[(" ".join(text), "web")] for text in texts]
    rulings = barriers.resolve(Substrings(words=size, keep="none"), batches_of(shards), memory())
    kept = [
        " ".join(w for w, go in zip(text, gone, strict=True) if not go) for text, gone in zip(texts, goes, strict=True)
    ]
    assert left(shards, rulings) == [text for text, gone in zip(kept, goes, strict=True) if not all(gone) or not gone]


@pytest.mark.parametrize(("barrier", "size"), [(Lines(), 1), (Sentences(sentences=2), 2), (Substrings(words=3), 3)])
@given(shards=crawls)
@settings(max_examples=40)
def test_whatever_goes_still_stands_somewhere(barrier, size, shards):
    rulings = barriers.resolve(barrier, batches_of(shards), memory())
    before, after = [], []
    for (text, _), outcome in zip((row for shard in shards for row in shard), outcomes(shards, rulings), strict=True):
        at = 0
        for unit in SPLITS[type(barrier)](text or ""):
            stop = at + len(unit)
            goes = outcome == "leaves" or any(start <= at and stop <= end for start, end, _ in outcome or ())
            form = naive.normalize(unit, barrier.normalize)
            before += [form] * (form != "")
            after += [form] * (form != "" and not goes)
            at = stop
    assert set(after) == set(before)
    assert size > 1 or len(after) == len(set(after))


class Twice(Inline):
    """An executor that does everything twice, as after a lost answer."""

    def map(self, task, items, context):
        items = list(items)
        list(super().map(task, items, context))
        yield from super().map(task, items, context)


BANNER = "Accept all cookies\n"
CRAWL = [
    [(f"{BANNER}First page\n\nis here", "web"), (None, "web"), ("", "web"), (BANNER + BANNER, "web")],
    [],
    [(f"Second page\n{BANNER}accept ALL Cookies!", "web"), ("First page\n----\n----", "wiki")],
]


@pytest.mark.parametrize("executor", [Inline, Serial, Twice])
def test_any_executor_gives_the_same_rulings(executor, tmp_path):
    machine = executor()
    try:
        rulings = barriers.resolve(Lines(), batches_of(CRAWL), tmp_path, executor=machine, part_bytes=1)
    finally:
        machine.close()
    assert outcomes(CRAWL, rulings) == [None, None, None, "leaves", [(11, 50, 0)], [(0, 11, 0)]]
    gone = rulings[0].to_pylist()[0]
    assert (gone["reason"], gone["value"], gone["threshold"]) == ("only_repeated_lines", 1.0, 1.0)
    assert gone["kept_id"] == "d0"
    assert {cut["reason"] for cut in rulings[2]["cuts"].to_pylist()[0]} == {"repeated_line"}
    assert left(CRAWL, rulings) == [CRAWL[0][0][0], None, "", "Second page", "----\n----"]


def test_short_passages_stay(tmp_path):
    shards = [[("one two three\nmenu", "web")], [("menu\none two three\nmenu", "web")]]
    for options in ({"min_words": 2}, {"min_chars": 5}):
        rulings = barriers.resolve(Lines(**options), batches_of(shards), memory())
        assert left(shards, rulings)[1] == "menu\nmenu"


def test_with_none_kept_every_copy_goes():
    shards = [[("x y z", "web"), ("a\nb", "web")], [("b\nc", "web")]]
    assert left(shards, barriers.resolve(Lines(keep="none"), batches_of(shards), memory())) == ["x y z", "a", "c"]


def test_keep_none_spares_no_copy_within_a_document():
    with pytest.raises(ValueError, match="leave within_document out"):
        Lines(keep="none", within_document=False)


def test_a_document_of_which_too_much_would_go_leaves_with_its_share():
    shards = [[("abcdef\nghijkl", "web")], [("abcdef\nxy", "web")]]
    (_, ruling) = barriers.resolve(Lines(max_removed=0.7), batches_of(shards), memory())
    (row,) = ruling.to_pylist()
    assert (row["reason"], row["value"], row["threshold"]) == ("only_repeated_lines", pytest.approx(7 / 9), 0.7)


def test_no_shards_no_rulings(tmp_path):
    assert Lines().resolve([], str(tmp_path), Inline()) == []


def test_they_say_what_they_read():
    assert Lines(scope="language").reads() == {"text", "language"}
    assert Substrings().adds() == frozenset()

"""The slow, obvious twin of what cuts passages out of texts."""

import re
from itertools import pairwise

import naive

from textmill.pipeline.kernels.punctuation import TERMINAL_PUNCTUATION
from textmill.pipeline.kernels.sentences import CLOSING, FULL_WIDTH

SILENT = TERMINAL_PUNCTUATION + CLOSING
T, C = re.escape(TERMINAL_PUNCTUATION), re.escape(CLOSING)


def pieces(text, cuts):
    ends = [0, *cuts, len(text)]
    return [text[a:b] for a, b in pairwise(ends) if b > a]


def whole_lines(text, newlines=1):
    """`kernels.units.split_lines_whole`: cut after the last newline of each gap that has enough of them."""
    gaps = [gap for gap in re.finditer(r"(?<=\S)\s+(?=\S)", text) if gap.group().count("\n") >= newlines]
    return pieces(text, [gap.start() + gap.group().rindex("\n") + 1 for gap in gaps])


def says(piece):
    return any(char not in SILENT and not char.isspace() for char in piece)


def whole_sentences(text):
    """`kernels.units.split_sentences`, one character at a time."""
    cuts = [0]
    for at, char in enumerate(text):
        piece = text[cuts[-1] : at]
        if char.isspace() or not says(piece):
            continue
        spaced = re.search(rf"[{T}][{T}{C}]*\s+$|\n\s*$", piece)
        if spaced or (char not in SILENT and re.search(rf"[{FULL_WIDTH}][{T}{C}]*$", piece)):
            cuts.append(at)
    if len(cuts) > 1 and not says(text[cuts[-1] :]):
        cuts.pop()
    return pieces(text, cuts[1:])


def whole_words(text):
    """`kernels.units.split_words_whole`: cut where `naive.words` begin, but for the first."""
    cuts, at = [], 0
    for word in naive.words(text):
        at = text.index(word, at)
        cuts.append(at)
        at += len(word)
    return pieces(text, cuts[1:])


def cut_repeats(documents, split, form, rules):
    """For each document None if it stays as it is, "leaves", or its cuts: (start, stop, number of the holder).

    documents: (text, scope) in corpus order. form: what a unit is compared by, "" for a unit that has no
    duplicate. rules: `window`, `keep`, `within`, `max_removed`.
    """
    size = rules["window"]
    units = [split(text) for text, _ in documents]
    seen, found = {}, []
    for number, (_, scope) in enumerate(documents):
        forms = [form(unit) for unit in units[number]]
        for at in range(len(forms) - size + 1):
            window = tuple(forms[at : at + size])
            if any(window):
                seen.setdefault((scope, window), []).append((number, at))
                found.append((number, at, scope, window))
    goes = [{} for _ in documents]  # unit -> holder
    for number, at, scope, window in found:
        places = seen[scope, window]
        repeat = len(places) > 1 if rules["keep"] == "none" else places[0] != (number, at)
        if repeat and not rules["within"]:
            repeat = places[0][0] != number
        if repeat:
            for unit in range(at, at + size):
                goes[number].setdefault(unit, places[0][0] if rules["keep"] == "first" else None)
    return [ruling(units[number], goes[number], rules["max_removed"]) for number in range(len(documents))]


def ruling(units, goes, max_removed):
    if not goes:
        return None
    spans, at = [], 0
    for number, unit in enumerate(units):
        if number in goes:
            if spans and spans[-1][1] == at and spans[-1][2] == goes[number]:
                spans[-1][1] = at + len(unit)
            else:
                spans.append([at, at + len(unit), goes[number]])
        at += len(unit)
    run = next((n for n in range(len(units), 0, -1) if n - 1 not in goes), 0)  # all units from there on go
    if 0 < run < len(units) and not units[-1][-1].isspace():
        start = sum(map(len, units[:run]))
        next(span for span in spans if span[0] == start)[0] -= len(units[run - 1]) - len(units[run - 1].rstrip())
    lost = sum(stop - start for start, stop, _ in spans)
    return "leaves" if lost == at or lost > max_removed * at else [tuple(span) for span in spans]


def sift_lines(documents, words_of, rules):
    """BFF's old-both with a set for a filter: for each document None, "leaves", or its cuts (start, stop, share).

    documents: (text, group) in corpus order, a set a group. rules: `ngram`, `min_ngram`, `threshold`.
    """
    known, outcomes = {}, []
    for text, group in documents:
        seen = known.setdefault(group, set())
        lines, shares, found, total = whole_lines(text), {}, 0, 0
        for number, line in enumerate(lines):
            words = words_of(line)
            grams = [tuple(words[at : at + rules["ngram"]]) for at in range(max(1, len(words) - rules["ngram"] + 1))]
            if not words or len(words) < rules["min_ngram"]:
                continue
            hits = sum(gram in seen for gram in grams)
            found, total = found + hits, total + len(grams)
            if hits / len(grams) > rules["threshold"]:
                shares[number] = hits / len(grams)
            else:
                seen.update(grams)
        outcome = ruling(lines, {number: (number, share) for number, share in shares.items()}, 1.0)
        if total and found / total > rules["threshold"]:
            outcome = "leaves"
        outcomes.append(outcome if outcome in (None, "leaves") else [(a, b, share) for a, b, (_, share) in outcome])
    return outcomes

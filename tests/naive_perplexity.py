"""The slow, obvious twins of perplexity scoring: text normalisation one character at a time, and the formula."""

import unicodedata

import naive

PUNCTUATION = dict(
    zip("„”“«»」「《》´’，、∶：–━►。？！（）；～％〈〉【】", '"' * 9 + "'',,::---.?!();~%<>[]", strict=True)
)
PUNCTUATION |= {"—": " - ", "．": ". ", "…": "..."}
CONTROLS = {chr(code) for code in (*range(32), *range(127, 160))}


def cc_net(text):
    """CCNet's `normalize`, by its description."""
    lower = text.strip().lower()
    bare = [c for c in unicodedata.normalize("NFD", lower) if unicodedata.category(c) != "Mn"]
    digits = ["0" if unicodedata.category(c) == "Nd" else c for c in bare]
    return "".join(PUNCTUATION.get(c, c) for c in digits if c not in CONTROLS)


def words(text):
    """The words that `normalize: words` makes, joined by spaces."""
    spaced = ""
    for char in unicodedata.normalize("NFD", text.lower()):
        alone = unicodedata.category(char)[0] in "PS" or naive.stands_alone(char)
        folded = cc_net(f"|{char}|")[1:-1]
        spaced += " " if char.isspace() else f" {folded} " if alone else folded
    return " ".join(spaced.split())


def sentences(text, normalize, unit):
    """The sentences of a text as strings, without such as have no word."""
    parts = naive.lines(text) if unit == "line" else [text]
    if normalize == "none":
        made = [b" ".join(part.replace("\0", " ").encode().split()).decode() for part in parts]
    elif normalize == "words":
        made = [words(part) for part in parts]
    else:
        made = [cc_net(part) for part in parts]
    return [one for one in made if one.strip(" ")]


def perplexity(model, found):
    """10^(-Σ log10 p / Σ (words + 1)) over sentences, kenlm asked word by word and added up in double precision."""
    log10 = sum(score for one in found for score, _, _ in model.full_scores(one))
    return 10 ** (-log10 / sum(len(one.encode().split()) + 1 for one in found))

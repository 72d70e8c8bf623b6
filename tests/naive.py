"""The slow, obvious twin of everything fast: what the kernels must agree with."""

import re
import unicodedata
from collections import defaultdict
from itertools import groupby
from operator import gt, lt

from textmill.pipeline.kernels.punctuation import PUNCTUATION, TERMINAL_PUNCTUATION
from textmill.pipeline.kernels.sentences import CLOSING, FULL_WIDTH


def normalize(text, variant):
    """`textmill.dedup.normalize`, one character at a time."""
    if variant == "none":
        return text
    stand_in = {"whitespace": lambda char: char, "lowercase": fold_case, "letters": bare_letter}[variant]
    return " ".join("".join(char if char.isspace() else stand_in(char) for char in text).split())


def fold_case(char):
    return "σ" if char in "Σς" else char.lower()[0]


def bare_letter(char):
    base = "".join(c for c in unicodedata.normalize("NFD", char) if unicodedata.category(c) != "Mn")
    if base == "" or unicodedata.category(base[0]) == "Cf":
        return ""
    if len(base) > 1:  # Hangul and the like: a letter of several letters
        base = char
    if unicodedata.category(base) == "Nd":
        return "0"
    return fold_case(base) if unicodedata.category(base)[0] in "LM" else " "


def exact_duplicates(rows, variant, scope, best):
    """For each row (kept row number or None, copies): `best` picks who stays from row numbers.

    rows: dicts with `text`; `scope`: the column in which duplicates agree, or None.
    """
    groups = defaultdict(list)
    for number, row in enumerate(rows):
        text = normalize(row["text"] or "", variant)
        groups[(text, scope and row[scope]) if text else number].append(number)
    verdicts = {}
    for members in groups.values():
        stays = best(members)
        verdicts |= {n: (None if n == stays else stays, len(members)) for n in members}
    return [verdicts[n] for n in range(len(rows))]


def words(text, by_spaces_only=False):
    """`textmill.pipeline.kernels.words`: the words themselves."""
    found = []
    for run in text.split():
        pieces = "".join(f" {c} " if not by_spaces_only and stands_alone(c) else c for c in run)
        found += pieces.split()
    return found


UNSPACED = {"CJK", "IDEOGRAPHIC", "HANGZHOU", "HIRAGANA", "KATAKANA", "KANA", "HENTAIGANA", "MASU"}
UNSPACED |= {"THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}


def stands_alone(char):
    """A letter, mark or number of a script that is written without spaces, as its name tells."""
    name = unicodedata.name(char, "").replace("-", " ").split()
    return unicodedata.category(char)[0] in "LMN" and not UNSPACED.isdisjoint(name) and "TALLY" not in name


def word_key(word):
    return cased_key(simple_lower(word))


def cased_key(word):
    key = 0x243F6A8885A308D3
    for char in word:
        key = (key ^ ord(char)) * 0x9E3779B97F4A7C15 % 2**64
    return key ^ key >> 32


def lines(text):
    """`textmill.pipeline.kernels.lines`: the lines themselves."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def gopher_quality(text, rules):
    """`textmill.filters.gopher`: (reason, value, threshold) of the first rule broken, or None."""
    dclm, datatrove = rules["definition"] == "dclm", rules["definition"] == "datatrove"
    found = words(text, by_spaces_only=dclm)
    rows = list(map(str.strip, text.splitlines())) if datatrove else lines(text)
    said = [word for word in found if not datatrove or any(char not in PUNCTUATION for char in word)]
    bullets = ("•", "-") if datatrove else ("•", "●", "*", "-")
    ellipses = ("...", ". . .", "…") if dclm else ("...", "…")
    hashes, dots = text.count("#"), sum(text.count(form) for form in ellipses)
    fold = str if datatrove else simple_lower
    wanted = {fold(word) for word in rules["stop_words"]}
    stop_words = [word for word in map(fold, found) if word in wanted]

    def share(part, whole):
        return part / len(whole) if whole else 0.0

    measures = [
        ("too_few_words", len(said), lt, "min_words"),
        ("too_many_words", len(said), gt, "max_words"),
        ("mean_word_length_too_low", share(sum(map(len, said)), said), lt, "min_mean_word_length"),
        ("mean_word_length_too_high", share(sum(map(len, said)), said), gt, "max_mean_word_length"),
        *([("too_many_symbols", share(hashes + dots, found), gt, "max_symbol_ratio")] if dclm else []),
        *([("too_many_hashes", share(hashes, found), gt, "max_symbol_ratio")] if not dclm else []),
        *([("too_many_ellipses", share(dots, found), gt, "max_symbol_ratio")] if not dclm else []),
        (
            "too_many_bullet_lines",
            share(count(rows, lambda row: row.startswith(bullets)), rows),
            gt,
            "max_bullet_line_ratio",
        ),
        (
            "too_many_ellipsis_lines",
            share(count(rows, lambda row: row.endswith(ellipses)), rows),
            gt,
            "max_ellipsis_line_ratio",
        ),
        ("too_few_alphabetic_words", share(count(found, has_letter), found), lt, "min_alphabetic_word_ratio"),
        ("too_few_stop_words", len(stop_words if dclm else set(stop_words)), lt, "min_stop_words"),
    ]
    for reason, value, breaks, rule in measures:
        if rules[rule] is not None and breaks(value, rules[rule]):
            return reason, value, rules[rule]
    return None


def simple_lower(word):
    return "".join(map(fold_case, word))


def count(items, holds):
    return sum(1 for item in items if holds(item))


def has_letter(word):
    return any(char.isalpha() for char in word)


def paragraphs(text):
    """`textmill.pipeline.kernels.lines.join_paragraphs`: the paragraphs, with one newline between lines."""
    rows = groupby(map(str.strip, text.split("\n")), bool)
    return ["\n".join(members) for full, members in rows if full]


def repeats(items):
    """`textmill.pipeline.kernels.repeats.repeated_items` of one document: numbers and characters."""
    again = [item for item in items if items.count(item) > 1]
    later = [item for position, item in enumerate(items) if item in items[:position]]
    return len(again), sum(map(len, again)), len(later), sum(map(len, later))


def top_ngram(items, n, after_first):
    """Characters in all occurrences of the top n-gram, and how many those are."""
    grams = shingles(items, n)
    ranks = [(grams.count(gram), 0 if after_first else len("".join(gram))) for gram in grams]
    if not ranks:
        return 0, 0
    if max(ranks)[0] == 1 and not after_first:
        return 0, 1
    top = ranks.index(max(ranks))
    return ranks[top][0] * len("".join(grams[top])), ranks[top][0]


def duplicate_ngram_chars(items, n, after_first):
    grams, met, chars, at = shingles(items, n), set(), 0, 0
    if not after_first:
        repeated = {i + k for i, gram in enumerate(grams) if grams.count(gram) > 1 for k in range(n)}
        return sum(len(items[i]) for i in repeated)
    while at < len(grams):
        if grams[at] in met:
            chars += len("".join(grams[at]))
            at += n
        else:
            met.add(grams[at])
            at += 1
    return chars


def gopher_repetition(text, rules):
    """`textmill.filters.repetition`: (reason, value, threshold) of the first rule broken, or None."""
    after_first = rules["definition"] == "datatrove"
    found = words(text) if after_first else list(map(simple_lower, words(text)))
    shares = {}
    segments = (lines(text), paragraphs(text))
    if after_first:
        segments = (re.split(r"\n+", text), re.split(r"\n{2,}", text.strip()))
    for kind, items in zip(("line", "paragraph"), segments, strict=True):
        copies, chars, later, later_chars = repeats(items)
        whole = len(text) if after_first else sum(map(len, items))
        shares[f"duplicate_{kind}"] = (later if after_first else copies) / max(len(items), 1)
        shares[f"duplicate_{kind}_char"] = (later_chars if after_first else chars) / max(whole, 1)
    whole = max(1, len(text) if after_first else sum(map(len, found)))
    for n in (2, 3, 4):
        chars, count = top_ngram(found, n, after_first)
        chars += count * (n - 1) if after_first and len(found) >= n else 0
        shares[f"top_{n}gram_char"] = min(chars / whole, 1)
    for n in (5, 6, 7, 8, 9, 10):
        shares[f"duplicate_{n}gram_char"] = duplicate_ngram_chars(found, n, after_first) / whole
    for what, share in shares.items():
        limit = rules[f"max_{what}_ratio"]
        if limit is not None and share > limit:
            return f"too_many_{what}s", share, limit
    return None


def fineweb_quality(text, rules):
    """`textmill.filters.fineweb`: (reason, value, threshold) of the first rule broken, or None."""
    rows = [row for row in text.split("\n") if row.strip()]
    rows = rows if rules["definition"] == "datatrove" else lines(text)
    short = count(rows, lambda row: len(row) <= rules["short_line_chars"])
    punctuated = count(rows, lambda row: row[-1] in rules["terminal_punctuation"])
    newlines = text.count("\n")
    measures = [
        ("too_few_punctuated_lines", punctuated, len(rows), lt, "min_punctuated_line_ratio"),
        ("too_many_short_lines", short, len(rows), gt, "max_short_line_ratio"),
        ("too_many_duplicate_line_chars", repeats(rows)[3], len(text) - newlines, gt, "max_duplicate_line_char_ratio"),
        ("too_many_newlines", newlines, len(words(text)), gt, "max_newline_ratio"),
    ]
    if rules["keep_unpunctuated"] and punctuated == 0:
        del measures[0]
    for reason, part, whole, breaks, rule in measures:
        if rules[rule] is not None and breaks(part / max(whole, 1), rules[rule]):
            return reason, part / max(whole, 1), rules[rule]
    return None


SENTENCE_END = re.compile(rf"(?<=[{re.escape(TERMINAL_PUNCTUATION)}])[{re.escape(CLOSING)}]*\s+|(?<=[{FULL_WIDTH}])")


def sentences(line):
    """`textmill.pipeline.kernels.sentences`, of one line."""
    silent = TERMINAL_PUNCTUATION + CLOSING
    return [piece for piece in SENTENCE_END.split(line) if any(c not in silent and not c.isspace() for c in piece)]


def ascii_lower(text):
    return text.encode().lower().decode()


def strip_citations(text):
    while (shorter := re.sub(r"\[[0-9]*\]|\[edit\]|\[citation needed\]", "", text)) != text:
        text = shorter
    return text


def c4_lines(text, rules):
    """`textmill.pipeline.mappers.c4_lines`: the text that is left, by the order of C4's code."""
    kept = []
    for line in lines(strip_citations(text) if rules["citations"] else text):
        found, lower = line.split(), ascii_lower(line)
        if rules["max_word_chars"] is not None and any(len(word) > rules["max_word_chars"] for word in found):
            continue
        if rules["line_endings"] is not None and not line.endswith(tuple(rules["line_endings"])):
            continue
        if rules["line_endings"] is not None and line.endswith("..."):
            continue
        if rules["min_words"] is not None and len(found) < rules["min_words"]:
            continue
        drops_the_page = "lorem ipsum" in lower
        if not drops_the_page and rules["javascript"] and "javascript" in lower:
            continue
        drops_the_page |= "{" in line
        if not drops_the_page and any(ascii_lower(phrase) in lower for phrase in rules["policies"]):
            continue
        kept.append(line)
    return "\n".join(kept)


def c4_quality(text, rules):
    """`textmill.filters.c4`: the first rule broken, or None."""
    found = sum(len(sentences(line)) for line in lines(text))
    if rules["max_chars"] is not None and len(text) > rules["max_chars"]:
        return "too_many_chars"
    if rules["lorem_ipsum"] and "lorem ipsum" in ascii_lower(text):
        return "lorem_ipsum"
    if rules["curly_bracket"] and "{" in text:
        return "curly_bracket"
    return "too_few_sentences" if rules["min_sentences"] is not None and found < rules["min_sentences"] else None


def has_phrase(text, phrase, borders):
    """`textmill.filters.bad_words`: whether a phrase in lower case stands in the text, alone if it needs borders."""

    def within_a_word(char):
        return char == "_" or unicodedata.category(char)[0] in "LMN"

    for start in range(len(text) - len(phrase) + 1):
        stop = start + len(phrase)
        beside = text[max(start - 1, 0) : start] + text[stop : stop + 1]
        alike = all(a == b or a.casefold() == b.casefold() for a, b in zip(text[start:stop], phrase, strict=True))
        if alike and not (borders and any(map(within_a_word, beside))):
            return True
    return False


def refinedweb_lines(text, rules):
    """`textmill.pipeline.mappers.refinedweb_lines`: the text that is left, and the share of its words that went."""
    kept, before, after = [], 0, 0
    for line in lines(text):
        found = line.split()
        before += len(found)
        uppercase, limit = count(line, str.isupper) / len(line), rules["max_uppercase_ratio"]
        if limit is not None and uppercase > limit:
            continue
        if rules["numbers"] and line.isnumeric():
            continue
        if rules["min_words"] is not None and len(found) < rules["min_words"]:
            continue
        if rules["counters"] and is_counter(line):
            continue
        cuts = rules["snippet_max_words"] is not None and len(found) <= rules["snippet_max_words"]
        left = cut_snippets(line) if cuts else line
        after += len(left.split())
        kept += [left] if left else []
    return "\n".join(kept), (before - after) / max(before, 1)


COUNTED = {"likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks"}
COUNTED |= {"upvotes", "downvotes", "downloads", "views", "followers"}


def is_counter(line):
    core = re.sub(r"^\W+|\W+$", "", line)
    number, *rest = core.split(maxsplit=1) or [""]
    return rest != [] and rest[0].lower() in COUNTED and re.fullmatch(r"\d[\d,.]*[KMBkmb]?", number) is not None


def cut_snippets(line):
    pieces = re.split("items in cart", line, flags=re.IGNORECASE)
    pieces[-1] = re.sub(r"read more(\.\.\.|…)$", "", pieces[-1], flags=re.IGNORECASE)
    pieces[0] = re.sub(r"^sign-in", "", pieces[0], flags=re.IGNORECASE)
    return "".join(pieces).strip()


VOID_TAGS = set(
    b"area base basefont bgsound br col command embed frame hr img input keygen link meta param source track"
    b" wbr".split()
)
RAW_TAGS = set(b"iframe noembed noframes script style textarea title xmp".split())
FORMATTING_TAGS = set(b"a b big code em font i nobr s small span strike strong tt u".split())
FOREIGN_TAGS = {b"svg", b"math"}
CONTAINER_TAGS = set(b"dir dl menu ol select table ul".split()) | FOREIGN_TAGS
ITEM_TAGS = [b"p", b"li", b"dd dt", b"td th", b"tr", b"tbody tfoot thead", b"option", b"optgroup"]
TAG_NAME = re.compile(rb"[^\x00-\x20/<>]*")
COMMENT_END = re.compile(rb"--!?>")


def tags_and_depth(markup, limit):
    """`textmill.pipeline.mappers.markup.tags_and_depth`, with a list of open elements."""

    def name_at(start):
        return TAG_NAME.match(markup, start)[0].lower()[:8]

    stack, deepest, at = [], 0, 0
    while deepest <= limit and (at := markup.find(b"<", at) + 1):
        if markup.startswith(b"!--", at):
            end = COMMENT_END.search(markup, at + 1)
            at = end.end() if end else len(markup)
        elif markup.startswith(b"/", at):
            close_tag(stack, name_at(at + 1))
        elif markup[at : at + 1].isalpha() and name_at(at) in RAW_TAGS:
            ends = (end.end() for end in re.finditer(b"</", markup[at:]) if name_at(at + end.end()) == name_at(at))
            at += next(ends, len(markup))
        elif markup[at : at + 1].isalpha():
            rest = re.match(rb"[^<>]*>?", markup[at:])[0]
            open_tag(stack, name_at(at), rest.endswith(b"/>"))
            deepest = max(deepest, len(stack))
    return markup.count(b"<"), deepest


def open_tag(stack, name, ends_itself):
    if name in VOID_TAGS or (ends_itself and FOREIGN_TAGS & {name, *stack}):
        return
    for group in ITEM_TAGS:
        if name in group.split():
            for level in reversed(range(len(stack))):
                if stack[level] in CONTAINER_TAGS or (name == b"p" and stack[level] not in FORMATTING_TAGS | {b"p"}):
                    break
                if stack[level] in group.split():
                    del stack[level:]
                    break
    stack.append(name)


def close_tag(stack, name):
    if name in stack:
        level = len(stack) - 1 - stack[::-1].index(name)
        stack[level : level + 1 if name in FORMATTING_TAGS else None] = []


def shingles(items, size):
    """`textmill.pipeline.kernels.shingles`: the runs themselves."""
    return [tuple(items[i : i + size]) for i in range(len(items) - size + 1)]


def shingle_hash(keys):
    polynomial = 0
    for key in keys:
        polynomial = (polynomial * 0x9E3779B97F4A7C15 + key) % 2**64
    return fmix64(polynomial)


def fmix64(h):
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD % 2**64
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 % 2**64
    return h ^ h >> 33


def band_keys(signature, bands, seed):
    """`textmill.dedup.signatures.band_keys` of one document."""
    keys, rows = [], len(signature) // bands
    for band in range(bands):
        key = fmix64((seed + (band + 1) * 0x9E3779B97F4A7C15) % 2**64)
        for value in signature[band * rows : (band + 1) * rows]:
            key = fmix64(key ^ value)
        keys.append(key)
    return keys


def fmix32(h):
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


def minhash_bands(text, size, bands, permutations):
    """The bands of a text's signature as tuples, or none; permutations: pairs (factor, summand)."""
    keys = [word_key(word) for word in words(text)]
    hashes = [fmix32(shingle_hash(run) >> 32) for run in shingles(keys, size)]
    if not hashes:
        return []
    signature = [min((factor * h + summand) % 2**32 for h in hashes) for factor, summand in permutations]
    rows = len(signature) // bands
    return [(band, *signature[band * rows : (band + 1) * rows]) for band in range(bands)]


def near_duplicates(rows, bands_of, scope, best):
    """For each row (kept row number or None, size of its cluster): `best` picks who stays from row numbers.

    bands_of: what rows of a cluster share one of, by row; scope: the column in which duplicates agree, or None.
    """
    owners = defaultdict(list)
    for number, row in enumerate(rows):
        for band in bands_of(row):
            owners[(scope and row[scope], band)].append(number)
    neighbours = defaultdict(set)
    for group in owners.values():
        for number in group:
            neighbours[number].update(group)
    verdicts = {}
    for number in range(len(rows)):
        if number not in verdicts:
            cluster, todo = {number}, [number]
            while todo:
                fresh = neighbours[todo.pop()] - cluster
                cluster |= fresh
                todo += fresh
            stays = best(cluster)
            verdicts |= {n: (None if n == stays else stays, len(cluster)) for n in cluster}
    return [verdicts[n] for n in range(len(rows))]


def email_spans(text):
    """`textmill.pipeline.mappers.pii.EMAIL`: candidates, one @ after the other."""
    spans, end = [], 0
    for at in [i for i, char in enumerate(text) if char == "@"]:
        stop = domain_end(text, at)
        if stop and at >= end:
            start = max(end, len(text[:at].rstrip(LOCAL)))
            while start < at and not address_letter(text[start]):
                start += 1
            end = stop
            while domain_end(text, end):
                end = domain_end(text, end)
            spans += [(start, end)] if start < at else []
    return spans


def domain_end(text, at):
    """Where the longest domain after an @ ends, 0 if there is none."""
    stops = range(at + 4, min(len(text), at + 300) + 1)
    return max((stop for stop in stops if text[at : at + 1] == "@" and is_domain(text[at + 1 : stop])), default=0)


def address_letter(char):
    return (char.isascii() and char.isalnum()) or "\u00c0" <= char <= "\u052f"


LOCAL = "".join(filter(lambda char: address_letter(char) or char in "._%+'-", map(chr, range(0x600))))


def is_domain(name):
    *labels, top = name.split(".")
    sound = all(
        1 <= len(label) <= 63
        and address_letter(label[0])
        and address_letter(label[-1])
        and all(address_letter(char) or char == "-" for char in label)
        for label in [*labels, top]
    )
    letters = all(address_letter(char) and not char.isdigit() for char in top)
    punycode = top.startswith("xn--") and len(top) > 4 and top.isascii()
    return bool(labels) and sound and (punycode or (letters and len(top) >= 2))


def ipv4_spans(text):
    """`IPV4`: every public address between other characters, by trying all substrings."""
    spans, end = [], 0
    for start in range(len(text)):
        for stop in range(start + 7, start + 16):
            parts = text[start:stop].split(".")
            whole = len(parts) == 4 and stop <= len(text) and all(is_number(part) for part in parts)
            before, after = text[max(0, start - 2) : start], text[stop : stop + 2]
            alone = not (before and ascii_word(before[-1])) and not (after and ascii_word(after[0]))
            longer = (before[-1:] == "." and is_number(before[:-1])) or (after[:1] == "." and is_number(after[1:]))
            if whole and start >= end and alone and not longer and is_public_ipv4([int(part) for part in parts], parts):
                spans.append((start, stop))
                end = stop
    return spans


def is_number(part):
    return 1 <= len(part) <= 3 and all(char in "0123456789" for char in part)


def ascii_word(char):
    return char.isascii() and (char.isalnum() or char == "_")


def is_public_ipv4(octets, parts):
    a, b, c, _ = octets
    written_well = all(octet < 256 and str(octet) == part for octet, part in zip(octets, parts, strict=True))
    private = a in {0, 10, 127} or (a, b) in {(169, 254), (192, 168)} or (a == 172 and 16 <= b < 32)
    shared = (a == 100 and 64 <= b < 128) or (a == 198 and b in {18, 19}) or a >= 224
    named = (a, b, c) in {(192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113)}
    return written_well and not (private or shared or named)


def ipv6_spans(text):
    """`IPV6`: the longest run of groups from each place where one may begin."""
    spans, end = [], 0
    for start in range(len(text)):
        if start < end or (start and ascii_word(text[start - 1])) or not begins_in_2000(text[start : start + 4]):
            continue
        stops = [stop for stop in range(start + 6, len(text) + 1) if is_groups(text[start:stop])]
        if stops:
            end, after = max(stops), text[max(stops) : max(stops) + 2]
            glued = after and (ascii_word(after[0]) or (after[0] == "." and is_number(after[1:])))
            spans += [] if glued else [(start, end)]
    return spans


def begins_in_2000(group):
    return len(group) == 4 and group[0] in "23" and is_hex(group)


def is_hex(group):
    return 1 <= len(group) <= 4 and all(char in "0123456789abcdefABCDEF" for char in group)


def is_groups(text):
    groups = text.removesuffix("::").replace("::", ":").split(":")
    return ":::" not in text and 1 < len(groups) <= 8 and len(groups[0]) == 4 and all(map(is_hex, groups))


def normalize_whitespace(text, max_newlines, collapse_spaces):
    """`textmill.pipeline.mappers.normalize_whitespace`, line by line."""
    for end in ("\r\n", *"\r\x0b\x0c\x85\u2028\u2029"):
        text = text.replace(end, "\n")
    rows = []
    for row in map(str.rstrip, text.split("\n")):
        indent = row[: len(row) - len(row.lstrip())]
        rows.append(indent + " ".join(row.split()) if collapse_spaces else row)
    while rows and not rows[0]:
        del rows[0]
    while rows and not rows[-1]:
        del rows[-1]
    text = "\n".join(rows)
    while max_newlines and "\n" * (max_newlines + 1) in text:
        text = text.replace("\n" * (max_newlines + 1), "\n" * max_newlines)
    return text


def drop_lines(text, drops):
    """`textmill.pipeline.mappers.drop_lines`: `drops` judges what is in a line."""
    rows = re.findall("[^\n]*\n|[^\n]+", text)
    return "".join(row for row in rows if not row.strip() or not drops(row.strip()))


def shared_runs(text, example, size):
    """Where in `text` stand runs of `size` words that `example` has too; words are runs of letters and digits."""
    spans, open_word = [], False
    for place, char in enumerate(text):
        alone = stands_alone(char)
        if not (char.isalpha() or char.isnumeric() or alone):
            open_word = False
            continue
        if not open_word or alone:
            spans.append([place, place])
        spans[-1][1] = place + 1
        open_word = not alone
    said = ["".join(map(fold_case, text[a:b])) for a, b in spans]
    wanted = example.split()
    runs = {tuple(wanted[i : i + size]) for i in range(len(wanted) - size + 1)}
    found = [i for i in range(len(said) - size + 1) if tuple(said[i : i + size]) in runs]
    return [(spans[i][0], spans[i + size - 1][1]) for i in found]

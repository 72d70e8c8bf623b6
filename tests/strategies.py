"""Texts that break things, for property tests."""

from hypothesis import strategies as st

HARD_PIECES = [
    *(" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"),  # white space
    *("\u200b", "\u200d", "\u00ad", "\ufeff", "\ufe0f", "\x00", "\ufffd"),  # invisible, control, replacement
    *("a", "A", "b", "word", "WORD", "0", "7", "٣", ".", "!", "-", "…", "¿", "،", "。"),
    *("é", "e\u0301", "É", "ß", "ẞ", "İ", "i", "I", "ı", "Σ", "σ", "ς", "Ⱥ", "ⱥ", "\u212a", "ﬁ", "ǆ", "ǅ"),
    *("日本", "語", "ไทย", "हिन्दी", "한", "\u1112\u1161", "עִ", "שלום", "العربية"),
    *("😀", "👩\u200d💻", "\U00010400", "\U00010428", "𝐀", "\U0010fffd"),  # four bytes
]

hard_texts = st.lists(
    st.one_of(st.sampled_from(HARD_PIECES), st.characters(exclude_categories=["Cs"])), max_size=24
).map("".join)
"""Any text, rich in what is hard: spaces of all kinds, marks, case, scripts, 4-byte characters; also empty."""

twin_texts = st.lists(st.sampled_from(HARD_PIECES), max_size=3).map("".join)
"""Short texts of which many are alike, or nearly so."""

hard_columns = st.lists(st.none() | hard_texts, max_size=8)
"""Columns of such texts, with nulls; also empty."""

PII_PIECES = [
    *("a", "Z9", "jö", "_", "x.y", "@", "@", "@b.de", "@example.com", ".com", ".", "-", "+1", "+", "'", "xn--p1ai"),
    *("8.8.8.8", "192.168.0.1", "192.0.2.1", "1.2.3", ".4", "25", "6"),
    *("2001:4860::8", "2001:db8::1", ":", "::", "2a00"),
    *("212-555-1234", "(212) 666 1234", "202-555-0100", "+49 30 1234567", "2126661234", "#", "isbn ", "DOI", "x" * 47),
    *("\n", "\r\n", " ", "邮", "😀", "email@example.com", "[", "]", "/", ","),
]

pii_texts = st.lists(st.sampled_from(PII_PIECES) | st.text("a1.:@-+ f2", max_size=6), max_size=16).map("".join)
"""Addresses and numbers, and what looks like them, put together without any care."""

"""Any page's bytes become UTF-8: the charset is found, damage costs itself only, and nothing is copied in vain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.pipeline.extraction.decoding import to_utf8
from textmill.pipeline.io.html import decode

RIGHTS = {
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren – „schön“.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi w swojej godności.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İıŞşĞğ",
    "zh-Hans": "人人生而自由，在尊严和权利上一律平等。",
    "zh-Hant": "人人生而自由，在尊嚴和權利上一律平等。",
}
LEGACY = [  # label, Python's codec, language
    ("gbk", "gbk", "zh-Hans"),
    ("gb2312", "gb18030", "zh-Hans"),
    ("GB18030", "gb18030", "zh-Hans"),
    ("big5", "big5", "zh-Hant"),
    ("Shift_JIS", "cp932", "ja"),
    ("x-sjis", "cp932", "ja"),
    ("EUC-JP", "euc-jp", "ja"),
    ("iso-2022-jp", "iso-2022-jp", "ja"),
    ("EUC-KR", "cp949", "ko"),
    ("ks_c_5601-1987", "cp949", "ko"),
    ("windows-1251", "cp1251", "ru"),
    ("KOI8-R", "koi8-r", "ru"),
    ("iso-8859-5", "iso-8859-5", "ru"),
    ("windows-1256", "cp1256", "ar"),
    ("iso-8859-6", "iso-8859-6", "ar"),
    ("windows-1255", "cp1255", "he"),
    ("iso-8859-8", "iso-8859-8", "he"),
    ("windows-1253", "cp1253", "el"),
    ("iso-8859-7", "iso-8859-7", "el"),
    ("iso-8859-1", "cp1252", "de"),
    ("latin1", "cp1252", "de"),
    ("us-ascii", "cp1252", "de"),
    ("iso-8859-2", "iso-8859-2", "pl"),
    ("windows-1250", "cp1250", "pl"),
    ("iso-8859-9", "cp1254", "tr"),
    ("windows-874", "cp874", "th"),
    ("tis-620", "cp874", "th"),
]


@pytest.mark.parametrize(("label", "codec", "language"), LEGACY)
@pytest.mark.parametrize("told", ["header", "meta", "http-equiv"])
def test_a_declared_charset_is_read_as_browsers_read_it(label, codec, language, told):
    start = {
        "header": "<p>",
        "meta": f"<meta charset='{label}'>",
        "http-equiv": f'<meta http-equiv=Content-Type content="text/html; charset={label}">',
    }[told]
    header = f"text/html; charset={label}" if told == "header" else "text/html"
    data, _, replaced = to_utf8(start.encode() + RIGHTS[language].encode(codec), header)
    assert data.decode() == start + RIGHTS[language]
    assert replaced == 0


@pytest.mark.parametrize(
    ("codec", "language"),
    [
        row[1:]
        for row in LEGACY
        if row[1] in ("gb18030", "big5", "cp932", "euc-jp", "cp949", "cp1251", "koi8-r", "cp1256")
    ],
)
def test_an_undeclared_charset_is_detected(codec, language):
    assert to_utf8((RIGHTS[language] * 6).encode(codec)).data.decode() == RIGHTS[language] * 6


@pytest.mark.parametrize(("label", "codec", "language"), [row for row in LEGACY if row[0] in ("gbk", "EUC-KR", "big5")])
def test_a_wrong_label_gives_way_to_what_fits(label, codec, language):
    body = f"<meta charset={label}>".encode() + (RIGHTS[language] * 4).encode(codec)
    assert to_utf8(body, "text/html; charset=utf-8").data.decode().endswith(RIGHTS[language])


@pytest.mark.parametrize("label", ["gbk", "koi8-r", "shift_jis", "iso-8859-1", "utf-16", "no-such"])
def test_utf8_wins_over_any_label_and_is_not_copied(label):
    body = f"<meta charset={label}>{RIGHTS['de']}".encode()
    data, charset, replaced = to_utf8(body, f"text/html; charset={label}")
    assert data is body
    assert (charset, replaced) == ("utf-8", 0)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_goes_and_wins(codec):
    assert to_utf8("<meta charset=gbk>é".encode(codec), "text/html; charset=gbk").data == "<meta charset=gbk>é".encode()


@pytest.mark.parametrize(
    ("codec", "language"), [("gb18030", "zh-Hans"), ("cp932", "ja"), ("cp949", "ko"), ("utf-8", "ru")]
)
def test_a_truncated_sequence_costs_one_character(codec, language):
    whole = RIGHTS[language].rstrip(".。") * 3
    body = whole.encode(codec)
    data, _, replaced = to_utf8(body[:-1], f"text/html; charset={codec}")
    assert data.decode().startswith(whole[:-1])
    assert len(data.decode()) <= len(whole)
    assert replaced == data.decode().count("\ufffd") == 1


@pytest.mark.parametrize("surrogate", [b"\xed\xa0\x80", b"\xed\xbf\xbf"])
def test_a_lone_surrogate_is_no_character(surrogate):
    data, charset, replaced = to_utf8("é".encode() * 40 + surrogate + b"x")
    assert data.decode() == "é" * 40 + "\ufffd" * 3 + "x"
    assert (charset, replaced) == ("utf-8", 3)
    assert "\ufffd" in to_utf8("<p>a".encode("utf-16-le") + b"\x00\xd8" + "b".encode("utf-16-le")).data.decode()


def test_replacement_characters_that_were_there_are_not_counted():
    assert to_utf8(("é" * 40 + "\ufffd").encode() + b"\xff") == (("é" * 40 + "\ufffd\ufffd").encode(), "utf-8", 1)


@pytest.mark.parametrize("body", [b"a\0b", b"\0", "a\0é".encode(), b"\xe9\0\xe9"])
def test_nuls_go(body):
    assert b"\0" not in to_utf8(body, "text/html; charset=latin1").data


headers = st.none() | st.sampled_from([f"text/html; charset={label}" for label, _, _ in LEGACY])


@given(st.binary(max_size=120) | hard_texts.map(str.encode), headers)
def test_any_bytes_become_the_utf8_of_what_decode_gives(body, header):
    data, _, replaced = to_utf8(body, header)
    assert data == decode(body, header).encode()
    assert 0 <= replaced <= data.count(b"\xef\xbf\xbd")

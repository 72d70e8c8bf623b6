"""URLs of one page have one canonical form, those of two pages have two; any string has an address."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.urls import Address, address_of, canonical_urls, site_of, without_www


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Shop.Example/Buy/?ID=1#top", ("shop.example", "/buy/?id=1")),
        ("shop.example", ("shop.example", "")),
        ("//shop.example/", ("shop.example", "")),
        ("http://user:secret@shop.example:8080/a", ("shop.example", "/a")),
        ("shop.example:8080/a", ("shop.example", "/a")),
        ("http://shop.example./a%20b%2Fc", ("shop.example", "/a b/c")),
        ("http://bücher.example/", ("xn--bcher-kva.example", "")),
        ("http://xn--BCHER-kva.example", ("xn--bcher-kva.example", "")),
        ("http://b%C3%BCcher.example", ("xn--bcher-kva.example", "")),
        ("http://[2001:DB8::1]:80/x", ("[2001:db8::1]", "/x")),
        ("http://shop.example?q=a@b.example", ("shop.example", "?q=a@b.example")),
        (" http://shop.example\n", ("shop.example", "")),
        ("", ("", "")),
        ("http://", ("", "")),
        ("mailto:someone@shop.example", ("shop.example", "")),
        ("http://" + "ü" * 70 + ".example", ("ü" * 70 + ".example", "")),
    ],
)
def test_what_a_url_stands_for(url: str, address: tuple[str, str]) -> None:
    assert address_of(url) == Address(*address)


@given(st.text("aB./?#@:[]%41é\u3002-", max_size=20) | st.text(max_size=20).map(lambda url: f"{url}|"))
def test_any_string_has_an_address_to_which_a_fragment_makes_no_difference(url: str) -> None:
    assert address_of(f"{url}#fragment") == address_of(url)


def canonical(url, **options):
    return canonical_urls([url], **options)[0]


SAME = [
    ("http://a.example/x", "https://a.example/x"),
    ("http://a.example/x", "HTTP://A.Example/x"),
    ("http://a.example/x", "//a.example/x"),
    ("http://a.example/x", "  http://a.example/x\n"),
    ("http://a.example/x", "http://a.example:80/x"),
    ("http://a.example/x", "https://a.example:443/x"),
    ("http://a.example/x", "http://a.example:/x"),
    ("http://a.example:8080/x", "https://a.example:08080/x"),
    ("http://a.example/x", "http://a.example./x"),
    ("http://a.example/x", "http://user:secret@a.example/x"),
    ("http://a.example/x", "http://www.a.example/x"),
    ("http://a.example", "http://a.example/"),
    ("http://a.example/x", "http://a.example/x/"),
    ("http://a.example/x?q=1", "http://a.example/x/?q=1"),
    ("http://a.example/x", "http://a.example/x#top"),
    ("http://a.example/x", "http://a.example/x?"),
    ("http://a.example/x", "http://a.example/x?#?"),
    ("http://a.example/x", "http://a.example/x?utm_source=feed&UTM_Medium=b&fbclid=1&gclid="),
    ("http://a.example/x?id=1", "http://a.example/x?gclid=9&id=1&&utm_source=feed"),
    ("http://a.example/x?a=1&b=2", "http://a.example/x?b=2&a=1"),
    ("http://a.example/~x", "http://a.example/%7Ex"),
    ("http://a.example/%C3%A4", "http://a.example/%c3%a4"),
    ("http://a.example/%C3%A4", "http://a.example/ä"),
    ("http://a.example/a%20b?q=a%20b", "http://a.example/a b?q=a b"),
    ("http://a.example/100%25", "http://a.example/100%"),
    ("http://a.example/y", "http://a.example/x/../y"),
    ("http://a.example/x/y", "http://a.example/./x/%2e/y"),
    ("http://xn--bcher-kva.example/", "http://Bücher.example"),
    ("http://xn--bcher-kva.example/", "http://b%C3%BCcher.example"),
    ("http://a.example/x", "http://a\u3002example/x"),
    ("http://[2001:db8::1]/", "http://[2001:DB8::1]:80"),
]

OTHER = [
    ("http://a.example/x", "http://b.example/x"),
    ("http://a.example/x", "http://m.a.example/x"),
    ("http://a.example/x", "http://a.example:8080/x"),
    ("http://a.example/x", "ftp://a.example/x"),
    ("http://a.example/x", "http://a.example/X"),
    ("http://a.example/x", "http://a.example/x/index.html"),
    ("http://a.example/x", "http://a.example//x"),
    ("http://a.example/a/b", "http://a.example/a%2Fb"),
    ("http://a.example/a?b", "http://a.example/a%3Fb"),
    ("http://a.example/%41", "http://a.example/%2541"),
    ("http://a.example/?q=a%26b", "http://a.example/?q=a&b"),
    ("http://a.example/?q=a+b", "http://a.example/?q=a%2Bb"),
    ("http://a.example/x", "http://a.example/x?id=1"),
    ("http://a.example/x?id=1", "http://a.example/x?id=2"),
    ("http://a.example/x?id=1&id=2", "http://a.example/x?id=2&id=1"),
    ("http://a.example/x", "http://a.example/x?utm=1"),
    ("http://a.example/x", "http://a.example/x?ref=gclid"),
    ("http://com/", "http://www.com/"),
    ("http://a.example/x", "http://a.example/utm_source=1"),
]


@pytest.mark.parametrize(("one", "another"), SAME)
def test_these_are_the_same_page(one, another):
    assert canonical(one) == canonical(another)
    assert canonical(one) is not None


@pytest.mark.parametrize(("one", "another"), OTHER)
def test_these_are_different_pages(one, another):
    assert canonical(one) != canonical(another)
    assert None not in (canonical(one), canonical(another))


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "None", "unknown", "/a/b", "index.html", "a.example/x", "10.1000/182", "urn:isbn:0451450523"),
        *(
            "mailto:someone@a.example",
            "http://",
            "http:///x",
            "file:///tmp/x",
            "http://a.example:port/x",
            "http://a b/",
        ),
    ],
)
def test_these_name_no_page_and_are_like_nothing(text):
    assert canonical(text) is None


def test_what_makes_no_other_page_can_be_chosen():
    assert canonical("https://www.a.example/", ignore_www=False) == "http://www.a.example"
    assert canonical("http://a.example/?b=1&a=2", sort_query=False) == "http://a.example?b=1&a=2"
    assert canonical("http://a.example/?sid=1&Session.x=2&sidx=3", ignore=("SID", "session.*")) == (
        "http://a.example?sidx=3"
    )
    assert canonical("http://a.example/?utm_source=1", ignore=()) == "http://a.example?utm_source=1"


def test_www_goes_where_a_domain_is_left():
    assert [without_www(host) for host in ("www.a.example", "www.com", "wwwa.example", "www.www.a.example")] == [
        "a.example",
        "www.com",
        "wwwa.example",
        "a.example",
    ]


PIECES = [
    *(
        "http://",
        "https://",
        "//",
        "ftp:",
        "www.",
        "a",
        "Ä",
        "ß",
        ".example",
        ".",
        "\u3002",
        "…",
        "℀",
        "x" * 64,
        ":80",
        ":",
    ),
    *("/", "..", "/../", "?", "&", "=", "#", "@", "[", "]", "%", "%2f", "%25", "%2E", "%41", "%C3%A4", "%e4", "\\"),
    *("utm_x", "gclid", ";", "+", " ", "\xad", "\0", "\n", "İ", "Σ"),
]
urls = st.tuples(
    st.sampled_from(["", "http://", "https://www.", "//a.example/"]),
    st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=10).map("".join),
).map("".join)
"""URLs, and what looks like them, put together without any care."""


@given(urls, st.booleans(), st.booleans())
def test_a_canonical_url_is_ascii_and_its_own_canonical_form(url, ignore_www, sort_query):
    options = {"ignore_www": ignore_www, "sort_query": sort_query}
    found = canonical(url, **options)
    if found is not None:
        assert canonical(found, **options) == found
        assert found.partition("//")[2].partition("/")[2].isascii()


WORDS = st.text("abcXYZ019-_~äß/ %&=?#+", min_size=1, max_size=4)


def spellings(char):
    """How a character may stand in a part of a URL: as it is, where that is safe, or escaped."""
    escaped = "".join(f"%{byte:02x}" for byte in char.encode())
    return [escaped, escaped.upper(), *(char if char not in "/ %&=?#+" else "")]


@given(st.lists(WORDS, max_size=3), st.dictionaries(WORDS, WORDS, max_size=3), st.data())
def test_however_it_is_written_a_page_has_the_form_that_follows_from_its_parts(path, query, data):
    def one_of(*forms):
        return data.draw(st.sampled_from(forms))

    def written(part):
        return "".join(one_of(*spellings(char)) for char in part)

    pairs = [*(f"{written(name)}={written(value)}" for name, value in query.items()), one_of("", "utm_id=1")]
    url = one_of("http://a.example", "https://WWW.A.example:443", "//a.EXAMPLE.")
    url += "".join(f"/{written(part)}" for part in path) + one_of("", "/")
    url += "?" + "&".join(data.draw(st.permutations(pairs))) + one_of("", "#top")

    def plain(part):
        return quote(part, safe="")

    page = "http://a.example" + "".join(f"/{plain(part)}" for part in path)
    listed = "&".join(f"{name}={plain(query[unquote(name)])}" for name in sorted(map(plain, query)))
    assert canonical(url) == f"{page}?{listed}".rstrip("?")


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("a.example", "a.example"),
        ("news.blog.a.example", "a.example"),
        ("www.bbc.co.uk", "bbc.co.uk"),
        ("co.uk", "co.uk"),
        ("blog.kit.de", "kit.de"),
        ("192.0.2.17", "192.0.2.17"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_the_site_of_a_host(host: str, site: str) -> None:
    assert site_of(host) == site

"""Each kind of list blocks what it says and no more."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from textmill.filters.url import BlockedUrl
from textmill.pipeline.errors import InputError
from textmill.pipeline.lists import HashSet
from textmill.pipeline.testing import batch_of, judge


@pytest.fixture
def listed(tmp_path: Path) -> "Listed":
    return Listed(tmp_path)


class Listed:
    """Writes lists, and judges URLs by them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, *entries: str) -> str:
        file = self.folder / f"list-{len(list(self.folder.iterdir()))}.txt"
        file.write_text("\n".join(entries), "utf-8")
        return str(file)

    def blocked(self, parameter: str, entries: list[str], urls: list[str]) -> list[bool]:
        step = BlockedUrl.model_validate({parameter: [self.path(*entries)]})
        return [reason is not None for reason in judge(step, {"url": urls})]


def test_a_domain_blocks_itself_and_what_is_below_it(listed: Listed) -> None:
    urls = {
        "http://shop.example/x": True,
        "https://a.b.SHOP.example:443": True,
        "http://www.shop.example": True,
        "http://myshop.example": False,
        "http://example/": False,
        "http://other.example/shop.example": False,
        "http://shop.example.org": False,
        "http://shop.example@other.example": False,
        "http://bücher.test": True,
        "http://a.below.test": True,
        "http://127.0.0.1/": True,
        "http://27.127.0.0.1/": True,
    }
    entries = ["# comment", "", "Shop.example ", "bücher.test", "*.below.test", "127.0.0.1"]
    assert listed.blocked("domains", entries, list(urls)) == list(urls.values())


def test_a_url_blocks_one_page_however_it_is_written(listed: Listed) -> None:
    urls = {
        "https://www.shop.example/Buy/": True,
        "http://shop.example:80/buy#now": True,
        "http://shop.example/%62uy": True,
        "http://shop.example/buy/more": False,
        "http://shop.example/buy?id=2": False,
        "http://shop.example/buy?id=1": True,
        "http://shop.example/": False,
        "http://a.shop.example/buy": False,
    }
    assert listed.blocked("urls", ["shop.example/buy/", "http://shop.example/buy?id=1"], list(urls)) == list(
        urls.values()
    )


def test_one_hard_word_is_enough_but_only_a_whole_one(listed: Listed) -> None:
    urls = {
        "http://sussex.example/essex/sexton": False,
        "http://a.example/SEX-shop": True,
        "http://sex.example/": True,
        "http://a.example/?q=same+sex": True,
        "http://a.example/s%65x": True,
        "http://a.example/unisex_wear": False,
        "http://a.example/_sex_": True,
        "http://a.example/секс/": True,
        "http://a.example/%D1%81%D0%B5%D0%BA%D1%81/": True,
    }
    assert listed.blocked("hard_words", ["sex", "Секс"], list(urls)) == list(urls.values())


def test_it_takes_several_different_soft_words(listed: Listed) -> None:
    words = listed.path("casino", "bonus", "slots")
    urls = [
        "http://casino.example/casino/casino",
        "http://casino.example/bonus",
        "http://casino-bonus.example/slots",
    ]
    verdict = BlockedUrl(soft_words=(words,)).judge(batch_of({"url": urls}))
    assert verdict.reasons == [None, "soft_words_in_url", "soft_words_in_url"]
    assert verdict.values[1:].tolist() == [2, 3]
    assert verdict.thresholds[1:].tolist() == [2, 2]
    assert judge(BlockedUrl(soft_words=(words,), min_soft_words=3), {"url": urls})[:2] == [None, None]


def test_a_substring_blocks_within_and_across_words(listed: Listed) -> None:
    urls = {
        "http://sussex.example": True,
        "http://a.example/hot-pocket": True,
        "http://a.example/hot.example/pocket": False,
        "http://a.example/s.e.x": True,
    }
    assert listed.blocked("substrings", ["sex", "hot pocket"], list(urls)) == list(urls.values())


def test_hundreds_of_substrings_are_all_looked_for(listed: Listed) -> None:
    entries = [f"bad{number:03}thing" for number in range(250)]
    assert all(listed.blocked("substrings", entries, [f"http://a.example/x{entry}x" for entry in entries]))


def test_the_first_of_several_reasons_is_given_and_documents_without_url_stay(listed: Listed) -> None:
    step = BlockedUrl(
        domains=(listed.path("shop.example"),),
        urls=(listed.path("shop.example/sex", "other.example/sex"),),
        hard_words=(listed.path("sex"),),
        soft_words=(listed.path("sex", "casino"),),
        substrings=(listed.path("sex", "unwanted"),),
    )
    urls = {
        "http://shop.example/sex": "blocked_domain",
        "http://other.example/sex": "blocked_url",
        "http://a.example/casino/sex": "hard_word_in_url",
        "http://a.example/unwantedly": "substring_in_url",
        "http://a.example/": None,
        "": None,
        None: None,
    }
    assert judge(step, {"url": list(urls)}) == list(urls.values())
    assert step.reads() == {"url"}
    assert len(step.depends_on()) == 5


def test_the_lists_that_come_with_textmill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lists = {name: [f"configs/lists/{name}.txt"] for name in ("domains", "hard_words", "soft_words")}
    urls = [
        "http://bonus.casino-palace.example/",
        "http://a.example/xxx",
        "http://a.example/poker/bonus",
        "http://a.example",
    ]
    reasons = ["blocked_domain", "hard_word_in_url", "soft_words_in_url", None]
    assert judge(BlockedUrl.model_validate(lists), {"url": urls}) == reasons


def test_a_compressed_list_and_a_changed_one(tmp_path: Path) -> None:
    file = tmp_path / "domains.gz"
    step = BlockedUrl(domains=(file.as_uri(),))
    urls = {"url": ["http://one.example", "http://two.example"]}
    file.write_bytes(gzip.compress(b"\xef\xbb\xbfone.example\r\n"))
    assert judge(step, urls) == ["blocked_domain", None]
    file.write_bytes(gzip.compress(b"two.example"))
    os.utime(file, (1, 1))
    assert judge(step, urls) == [None, "blocked_domain"]


@pytest.mark.parametrize(
    ("parameter", "content", "complaint"),
    [
        ("domains", b"good.example\nbad.example/page\n", r"list: line 2: 'bad.example/page' is no host"),
        ("domains", b"0.0.0.0 bad.example", r"line 1: '0.0.0.0 bad.example' is no host"),
        ("urls", b"http://", r"line 1: 'http://' is no URL"),
        ("hard_words", b"ok\n\n---", r"line 3: '---' has neither letters nor digits"),
        ("domains", b"a.example\n\xff\xfe", r"line 2 is not UTF-8"),
    ],
)
def test_a_bad_entry_is_named_with_its_line(parameter: str, content: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        BlockedUrl.model_validate({parameter: [str(file)]}).prepare()


def test_a_missing_or_damaged_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        BlockedUrl(domains=("nowhere.txt",)).prepare()
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(os.urandom(5000).hex().encode())[:2000])
    with pytest.raises(InputError, match=r"cut\.gz: damaged after line 0"):
        BlockedUrl(domains=(str(file),)).prepare()
    with pytest.raises(ValidationError, match="give at least one list"):
        BlockedUrl()


@given(st.sets(st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_a_hash_set_is_a_set(entries: set[str], texts: list[str]) -> None:
    found = HashSet(entries)
    assert len(found) == len(entries)
    assert found.contains(texts).tolist() == [text in entries for text in texts]


def test_real_lists_are_read_as_they_are(real_data: Path) -> None:
    lists = real_data / "blocklists"
    step = BlockedUrl(
        urls=(str(lists / "fineweb_urls.txt.gz"),),
        hard_words=(str(lists / "datatrove_banned_words.txt"),),
        soft_words=(str(lists / "datatrove_soft_banned_words.txt"),),
        substrings=(str(lists / "datatrove_banned_subwords.txt"),),
    )
    with gzip.open(lists / "fineweb_urls.txt.gz", "rt", encoding="utf-8") as lines:
        pages = [f"https://{line.strip()}" for line in lines]
    reasons = judge(step, {"url": [*pages, "https://en.wikipedia.org/wiki/Sussex"]})
    assert set(reasons[:-1]) == {"blocked_url"}
    assert reasons[-1] is None

"""What mask_pii masks and what it leaves; that it is its own second run, and does not tire of long texts."""

import json
import re
from pathlib import Path

import naive
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_texts, pii_texts

from textmill.pipeline.mappers.mask_pii import MaskPii
from textmill.pipeline.mappers.pii import EMAIL, IPV4, IPV6, PHONE, Kind
from textmill.pipeline.testing import batch_of, rewrite

EVERYTHING = MaskPii(phones=True)
TAGS = MaskPii(
    phones=True,
    email_placeholders=("<E>",),
    ipv4_placeholders=("<4>",),
    ipv6_placeholders=("<6>",),
    phone_placeholders=("<P>",),
)
texts = pii_texts | hard_texts

EMAILS = {
    "Write to john.smith+news@mail.company.co.uk.": "Write to <E>.",
    "<a href=mailto:j@x.de?subject=hi>'o'brien@x.ie'": "<a href=mailto:<E>?subject=hi>'<E>'",
    "jörg@müller.de, иван@почта.рф, x@xn--80a.xn--p1ai": "<E>, <E>, <E>",
    "邮箱john@qq.com的 @user@masto.social": "邮箱<E>的 @<E>",
    "A@B.DE,c@d.ef;a@b.de@c.de": "<E>,<E>;<E>",
    "x@foo.com\r\ny@foo.com_z": "<E>\r\n<E>_z",
    "(a@b.de@192.168.0.19)": "(<E>@192.168.0.19)",
    "foo@bar a@b..com @handle a @ b.com user@10 lodash@4.17.21 -@x.de": None,
    "a@example.com b@mail.example.org c@host.test d@x.invalid": None,
    "a" * 64 + "@x.de": "<E>",
    "a" * 65 + "@x.de": None,  # no address, by RFC 5321
    "a@myexample.com b@example.com.br c@example.de": "<E> <E> <E>",
}
IPS = {
    "8.8.8.8 (1.1.1.1), http://93.184.216.34:80/ 9.9.9.9.": "<4> (<4>), http://<4>:80/ <4>.",
    "地址8.8.8.8。 server....8.8.8.8 8.8.8.8/24": "地址<4>。 server....<4> <4>/24",
    "999.1.1.1 256.8.8.8 8.8.8.08 1.2.3.4.5 8.8.8 v1.2.3.4 8.8.8.8a 3.14": None,
    "10.0.0.1 127.0.0.1 169.254.1.1 172.31.0.1 192.168.1.1 100.64.0.1 0.0.0.0": None,
    "192.0.2.7 198.51.100.7 203.0.113.7 198.18.0.1 224.0.0.251 255.255.255.255 240.0.0.1": None,
    "172.32.0.1 100.128.0.1 198.20.0.1 223.255.255.255 192.0.1.1": "<4> <4> <4> <4> <4>",
    "version 1.2.3.4": "version <4>",  # cannot be told from an address
    "[2001:4860:4860::8888]:443 [IPv6:2A00:1450:4001:082B:0000:0000:0000:200E]": "[<6>]:443 [IPv6:<6>]",
    "2001:4860::8888: and 2606:4700::/32, 2001:4860::8888.": "<6>: and <6>/32, <6>.",
    "::1 fe80::1 fd00::1 ff02::1 2001:db8::1 2001:DB8:1::1 3fff::1 2024:10:12 12:30:45 00:1a:2b:3c:4d:5e": None,
    "2001:1:2:3:4:5:6:7:8080": "<6>:8080",
    "2001::1::2 2001:1:2:3 2001:4860::88888 a2001:4860::1": None,
    "::ffff:8.8.8.8 ::ffff:192.168.0.1": "::ffff:<4> ::ffff:192.168.0.1",
}
PHONES = {
    "Call (212) 666-1234, 212.666.1234, 1-212-666-1234 or 2126661234.": "Call <P>, <P>, <P> or <P>.",
    "+49 30 1234567; +44 (0)20 7946 0958; +1 212 666 1234": "<P>; <P>; <P>",
    "(212-666-1234) (212) 666-1234": "(<P>) <P>",
    "1609459200 112-666-1234 212-166-1234 12-212-666-1234 212-666-12345 +0123456789 +1 234": None,
    "ISBN 212-666-1234": None,
    "doi:212 666 1234": None,
    "order #2126661234": None,
    "isbn" + "." * 47 + "212-666-1234": "isbn" + "." * 47 + "<P>",
    "isbn" + "." * 46 + "212-666-1234": None,
    "202-555-0100 (212) 555-0199": None,
}


@pytest.mark.parametrize("text", [*EMAILS, *IPS, *PHONES])
def test_what_leads_to_somebody_is_masked_and_nothing_else(text: str) -> None:
    expected = (EMAILS | IPS | PHONES)[text]
    assert rewrite(TAGS, [text]) == [text if expected is None else expected]


def test_only_what_is_asked_for_is_masked() -> None:
    text = "a@b.de 8.8.8.8 2001:4860::8 212-666-1234"
    assert rewrite(TAGS.model_copy(update={"emails": False}), [text]) == ["a@b.de <4> <6> <P>"]
    assert rewrite(TAGS.model_copy(update={"ip_addresses": False}), [text]) == ["<E> 8.8.8.8 2001:4860::8 <P>"]
    assert rewrite(TAGS.model_copy(update={"phones": False}), [text]) == ["<E> <4> <6> 212-666-1234"]
    assert not MaskPii().phones


def test_the_same_address_gets_the_same_placeholder_and_others_share_the_few() -> None:
    [text] = rewrite(MaskPii(), [" ".join(f"user{n}@host.de" for n in range(40)) + " User7@Host.DE"])
    found = text.split()
    assert set(found) == set(MaskPii().email_placeholders)
    assert found[7] == found[40]
    assert rewrite(MaskPii(), ["user7@host.de"]) == [found[7]]


def test_masked_items_are_counted() -> None:
    texts = ["a@b.de 8.8.8.8 2001:4860::8 x@example.com", None, "", "none"]
    batch, _ = MaskPii().apply(batch_of(texts))
    assert batch.column("pii_masked").to_pylist() == [3, None, 0, 0]
    assert batch.column("pii_masked").type == pa.int32()


@given(st.lists(st.none() | texts, max_size=6))
def test_a_second_run_changes_nothing(column: list[str | None]) -> None:
    for step in (EVERYTHING, TAGS):
        once = rewrite(step, column)
        assert rewrite(step, once) == once


@given(texts)
def test_the_finders_agree_with_their_slow_twins(text: str) -> None:
    assert spans(EMAIL, text, candidates=True) == naive.email_spans(text)
    assert spans(IPV4, text) == naive.ipv4_spans(text)
    assert spans(IPV6, text, candidates=True) == naive.ipv6_spans(text)


def spans(kind: Kind, text: str, *, candidates: bool = False) -> list[tuple[int, int]]:
    return [span for span in kind.find(text) if candidates or kind.leads_to_somebody(text[slice(*span)], "")]


@given(texts)
def test_every_find_is_hinted_at(text: str) -> None:
    for kind in (EMAIL, IPV4, IPV6, PHONE):
        if any(kind.leads_to_somebody(text[start:stop], "") for start, stop in kind.find(text)):
            assert re.search(kind.hint, text)


@given(st.lists(st.none() | texts, max_size=6), st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_text_is_masked_alike_in_any_batch_slice_and_type(
    column: list[str | None], start: int, kind: pa.DataType
) -> None:
    batch = batch_of({"text": pa.array(column, kind)}).slice(start)
    masked = EVERYTHING.rewrite(batch)
    assert masked.column("text").type == kind
    assert masked.column("text").to_pylist() == [rewrite(EVERYTHING, [text])[0] for text in column[start:]]
    assert masked.column("id").equals(batch.column("id"))


MILLION = 1_000_000
LONG = ["a", "a.", "@", "a@", "@a", "@a.", "@a-", "a@a.", "1", "1.", "1.1.1.", "25.", ":", "2001:", "f:", "2001:1::"]
LONG += ["2", "+1", "+1 ", "212-", "212-666-", "(", "+1(", "ö", "@ö.", "#212 666 1234", "😀@", "isbn", "x@b.c "]


@pytest.mark.parametrize("piece", LONG)
def test_work_is_linear_in_long_runs(piece: str) -> None:
    """Work that grew with the square of a million characters would take an hour, not the moment that this takes."""
    text = piece * (MILLION // len(piece))
    for ending in ("!", "@x.de", ".8"):
        [masked] = rewrite(EVERYTHING, [text + ending])
        swallowed = len(masked or "") < len(text) / 4
        assert not swallowed


@pytest.mark.parametrize("placeholder", ["a@b.de", "8.8.8.8", "2001:4860::1", "+49 30 1234567", "call 212-666-1234"])
def test_a_placeholder_that_would_be_masked_is_refused(placeholder: str) -> None:
    for name in ("email_placeholders", "ipv4_placeholders", "ipv6_placeholders", "phone_placeholders"):
        with pytest.raises(ValidationError, match=re.escape(repr(placeholder)) + " is empty or would itself be masked"):
            MaskPii(phones=True, **{name: ("<X>", placeholder)})


@pytest.mark.parametrize("placeholders", [(), ("",)])
def test_there_is_a_placeholder(placeholders: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        MaskPii(email_placeholders=placeholders)


def test_real_mail_keeps_no_address_of_its_senders(real_data: Path) -> None:
    with zstandard.open(real_data / "text/spam/spamassassin.jsonl.zst", "rt", encoding="utf-8") as stream:
        mails = [json.loads(line)["text"] for _, line in zip(range(500), stream, strict=False)]
    masked = rewrite(EVERYTHING, mails)
    assert rewrite(EVERYTHING, masked) == masked
    left = re.findall(r"[\w.+-]+@(?!\S*example\.(?:com|org|net))[\w-]+\.[a-z]{2,}", "\n".join(map(str, masked)))
    assert left == []
    changed = sum(before != after for before, after in zip(mails, masked, strict=True))
    assert changed > 450

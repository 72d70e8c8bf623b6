"""`mask_pii`: addresses that lead to a person give way to ones that lead nowhere.

After FineWeb's (e-mail and public IP addresses, a few placeholders in turn), with WIMBD's rule for phone numbers.
docs/mappers.md says what is found and what is not.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Final, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator
from xxhash import xxh3_64_intdigest

from textmill.pipeline import schema
from textmill.pipeline.arrow import bools, set_column, validity
from textmill.pipeline.mappers.pii import EMAIL, IPV4, IPV6, PHONE, Kind, mask
from textmill.pipeline.step import Mapper

Placeholders: TypeAlias = tuple[str, ...]

MASKED: Final = "pii_masked"


class MaskPii(Mapper):
    """Mask e-mail addresses, public IP addresses and phone numbers, and count them in `pii_masked`.

    The same address gets the same placeholder, wherever it stands and in whatever case. A second run changes nothing.
    """

    emails: bool = Field(True, description="mask e-mail addresses")
    ip_addresses: bool = Field(True, description="mask public IPv4 and IPv6 addresses")
    phones: bool = Field(False, description="mask phone numbers, North American ones and those with + in front")
    email_placeholders: Placeholders = Field(
        ("email@example.com", "firstname.lastname@example.org"),
        min_length=1,
        description="what stands for an e-mail address",
    )
    ipv4_placeholders: Placeholders = Field(
        ("192.0.2.1", "198.51.100.1", "203.0.113.1"), min_length=1, description="what stands for an IPv4 address"
    )
    ipv6_placeholders: Placeholders = Field(
        ("2001:db8::1", "2001:db8::2"), min_length=1, description="what stands for an IPv6 address"
    )
    phone_placeholders: Placeholders = Field(
        ("202-555-0100", "202-555-0101"), min_length=1, description="what stands for a phone number"
    )

    @model_validator(mode="after")
    def _placeholders_stay(self) -> Self:
        for (kind, _), (_, placeholders) in product(self._kinds(), repeat=2):
            for text in placeholders:
                if text == "" or mask(text, kind, str.upper)[1]:
                    raise ValueError(
                        f"the placeholder {text!r} is empty or would itself be masked; take an address that is "
                        "reserved for examples, as the defaults are, or a tag such as <EMAIL>"
                    )
        return self

    def _kinds(self) -> Iterator[tuple[Kind, Placeholders]]:
        """What to mask, in this order, and with what."""
        if self.emails:
            yield EMAIL, self.email_placeholders
        if self.ip_addresses:
            yield IPV4, self.ipv4_placeholders
            yield IPV6, self.ipv6_placeholders
        if self.phones:
            yield PHONE, self.phone_placeholders

    def adds(self) -> frozenset[str]:
        """How many items were masked in each text: int32, null for a null text."""
        return frozenset({MASKED})

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One kind after the other; a text without a kind's hint is not looked at any closer."""
        texts = batch.column(schema.TEXT)
        counts = np.zeros(batch.num_rows, np.int32)
        for kind, placeholders in self._kinds():
            hinted = pc.fill_null(pc.match_substring_regex(texts, kind.hint), False)
            masked = [mask(text, kind, partial(_choose, placeholders)) for text in texts.filter(hinted).to_pylist()]
            texts = pc.replace_with_mask(texts, hinted, pa.array([text for text, _ in masked], texts.type))
            counts[bools(hinted)] += np.array([count for _, count in masked], np.int32)
        batch = set_column(batch, schema.TEXT, texts)
        return set_column(batch, MASKED, pa.array(counts, mask=~validity(texts)))


def _choose(placeholders: Placeholders, found: str) -> str:
    """By the item alone, so that neither order nor batches matter."""
    return placeholders[xxh3_64_intdigest(found.lower().encode()) % len(placeholders)]

"""Tells which URLs are on lists of hosts and of pages, such as UT1's; for a filter and for a scorer."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from textmill.pipeline.arrow import Bools
from textmill.pipeline.lists import HashSet, load_lists
from textmill.pipeline.urls import Address, address_of, without_www


def load_domains(paths: Sequence[str]) -> HashSet:
    """Lists of hosts. Raises InputError for a file that is missing, or an entry that is no host."""
    return load_lists(paths, _host_entry, HashSet)


def load_pages(paths: Sequence[str]) -> HashSet:
    """Lists of URLs. Raises InputError for a file that is missing, or an entry that is no URL."""
    return load_lists(paths, _url_entry, HashSet)


def on_domains(domains: HashSet, addresses: Sequence[Address]) -> Bools:
    """Whether the host of each address, or a domain it is below, is listed."""
    listed = np.zeros(len(addresses), np.bool_)
    chains = [list(_domains_of(address.host)) for address in addresses]
    found = domains.contains([domain for chain in chains for domain in chain])
    listed[np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])[found]] = True
    return listed


def on_pages(pages: HashSet, addresses: Sequence[Address]) -> Bools:
    """Whether the page of each address is listed."""
    return pages.contains([_page(address) for address in addresses])


def _host_entry(entry: str) -> str:
    host, rest = address_of(entry.removeprefix("*").removeprefix("."))
    if rest or not host or re.search(r"\s", host):
        raise ValueError(f"{entry!r} is no host; URLs are listed under `urls`")
    return host


def _url_entry(entry: str) -> str:
    page = _page(address_of(entry))
    if not page:
        raise ValueError(f"{entry!r} is no URL")
    return page


def _page(address: Address) -> str:
    """What is compared of a URL."""
    return without_www(address.host) + address.rest


def _domains_of(host: str) -> Iterator[str]:
    """a.b.example, b.example, example."""
    yield host
    while dot := host.find(".") + 1:
        host = host[dot:]
        yield host

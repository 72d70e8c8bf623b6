"""The kind of a document's site, by lists of hosts and pages."""

import tarfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from textmill.pipeline.errors import InputError
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.url_category import UrlCategory


def listing(folder: Path, name: str, *entries: str) -> str:
    (folder / name).write_text("\n".join(entries))
    return str(folder / name)


@pytest.fixture
def step(tmp_path: Path) -> UrlCategory:
    return UrlCategory.model_validate(
        {
            "domains": {
                "gambling": listing(tmp_path, "gambling", "bets.example", "casino.example"),
                "press": [listing(tmp_path, "press", "news.example", "casino.example")],
            },
            "urls": {
                "press": listing(tmp_path, "pages", "portal.example/news"),
                "blog": listing(tmp_path, "blog", "portal.example/blog", "news.example/blog"),
            },
        }
    )


@pytest.mark.parametrize(
    ("url", "category"),
    [
        ("https://bets.example/today", "gambling"),
        ("http://www.live.BETS.example:8080/", "gambling"),
        ("https://mybets.example/", "none"),
        ("https://casino.example/", "gambling"),  # the first of two
        ("https://www.portal.example/news/", "press"),
        ("https://portal.example/news/today", "none"),
        ("https://portal.example/blog", "blog"),
        ("https://news.example/blog", "press"),
        ("no address at all", "none"),
        ("", None),
        (None, None),
    ],
)
def test_the_first_category_that_holds_it(step: UrlCategory, url: str | None, category: str | None) -> None:
    assert score(step, {"url": [url]}) == {"url_category": [category]}


def test_what_it_reads_adds_depends_on_and_counts(step: UrlCategory) -> None:
    step.prepare()
    assert (step.reads(), step.adds()) == ({"url"}, {"url_category"})
    assert [Path(path).name for path in step.depends_on()] == ["gambling", "press", "pages", "blog"]
    batch, _ = step.apply(batch_of({"url": ["http://bets.example", None, "http://a.example", "http://b.example"]}))
    assert step.tally(batch) == {"gambling": 1, "without_url": 1, "none": 2}
    assert str(step.score(batch_of({"url": []}))["url_category"].type) == "string"


def test_lists_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="give at least one list"):
        UrlCategory()
    with pytest.raises(InputError, match="no such file"):
        UrlCategory(domains={"x": (str(tmp_path / "none"),)}).prepare()
    with pytest.raises(InputError, match="is no host"):
        UrlCategory(domains={"x": (listing(tmp_path, "bad", "a.example/page"),)}).prepare()


def test_every_host_of_a_real_list_is_of_its_category(real_data: Path, tmp_path: Path) -> None:
    with tarfile.open(real_data / "blocklists" / "ut1.tar.gz") as archive:
        names = [f"blacklists/{name}/domains" for name in ("gambling", "press")]
        archive.extractall(tmp_path, [archive.getmember(name) for name in names], filter="data")
    gambling, press = (tmp_path / name for name in names)
    step = UrlCategory(domains={"gambling": (str(gambling),), "press": (str(press),)})
    hosts = gambling.read_text().split()
    found = score(step, {"url": [f"https://{host}/page" for host in hosts]})["url_category"]
    assert set(found) == {"gambling"}
    assert len(found) > 1000
    news = score(step, {"url": [f"https://sub.{host}/" for host in press.read_text().split()]})["url_category"]
    assert set(news) <= {"press", "gambling"}
    assert news.count("press") > 0.9 * len(news)

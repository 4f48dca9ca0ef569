"""A web site that the tests serve: what it allows is read, of its own host, within bounds."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from indexer.sources import Bounds, Failure, Item, Note, SourceDocument, Unchanged, open_source
from indexer.sources.web.fetching import MAX_PAGE, normalized
from search.errors import SourceError
from tests.support.pdfs import pdf

pytestmark = pytest.mark.slow

HTML = "text/html; charset=utf-8"


def page(text: str, *links: str, title: str = "") -> tuple[str, bytes]:
    linked = "".join(f"<a class=x href='{link}'>x</a>" for link in links)
    return HTML, f"<html><title>{title}</title><body><p>{text}</p>{linked}</body></html>".encode()


class Site:
    """Pages by their paths: a kind and bytes, an address to go to, or what is done instead."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.spared: list[str] = []
        self.pages: dict[str, tuple[str, bytes] | str | int | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                tag = site.tags.get(self.path)
                if tag and self.headers.get("If-None-Match", self.headers.get("If-Modified-Since")) == tag:
                    site.spared.append(self.path)
                    self.send_response(304)
                    self.end_headers()
                    return
                match site.pages.get(self.path, 404):
                    case int(status):
                        self.send_error(status)
                    case str(place):
                        self.send_response(302)
                        self.send_header("Location", place)
                        self.end_headers()
                    case (kind, body):
                        self.send_response(200)
                        self.send_header("Content-Type", kind)
                        if tag:
                            self.send_header("Last-Modified" if tag.endswith("GMT") else "ETag", tag)
                        self.end_headers()
                        self.wfile.write(body)
                    case act:
                        act(self)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def read(self, path: str = "/", known: Mapping[str, str] | None = None, **bounds: object) -> list[Item]:
        given = Bounds(**{"delay": 0, "seconds": 2, **bounds})  # type: ignore[arg-type]
        return list(open_source(f"http://{self.host}{path}", bounds=given, known=known or {}))


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def documents(items: list[Item]) -> dict[str, str]:
    return {item.id: item.text for item in items if isinstance(item, SourceDocument)}


def failures(items: list[Item]) -> dict[str, str]:
    return {item.name: item.reason for item in items if isinstance(item, Failure)}


def passed(items: list[Item]) -> str:
    return " ".join(item.text for item in items if isinstance(item, Note))


def test_pages_are_followed_once_whatever_their_links_are_like(site: Site) -> None:
    site.pages |= {
        "/": page(
            "Whales sing.",
            "a.html#top",
            "/a.html",
            "//elsewhere.example/",
            "mailto:x@y",
            "?q=1&amp;r=2",
            "http://[x",
            title="Sea",
        ),
        "/a.html": page("Bats hunt.", "/", "deep/", "/a.html?"),
        "/deep/": page("Owls see.", "../a.html", "b.pdf", "c.txt", "d.png"),
        "/?q=1&r=2": page("Cells divide."),
        "/deep/b.pdf": ("application/pdf", pdf(["Robots write."])),
        "/deep/c.txt": ("text/plain; charset=iso-8859-1", "Café.".encode("latin-1")),
        "/deep/d.png": ("image/png", b"x"),
    }
    items = site.read()
    found = documents(items)
    assert list(found) == ["/", "/a.html", "/?q=1&r=2", "/deep/", "/deep/b.pdf", "/deep/c.txt"]
    assert (found["/deep/b.pdf"], found["/deep/c.txt"]) == ("Robots write.", "Café.")
    first = next(item for item in items if isinstance(item, SourceDocument))
    assert (first.title, first.url) == ("Sea", f"http://{site.host}/")
    assert first.text.startswith("Whales sing.")
    assert not failures(items)
    assert "1 of the kind image/png" in passed(items)
    assert max(site.asked.count(path) for path in site.asked) == 1


def stamps(items: list[Item]) -> dict[str, str]:
    return {item.id: item.stamp for item in items if isinstance(item, SourceDocument) and item.stamp}


def unchanged(items: list[Item]) -> list[str]:
    return [item.id for item in items if isinstance(item, Unchanged)]


def test_pages_that_did_not_change_are_not_sent_again_and_their_links_are_followed(site: Site) -> None:
    site.pages |= {
        "/": page("Whales sing.", "/a", "/old"),
        "/a": page("Bats hunt.", "/b"),
        "/b": page("Owls see."),
        "/old": "/b",
        "/c": page("Cells divide."),
    }
    site.tags = {"/": '"1"', "/a": "Wed, 01 May 2024 10:00:00 GMT", "/b": 'W/"x"'}
    known = stamps(site.read())
    assert list(known) == ["/", "/a", "/b"]
    assert unchanged(site.read(known=known)) == ["/", "/a", "/b"]
    assert site.spared == ["/", "/a", "/b", "/b"]
    site.pages["/a"] = page("Bats sleep.", "/b", "/c")
    site.tags["/a"] = '"2"'
    items = site.read(known=known)
    assert list(documents(items)) == ["/a", "/c"]
    assert unchanged(items) == ["/", "/b"]


def test_pages_of_a_sitemap_are_asked_whether_they_changed(site: Site) -> None:
    listed = f"<urlset><url><loc>http://{site.host}/a</loc></url></urlset>".encode()
    site.pages |= {
        "/sitemap.xml": ("text/xml", listed),
        "/a": page("Bats hunt.", "/b"),
        "/b": page("Owls see."),
    }
    site.tags = {"/a": '"1"'}
    known = stamps(site.read("/sitemap.xml"))
    assert unchanged(site.read("/sitemap.xml", known=known)) == ["/a"]
    assert list(documents(site.read("/a", known=known))) == ["/a", "/b"]  # its links were not looked for


@pytest.mark.parametrize("tag", ['"a\tb"', "no quotes", '"' + "x" * 999 + '"', "Tomorrow"])
def test_what_is_no_tag_is_not_sent_back(site: Site, tag: str) -> None:
    site.pages |= {"/": page("Whales sing.")}
    site.tags = {"/": tag}
    assert stamps(site.read()) == {}
    assert list(documents(site.read(known={"/": f'[1, "{tag}", "", []'}))) == ["/"]


def test_a_page_that_is_unchanged_unasked_is_a_failure(site: Site) -> None:
    site.pages |= {"/": page("Whales sing.", "/a"), "/a": 304}
    assert failures(site.read()) == {"/a": "its server answers 304"}


def test_what_robots_forbid_is_not_asked_for(site: Site) -> None:
    site.pages |= {
        "/robots.txt": ("text/plain", b"User-agent: *\nDisallow: /private"),
        "/": page("Whales sing.", "/private/a", "/b"),
        "/private/a": page("No."),
        "/b": "/private/a",
        "/c": page("<meta name='robots' content='noindex'>No."),
    }
    items = site.read()
    assert list(documents(items)) == ["/"]
    assert "2 its robots.txt does not allow it" in passed(items)
    assert "/private/a" not in site.asked
    with pytest.raises(SourceError, match=r"robots\.txt does not allow"):
        site.read("/private/a")
    assert not documents(site.read("/c"))


def test_a_server_whose_robots_fail_is_left_alone(site: Site) -> None:
    site.pages |= {"/robots.txt": 503, "/": page("Whales sing.")}
    with pytest.raises(SourceError, match=r"robots\.txt cannot be fetched"):
        site.read()
    assert "/" not in site.asked


def test_sitemaps_packed_and_of_sitemaps_name_the_pages(site: Site) -> None:
    at = f"http://{site.host}"
    site.pages |= {
        "/sitemap.xml": (
            "application/xml",
            f"<sitemapindex><sitemap><loc>{at}/one.xml.gz</loc></sitemap><sitemap><loc>{at}/sitemap.xml</loc></sitemap></sitemapindex>".encode(),
        ),
        "/one.xml.gz": (
            "application/gzip",
            gzip.compress(
                f"<urlset><url><loc>\n {at}/a?x=1&amp;y=2 </loc></url><url><loc><![CDATA[{at}/b]]></loc></url><url><loc>http://other.example/</loc></url></urlset>".encode()
            ),
        ),
        "/a?x=1&y=2": page("Whales sing.", "/hidden"),
        "/b": page("Bats hunt."),
        "/hidden": page("No."),
    }
    items = site.read("/sitemap.xml")
    assert list(documents(items)) == ["/a?x=1&y=2", "/b"]
    assert "1 leads to other.example, which is not named" in passed(items)


def test_redirects_stay_within_the_hosts_and_end(site: Site) -> None:
    other = Site()
    try:
        other.pages |= {"/": page("Owls see.")}
        site.pages |= {
            "/": page("Whales.", "/out", "/loop", "/in"),
            "/out": f"http://{other.host}/",
            "/loop": "/loop",
            "/in": "/",
        }
        items = site.read()
        assert list(documents(items)) == ["/"]
        assert "which is not named" in passed(items)
        assert "without an end" in passed(items)
        assert other.asked == []
        named = documents(site.read(hosts=(other.host,)))
        assert named[f"//{other.host}/"] == "Owls see."
    finally:
        other.server.shutdown()
        other.server.server_close()


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", HTML)
    handler.end_headers()
    for _ in range(60):
        time.sleep(0.2)
        handler.wfile.write(b"x")


def drip_header(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(60):
        time.sleep(0.2)
        handler.wfile.write(b"H")


def test_slow_huge_and_broken_pages_are_named_and_missing_ones_counted(site: Site) -> None:
    site.pages |= {
        "/": page("Whales sing.", "/slow", "/header", "/huge", "/bomb", "/error", "/gone", "/late"),
        "/slow": drip,
        "/header": drip_header,
        "/huge": (HTML, b"x" * (MAX_PAGE + 1)),
        "/bomb": (HTML, gzip.compress(bytes(4 * MAX_PAGE))),
        "/error": 500,
        "/late": page("Bats hunt."),
    }
    items = site.read()
    assert documents(items)["/late"] == "Bats hunt."
    told = failures(items)
    assert "no answer within 2 seconds" in told["/slow"]
    assert "no answer within 2 seconds" in told["/header"]
    assert "more than 16 MiB" in told["/huge"]
    assert "500" in told["/error"]
    assert "/bomb" in told
    assert "1 not there any more (404)" in passed(items)


def test_a_site_without_an_end_is_read_to_its_limit_and_loses_nothing(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        number = int(handler.path.rpartition("=")[2])
        handler.send_response(200)
        handler.send_header("Content-Type", HTML)
        handler.end_headers()
        handler.wfile.write(page(f"Day {number}.", f"?day={number + 1}", f"?day={number + 2}")[1])

    site.pages |= {f"/?day={number}": endless for number in range(99)}
    items = site.read("/?day=0", limit=7)
    assert len(documents(items)) == 7
    assert "more pages than the 7" in failures(items)["/"]


def test_a_site_of_this_machine_is_refused_where_it_may_not_be(site: Site) -> None:
    site.pages |= {"/": page("Whales sing.")}
    with pytest.raises(SourceError, match="this machine or network"):
        site.read(private=False)
    assert site.asked == []


@pytest.mark.parametrize(
    "address", ["http://", "http://nowhere.invalid/", "http://127.0.0.1:1/", "https://h:x/"]
)
def test_an_address_of_no_site_says_so(address: str) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(open_source(address))


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("HTTP://Example.org:80/a b#c", "http://example.org/a%20b"),
        ("https://example.org", "https://example.org/"),
        ("http://bücher.example/ü?q=ü", "http://xn--bcher-kva.example/%C3%BC?q=%C3%BC"),
        ("ftp://example.org/", None),
        ("javascript:alert(1)", None),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
    ],
)
def test_addresses_are_written_one_way(given: str, there: str | None) -> None:
    assert normalized(given) == there

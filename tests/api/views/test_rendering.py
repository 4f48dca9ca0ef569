"""Static files, links, and headers that keep everything on this host."""

import hashlib
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from api.middleware.security_headers import SECURITY_HEADERS, SecurityHeaders
from api.views import rendering
from api.views.document_map import document_path
from search.responses.search import Term, TermKind

VENDORED = [
    (
        "api/static/vendor/htmx-2.0.11.min.js",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
    (
        "tests/browser/vendor/axe-4.14.1.min.js",
        "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
    ),
]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def client() -> TestClient:
    static = Mount("/static", rendering.HashedStaticFiles())
    return TestClient(SecurityHeaders(Starlette(routes=[static])))


@pytest.mark.parametrize(("path", "digest"), VENDORED)
def test_vendored_files_are_what_their_makers_published(path: str, digest: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == digest


def test_hashed_files_are_kept_for_a_year_and_others_asked_for_again(client: TestClient) -> None:
    address = rendering.static_url("refract.css")
    assert client.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/refract.css").headers["Cache-Control"] == "no-cache"
    assert client.get("/static/refract.css?v=old").headers["Cache-Control"] == "no-cache"
    assert "immutable" not in client.get("/static/nothing.css?v=1").headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("numpy.linalg.inv", "numpy.<wbr>linalg.<wbr>inv"),
        ("difflib.SequenceMatcher of <b>", "difflib.<wbr>Sequence<wbr>Matcher of &lt;b&gt;"),
        ("short.name", "short.name"),
        ("a version 3.11.7.10.2.1.5", "a version 3.11.7.10.2.1.5"),
    ],
)
def test_a_long_name_breaks_where_its_parts_meet(name: str, seen: str) -> None:
    assert rendering.breakable(name) == seen


def test_every_response_forbids_other_hosts_and_inline_code(client: TestClient) -> None:
    for address in ("/static/refract.css", "/static/nothing.css", "/nowhere"):
        headers = client.get(address).headers
        assert SECURITY_HEADERS.items() <= {name: headers.get(name) for name in SECURITY_HEADERS}.items()
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_style_and_script_load_nothing_from_elsewhere() -> None:
    for name in ("refract.css", "document.css", "map.css", "app.js", "map.js"):
        text = (rendering.STATIC / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|@import|@font-face", text)


def test_templates_hold_no_inline_code_or_style() -> None:
    for template in rendering.TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=|javascript:|\|safe\b", text), (
            template
        )


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("javascript:alert(1)", None),
        (" javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("//example.org", None),
        ("http://[", None),
        (None, None),
    ],
)
def test_only_web_addresses_become_links(url: str | None, link: str | None) -> None:
    assert rendering.web_link(url) == link


@pytest.mark.parametrize(
    ("document_id", "path"),
    [
        ("library/json", "/documents/library/json"),
        ("a b?c#d%", "/documents/a%20b%3Fc%23d%25"),
        ("../etc", "/documents/..%2Fetc"),
        ("a//b", "/documents/a%2F%2Fb"),
        ("a\nb", "/documents/a%0Ab"),
        ("..", "/document?document_id=.."),
        (".", "/document?document_id=."),
    ],
)
def test_document_addresses_survive_a_browser(document_id: str, path: str) -> None:
    assert document_path(document_id) == path


SCRIPTS = [
    ("app.js", 150),
    ("results.js", 100),
    ("earlier.js", 90),
    ("suggest.js", 180),
    ("map.js", 200),
    ("theme.js", 30),
    ("tour.js", 110),
]


@pytest.mark.parametrize(("name", "lines"), SCRIPTS)
def test_scripts_stay_small(name: str, lines: int) -> None:
    assert len((rendering.STATIC / name).read_text(encoding="utf-8").splitlines()) < lines


@pytest.mark.parametrize("kind", get_args(TermKind))
def test_every_kind_of_term_can_be_what_decides(kind: TermKind) -> None:
    terms: Any = rendering.ENVIRONMENT.get_template("partials/_terms.html").module
    assert str(terms.reason(Term(kind, 0.5, "other topics", word="sea"), None)).strip()

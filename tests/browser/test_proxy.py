"""Behind nginx, on a path of another address: every link leads on, every form arrives, signing in holds."""

import contextlib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import Session

from api.auth.keys import create_key
from tests.support.browser import GIVEN_UP
from tests.support.indexed import Indexed
from tests.support.programs import free_port, listening, program

pytestmark = pytest.mark.browser

CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port};
        location = / {{ return 200 "another application"; }}
        location /docs/find/ {{
            proxy_pass {refract};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto {scheme};
            proxy_set_header X-Forwarded-Prefix /docs/find;
        }}
    }}
}}
"""
LINK = re.compile(r'(?:href|src|action|hx-get|hx-post)="([^"#]+)[^"]*"')


@contextlib.contextmanager
def proxied(folder: Path, refract: str, scheme: str = "http") -> Iterator[str]:
    """The address of Refract behind an nginx that does not strip its path."""
    nginx, port = program("nginx"), free_port()
    file = folder / "nginx.conf"
    file.write_text(
        CONFIGURATION.format(folder=folder, port=port, refract=refract.rstrip("/"), scheme=scheme)
    )
    with listening([nginx, "-p", str(folder), "-c", str(file)], port):
        yield f"http://127.0.0.1:{port}/docs/find/"


@pytest.fixture
def home(tmp_path: Path, served_url: str) -> Iterator[str]:
    with proxied(tmp_path, served_url) as address:
        yield address


@pytest.fixture
def admin_key(indexed: Indexed) -> str:
    with Session(indexed.database) as session:
        key = create_key(session, "behind a proxy", "admin")
        session.commit()
    return key


def links(page: str, text: str) -> set[str]:
    """The addresses on this host that a page leads to."""
    found = {urljoin(page, unescape(link)) for link in LINK.findall(text)}
    return {link for link in found if urlsplit(link).netloc == urlsplit(page).netloc}


def expected(address: str) -> tuple[int, ...]:
    """Some are the addresses of forms, which say what is missing, or that they are no page."""
    needs = address.endswith(("/analyze/search", "/compare"))
    return (404,) if address.endswith("/nowhere") else (200, 405, *[400] * needs)


def test_every_link_of_every_kind_of_page_leads_on(home: str, admin_key: str) -> None:
    with httpx2.Client(follow_redirects=True, timeout=60) as client:
        entered = client.post(home + "admin/login", data={"key": admin_key})
        assert str(entered.url) == home + "admin"
        seen: dict[str, str] = {}  # the first page of each kind
        waiting = [
            home,
            home + "?q=what+happens+at+night",
            home + "features",
            home + "analyze?text=A+whale+sings.",
        ]
        waiting += [home + "admin", home + "nowhere"]
        while waiting and len(seen) < 60:
            address = waiting.pop(0)
            kind = re.sub(r"\d+", "N", urlsplit(address).path) + "?" * bool(urlsplit(address).query)
            if kind in seen or address.endswith(("logout", "cancel", "retry")):
                continue
            answer = client.get(address)
            seen[kind] = address
            assert answer.status_code in expected(address), address
            if answer.headers["Content-Type"].startswith("text/html"):
                found = sorted(links(address, answer.text))
                assert found
                assert [link for link in found if not link.startswith(home.rstrip("/"))] == []
                waiting += found
        kinds = " ".join(seen)
        for part in (
            "/compare",
            "/why-not",
            "/features/N",
            "/documents/",
            "/dictionary",
            "/static/",
            "/admin/coll",
        ):
            assert part in kinds


def test_the_api_leads_on(home: str) -> None:
    with httpx2.Client(timeout=60) as client:
        described = client.get(home + "v1/openapi.json").json()
        assert described["servers"] == [{"url": "/docs/find/"}]
        first = client.get(home + "v1/features", params={"limit": 2})
        assert first.status_code == 200
        listed = client.get(home + "v1/documents", params={"limit": 2})
        following = urljoin(home, listed.links["next"]["url"])
        assert following.startswith(home)
        assert client.get(following).status_code == 200


def test_a_person_searches_steers_and_reads(home: str, browser: Browser) -> None:
    context = browser.new_context(base_url=home)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(home)
    page.locator("[data-search]").fill("what happens at night")
    page.keyboard.press("Enter")
    expect(page.locator("[data-result]").first).to_be_visible()
    assert page.url.startswith(home + "?q=what")
    page.locator("[data-result]").first.get_by_role("link", name="More like this").click()
    expect(page).to_have_url(re.compile(re.escape(home) + r"\?.*steer="))
    page.reload()
    page.locator("[data-result] h3 a").first.click()
    expect(page).to_have_url(re.compile(re.escape(home) + "documents/"))
    context.close()
    assert [each for each in complaints if not each.startswith(GIVEN_UP)] == []


def test_the_cookie_is_for_this_path_and_for_https_where_the_proxy_says_so(
    tmp_path: Path, served_url: str, admin_key: str
) -> None:
    with proxied(tmp_path, served_url, "https") as home:
        given = httpx2.post(home + "admin/login", data={"key": admin_key}).headers["Set-Cookie"]
    assert "Path=/docs/find/" in given
    assert "Secure" in given
    assert f"_{urlsplit(home).port}=" in given

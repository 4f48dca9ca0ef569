"""Behind a proxy, Refract lies at a path of another address, and speaks with clients it does not see."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.proxy import BehindProxy, at, read_prefix, read_proxies
from search.errors import ConfigurationError

PEER = ("10.0.0.7", 5000)


async def seen(request: Request) -> Response:
    client = request.client.host if request.client else ""
    return JSONResponse([request.url.path, at("/features"), request.url.scheme, client])


def asked(
    path: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    *,
    prefix: str = "",
    trusted: str = "",
) -> list[str] | int:
    app = Starlette(routes=[Route("/", seen), Route("/features", seen)])
    app.add_middleware(BehindProxy, prefix=prefix, trusted=read_proxies(trusted))
    answer = TestClient(app, client=PEER).get(path, headers=headers)
    found: list[str] = answer.json() if answer.status_code == 200 else []
    return found or answer.status_code


@pytest.mark.parametrize("path", ["/features", "/search/features"])
def test_a_proxy_may_strip_its_path_or_leave_it(path: str) -> None:
    answer = asked(path, prefix="/search")
    assert answer == ["/features", "/search/features", "http", "10.0.0.7"]


@pytest.mark.parametrize("path", ["/search", "/search/", "/"])
def test_the_start_page_is_at_the_path_itself(path: str) -> None:
    assert asked(path, prefix="/search") == ["/", "/search/features", "http", "10.0.0.7"]


def test_a_path_that_only_begins_alike_is_another() -> None:
    assert asked("/searching/features", prefix="/search") == 404


FORWARDED = {
    "X-Forwarded-Prefix": "/docs/find/",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "198.51.100.9",
}


@pytest.mark.parametrize("trusted", ["10.0.0.7", "127.0.0.1, 10.0.0.0/24"])
def test_a_trusted_proxy_says_where_and_for_whom(trusted: str) -> None:
    answer = asked("/features", FORWARDED, trusted=trusted)
    assert answer == ["/features", "/docs/find/features", "https", "198.51.100.9"]


def test_others_are_not_believed() -> None:
    assert asked("/features", FORWARDED, trusted="10.0.1.0/24") == [
        "/features",
        "/features",
        "http",
        "10.0.0.7",
    ]


def test_the_setting_goes_before_the_header() -> None:
    answer = asked("/features", FORWARDED, prefix="/mine", trusted="10.0.0.7")
    assert answer == ["/features", "/mine/features", "https", "198.51.100.9"]


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/a b", '/"><script>', "x", "/a, /a", "/a\\b", "javascript:x", ""]
)
def test_a_prefix_that_is_no_plain_path_is_none(prefix: str) -> None:
    answer = asked("/features", {"X-Forwarded-Prefix": prefix}, trusted="10.0.0.7")
    assert answer == ["/features", "/features", "http", "10.0.0.7"]


@pytest.mark.parametrize(("second", "prefix"), [("/a", "/a"), ("/a/", "/a"), ("/b", ""), ("", "")])
def test_a_prefix_that_comes_twice_holds_if_it_says_the_same(second: str, prefix: str) -> None:
    given = [("X-Forwarded-Prefix", "/a"), ("X-Forwarded-Prefix", second)]
    answer = asked("/features", given, trusted="10.0.0.7")
    assert answer == ["/features", f"{prefix}/features", "http", "10.0.0.7"]


def test_of_an_address_that_comes_twice_the_proxys_own_is_seen() -> None:
    given = [("X-Forwarded-For", "203.0.113.5"), ("X-Forwarded-For", "198.51.100.9")]
    assert asked("/features", given, trusted="10.0.0.7") == ["/features", "/features", "http", "198.51.100.9"]


def test_who_forges_an_address_before_the_proxy_is_still_seen() -> None:
    given = {"X-Forwarded-For": "203.0.113.5, 198.51.100.9"}
    answer = asked("/features", given, trusted="10.0.0.7")
    assert answer == ["/features", "/features", "http", "198.51.100.9"]


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), (" /search/ ", "/search"), ("/a/b-c_d.e~1", "/a/b-c_d.e~1")]
)
def test_a_path_is_read(text: str, prefix: str) -> None:
    assert read_prefix(text) == prefix


@pytest.mark.parametrize("text", ["search", "//x", "/a b", "/ä", "http://x/y"])
def test_what_is_no_path_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="REFRACT_ROOT_PATH") as refused:
        read_prefix(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/33", "10.0.0.1/24", "::1, x"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="REFRACT_TRUSTED_PROXIES names"):
        read_proxies(text)

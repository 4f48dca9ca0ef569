"""A server on the own machine answers to its own names alone."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from api.middleware.host import check_host, is_loopback
from search.errors import InvalidRequest


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.org", "10.0.0.1", "0.0.0.0", "::2"])
def test_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def asked(host: str, hosts: set[str] | None) -> Request:
    app = Starlette()
    app.state.hosts = hosts
    return Request({"type": "http", "app": app, "headers": [(b"host", host.encode())]})


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80", "search.example.org:443"])
def test_our_own_names_are_answered(host: str) -> None:
    check_host(asked(host, {"search.example.org"}))


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "[::2]", "[", "a@b"])
def test_the_name_of_another_is_refused_and_named(host: str) -> None:
    with pytest.raises(InvalidRequest, match="Refract is not at") as refused:
        check_host(asked(host, {"search.example.org"}))
    assert repr(host) in str(refused.value)
    check_host(asked(host, None))  # where a proxy in front sees to it

"""Signing in at an identity provider: a real one on this machine."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key
from api.auth.oidc import Handshake, Person, Provider, read_scopes
from indexer.audit import list_entries
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, ProviderUnavailable, Unauthorized
from search.settings import Settings
from tests.support.oidc import CLIENT, SECRET, SmallProvider, providing

BACK = "http://testserver/admin/login/oidc/back"
SCOPES = {"admins": "admin", "staff": "write", "*": "search"}


@pytest.fixture
def small() -> Iterator[SmallProvider]:
    with providing(SmallProvider()) as provider:
        yield provider


def provider_of(small: SmallProvider, scopes: dict[str, str] | None = None) -> Provider:
    return Provider(small.issuer, CLIENT, SECRET, claim="groups", scopes=scopes or SCOPES)


def sent_back(address: str) -> tuple[str, str]:
    """The code and the state that the provider sends a browser back with."""
    at = urlsplit(address)
    connection = http.client.HTTPConnection(at.netloc, timeout=30)
    connection.request("GET", f"{at.path}?{at.query}")
    answer = connection.getresponse()
    found = parse_qs(urlsplit(str(answer.headers["Location"])).query)
    connection.close()
    return found["code"][0], found["state"][0]


def signed_in(small: SmallProvider, provider: Provider | None = None) -> Person:
    provider, handshake = provider or provider_of(small), Handshake()
    code, state = sent_back(provider.address(handshake, BACK))
    assert state == handshake.state
    return provider.person(handshake, BACK, code)


@pytest.mark.parametrize(
    ("groups", "scope"),
    [
        (["staff"], "write"),
        (["staff", "admins"], "admin"),
        (["others"], "search"),
        ("staff", "write"),
        ([], "search"),
        (None, "search"),
    ],
)
def test_the_widest_scope_that_a_claim_gives_counts(small: SmallProvider, groups: Any, scope: str) -> None:
    small.claims["groups"] = groups
    assert signed_in(small) == Person("ann@example.org", scope)


def test_whom_no_claim_lets_in_is_told(small: SmallProvider) -> None:
    small.claims["groups"] = ["others"]
    with pytest.raises(Unauthorized, match="lets anybody in"):
        signed_in(small, provider_of(small, {"admins": "admin"}))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"iss": "https://elsewhere.example.org"},
        {"aud": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
    ],
)
def test_a_token_for_others_or_of_before_does_not_hold(small: SmallProvider, spoiled: dict[str, Any]) -> None:
    small.spoiled = spoiled
    with pytest.raises(Unauthorized, match="does not hold"):
        signed_in(small)


def test_a_token_that_another_signed_does_not_hold(small: SmallProvider) -> None:
    small.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    with pytest.raises(Unauthorized, match="does not hold"):
        signed_in(small)


def test_a_code_works_once_and_for_who_began(small: SmallProvider) -> None:
    provider, handshake = provider_of(small), Handshake()
    code, _ = sent_back(provider.address(handshake, BACK))
    with pytest.raises(Unauthorized, match="refused"):
        provider.person(Handshake(), BACK, code)
    with pytest.raises(Unauthorized, match="refused"):
        provider.person(handshake, BACK, code)


def test_a_provider_that_is_away_or_another_is_told(small: SmallProvider) -> None:
    with pytest.raises(ProviderUnavailable, match="does not answer") as away:
        Provider("http://127.0.0.1:9", CLIENT, SECRET, claim="groups", scopes=SCOPES).address(
            Handshake(), BACK
        )
    assert "Keys still work" in away.value.hint
    other = small.issuer.replace("127.0.0.1", "localhost")
    with pytest.raises(ProviderUnavailable, match="another provider"):
        Provider(other, CLIENT, SECRET, claim="groups", scopes=SCOPES).address(Handshake(), BACK)
    with pytest.raises(ProviderUnavailable, match="no web address"):
        Provider("file:///tmp", CLIENT, SECRET, claim="groups", scopes=SCOPES).address(Handshake(), BACK)


def test_scopes_are_read_from_the_settings() -> None:
    assert read_scopes(" a=admin, *=search,") == {"a": "admin", "*": "search"}
    assert read_scopes("cn=staff=write") == {"cn=staff": "write"}
    for text in ("a", "a=root", "=admin", "a=admin,b"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            read_scopes(text)


def test_a_provider_by_halves_is_refused() -> None:
    assert Provider.of(Settings()) is None
    with pytest.raises(ConfigurationError, match="alone"):
        Provider.of(Settings(oidc_issuer="https://login.example.org"))


# On the pages


@pytest.mark.database
def test_a_browser_is_signed_in_and_led_back(small: SmallProvider, database: Engine, tmp_path: Path) -> None:
    small.claims["groups"] = ["admins"]
    client = client_of(small, database, tmp_path)
    assert "Sign in at 127.0.0.1" in client.get("/admin/login?next=/admin/keys").text
    began = client.get("/admin/login/oidc?next=/admin/keys")
    code, state = sent_back(began.headers["Location"])
    ended = client.get("/admin/login/oidc/back", params={"code": code, "state": state})
    assert (ended.status_code, ended.headers["Location"]) == (303, "/admin/keys")
    assert client.get("/admin/keys").status_code == 200
    with Session(database) as session:
        assert list_entries(session, find="session.begin")[0].target == "identity provider"


@pytest.mark.database
def test_a_narrower_scope_does_not_reach_the_admins_pages(
    small: SmallProvider, database: Engine, tmp_path: Path
) -> None:
    client = client_of(small, database, tmp_path)
    code, state = sent_back(client.get("/admin/login/oidc").headers["Location"])
    ended = client.get("/admin/login/oidc/back", params={"code": code, "state": state})
    assert ended.headers["Location"] == "/"
    assert client.get("/admin").status_code == 403


@pytest.mark.database
@pytest.mark.parametrize("cookie", ["", "nothing", "%5B1%5D", "%5B1%2C2%2C3%2C4%2C5%2C6%5D"])
def test_what_another_browser_began_signs_nobody_in(
    small: SmallProvider, database: Engine, tmp_path: Path, cookie: str
) -> None:
    client, other = (client_of(small, database, tmp_path) for _ in range(2))
    code, state = sent_back(client.get("/admin/login/oidc").headers["Location"])
    headers = {"Cookie": f"refract_handshake={cookie}"} if cookie else {}
    ended = other.get("/admin/login/oidc/back", params={"code": code, "state": state}, headers=headers)
    assert ended.status_code == 401
    assert "Set-Cookie" not in ended.headers
    wrong = client.get("/admin/login/oidc/back", params={"code": code, "state": "wrong"})
    assert wrong.status_code == 401


@pytest.mark.database
def test_keys_sign_in_while_the_provider_is_away(database: Engine, tmp_path: Path) -> None:
    away = Provider("http://127.0.0.1:9", CLIENT, SECRET, claim="groups", scopes=SCOPES)
    client = TestClient(create_app(SearchEngine(database, tmp_path), provider=away), follow_redirects=False)
    answer = client.get("/admin/login/oidc")
    assert answer.status_code == 503
    assert "Keys still work" in answer.text
    with Session(database) as session:
        key = create_key(session, "a", "admin")
        session.commit()
    assert client.post("/admin/login", data={"key": key}).status_code == 303


def client_of(small: SmallProvider, database: Engine, tmp_path: Path) -> TestClient:
    app = create_app(SearchEngine(database, tmp_path), provider=provider_of(small))
    return TestClient(app, follow_redirects=False)

"""An OpenID Connect provider says who somebody is; a claim of theirs decides what they may do on the pages.

It is the authorization code flow with PKCE: the browser is sent to the provider with a challenge, comes back
with a code, and the server changes that for a signed token. Keys work whether the provider answers or not.
"""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from api.auth.scopes import SCOPES
from search.errors import ConfigurationError, ProviderUnavailable, Unauthorized
from search.settings import Settings

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures by a key that the provider alone has."""

SECONDS = 10.0
LEEWAY = 120
"""Clocks may differ by so many seconds."""

KNOWN_SECONDS = 3600.0
MOST_BYTES = 1 << 20
EVERYBODY = "*"


@dataclass(frozen=True)
class Handshake:
    """Holds what the browser has to bring back: random texts that only it and we know."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def challenge(self) -> str:
        """Gives what the provider is told of the verifier before it sees it."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Person:
    """Names who signed in, and what they may do."""

    name: str
    scope: str


class Provider:
    """Signs people in by one provider. `scopes` says which scope each value of the `claim` gives; of several
    the widest counts."""

    def __init__(self, issuer: str, client: str, secret: str, *, claim: str, scopes: dict[str, str]) -> None:
        self.issuer = issuer
        self._client, self._secret = client, secret
        self._claim, self._scopes = claim, scopes
        self._known: tuple[float, dict[str, Any]] = (0.0, {})

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Makes the provider that the settings name, if they do.

        Raises:
            ConfigurationError: they name it by halves, or give scopes that there are not.
        """
        if not settings.oidc_issuer:
            return None
        if not (settings.oidc_client and settings.oidc_scopes):
            raise ConfigurationError(
                "REFRACT_OIDC_ISSUER is set alone.",
                hint="Set REFRACT_OIDC_CLIENT, REFRACT_OIDC_SECRET and REFRACT_OIDC_SCOPES too.",
            )
        return cls(
            settings.oidc_issuer.rstrip("/"),
            settings.oidc_client,
            settings.oidc_secret,
            claim=settings.oidc_claim,
            scopes=read_scopes(settings.oidc_scopes),
        )

    def address(self, handshake: Handshake, back: str) -> str:
        """Gives where the browser is sent to, to come back to an address of ours.

        Raises:
            ProviderUnavailable: the provider does not say where.
        """
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": handshake.state,
            "nonce": handshake.nonce,
            "code_challenge": handshake.challenge(),
            "code_challenge_method": "S256",
        }
        at = str(self._metadata()["authorization_endpoint"])
        return f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(asked)}"

    def person(self, handshake: Handshake, back: str, code: str) -> Person:
        """Changes the code that the browser brought back for who it is.

        Raises:
            ProviderUnavailable: the provider does not answer.
            Unauthorized: the code or the token does not hold, or nothing that it says gives a scope.
        """
        token = self._exchange(handshake, back, code)
        try:
            published = cast(KeySetSerialization, self._ask(str(self._metadata()["jwks_uri"])))
            keys = KeySet.import_key_set(published)
            claims = jwt.decode(str(token.get("id_token", "")), keys, algorithms=ALGORITHMS).claims
            self._registry(handshake).validate(claims)
        except (JoseError, ValueError, KeyError) as error:
            raise Unauthorized(
                f"What {self.issuer} said does not hold: {error}.",
                hint="Sign in again, or with a key. Is this machine's clock right?",
            ) from None
        return self._person(claims)

    def _registry(self, handshake: Handshake) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client},
            exp={"essential": True},
            nonce={"essential": True, "value": handshake.nonce},
        )

    def _person(self, claims: dict[str, Any]) -> Person:
        given = claims.get(self._claim, [])
        values = {str(each) for each in given} if isinstance(given, list) else {str(given)}
        scopes = {scope for value, scope in self._scopes.items() if value in values or value == EVERYBODY}
        name = str(claims.get("email") or claims.get("preferred_username") or claims.get("sub"))[:100]
        if not scopes:
            raise Unauthorized(
                f"{name} has no value of {self._claim!r} that lets anybody in here.",
                hint="Who runs Refract says which do, in REFRACT_OIDC_SCOPES.",
            )
        return Person(name, max(scopes, key=list[str](SCOPES).index))

    def _exchange(self, handshake: Handshake, back: str, code: str) -> dict[str, Any]:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client,
            "code_verifier": handshake.verifier,
        }
        pair = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}" if self._secret else ""
        return self._ask(str(self._metadata()["token_endpoint"]), urlencode(sent).encode(), basic)

    def _metadata(self) -> dict[str, Any]:
        """Reads where the provider has what, once an hour."""
        read_at, known = self._known
        if not known or time.monotonic() - read_at > KNOWN_SECONDS:
            known = self._ask(f"{self.issuer}/.well-known/openid-configuration")
            needed = {"authorization_endpoint", "token_endpoint", "jwks_uri"}
            if str(known.get("issuer", "")).rstrip("/") != self.issuer or not needed <= known.keys():
                raise ProviderUnavailable(
                    f"{self.issuer} describes another provider, or none.", hint="Check REFRACT_OIDC_ISSUER."
                )
            self._known = time.monotonic(), known
        return known

    def _ask(self, address: str, body: bytes | None = None, authorization: str = "") -> dict[str, Any]:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ProviderUnavailable(
                f"{address[:100]!r} is no web address.", hint="Check REFRACT_OIDC_ISSUER."
            )
        headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
        try:
            with urlopen(Request(address, body, headers), timeout=SECONDS) as answer:
                found = json.loads(answer.read(MOST_BYTES))
            if not isinstance(found, dict):
                raise ValueError("no JSON object")
        except (OSError, HTTPException, ValueError) as error:
            status = getattr(error, "code", 0)
            if body is not None and 400 <= status < 500:
                raise Unauthorized(
                    f"{self.issuer} refused the code: {error}.", hint="Sign in again, or with a key."
                ) from None
            raise ProviderUnavailable(
                f"{self.issuer} does not answer: {error}.", hint="Keys still work: sign in with one."
            ) from None
        return found


def read_scopes(text: str) -> dict[str, str]:
    """Reads which value of a claim gives which scope: `admins=admin,*=search`.

    Raises:
        ConfigurationError: it is not of that form, or there is no such scope.
    """
    pairs = [each.strip().rpartition("=") for each in text.split(",") if each.strip()]
    for value, _, scope in pairs:
        if not value or scope not in SCOPES:
            raise ConfigurationError(
                f"REFRACT_OIDC_SCOPES={text!r} cannot be used.",
                hint=f"Write VALUE=SCOPE, with commas between them; scopes are {', '.join(SCOPES)}.",
            )
    return {value.strip(): scope for value, _, scope in pairs}

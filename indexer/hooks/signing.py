"""What is sent to a webhook is signed, after the Standard Webhooks: HMAC-SHA256 over its id, the time and the
body, by a secret that its receiver has, too."""

import base64
import hmac
import secrets
from hashlib import sha256

PREFIX = "whsec_"
BYTES = 32


def new_secret() -> str:
    """Makes the secret of a webhook."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Signs a body that is sent under an id at a time (seconds of Unix)."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, sha256)).decode()}"

"""What is sent is signed as receivers everywhere check it."""

import base64

from indexer.hooks.signing import BYTES, PREFIX, new_secret, sign


def test_a_signature_is_that_of_the_standard() -> None:
    """The example that libraries of receivers are tested with."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signature = sign(secret, message, 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_id_time_body_and_secret_all_count() -> None:
    secret = new_secret()
    signed = {
        sign(secret, "a", 1, b"x"),
        sign(secret, "b", 1, b"x"),
        sign(secret, "a", 2, b"x"),
        sign(secret, "a", 1, b"y"),
        sign(new_secret(), "a", 1, b"x"),
    }
    assert len(signed) == 5


def test_a_secret_is_random_bytes_behind_its_prefix() -> None:
    assert len(base64.b64decode(new_secret().removeprefix(PREFIX), validate=True)) == BYTES
    assert new_secret() != new_secret()

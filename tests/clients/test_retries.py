"""How long to wait is what the server says, in seconds or as a date."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from refract_client.retries import Retries, retry_after


@pytest.mark.parametrize("given", ["", "soon", "-1", "1.5", "٣x"])
def test_what_is_no_time_is_none(given: str) -> None:
    assert retry_after({"retry-after": given}) is None


def test_seconds_and_dates_are_read() -> None:
    assert retry_after({"retry-after": " 7 "}) == 7.0
    assert retry_after({}) is None
    later = datetime.now(UTC) + timedelta(hours=1)
    assert retry_after({"retry-after": format_datetime(later, usegmt=True)}) == pytest.approx(3600, abs=60)
    assert retry_after({"retry-after": "Fri, 01 Jan 2021 00:00:00 GMT"}) == 0.0


def test_only_a_busy_server_is_asked_again() -> None:
    retries = Retries(most=1, longest=10)
    assert retries.pause(0, 503, {"retry-after": "5"}) == 5.0
    assert retries.pause(1, 503, {"retry-after": "5"}) is None
    assert retries.pause(0, 500, {"retry-after": "5"}) is None
    assert retries.pause(0, 429, {"retry-after": "11"}) is None
    assert retries.pause(0, 429, {}) is None

"""How often a server that is busy is asked again, and after how long: as it says itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BUSY = frozenset({429, 503})


@dataclass(frozen=True)
class Retries:
    """Asks again at most `most` times, where the server says after how long, and that is at most `longest`
    seconds. A server that names no time has nothing to wait for."""

    most: int = 3
    longest: float = 60.0

    def pause(self, tried: int, status: int, headers: Mapping[str, str]) -> float | None:
        """Gives the seconds to wait before asking once more; None: the answer stands."""
        after = retry_after(headers)
        if status not in BUSY or after is None or after > self.longest or tried >= self.most:
            return None
        return after


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Reads Retry-After, which is in seconds or a date."""
    given = headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())

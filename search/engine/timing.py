"""Measures where the time of an answer went."""

import time

from search.responses.search import Timings

LAPS = ("embed", "wait", "search", "explain", "texts", "words", "facets")


class Clock:
    """Measures the milliseconds of each lap since the one before; `waited` seconds went by before it was
    started."""

    def __init__(self, waited: float = 0.0) -> None:
        self._last = time.perf_counter()
        self._start = self._last - waited
        self._laps = {"wait": waited * 1000}

    def lap(self, name: str) -> None:
        """Ends a lap of that name; laps of one name are added up."""
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + (now - self._last) * 1000
        self._last = now

    def timings(self) -> Timings:
        """Gives what was measured until now."""
        total = (time.perf_counter() - self._start) * 1000
        laps = {name: round(self._laps.get(name, 0.0), 3) for name in LAPS}
        return Timings(**laps, total=round(total, 3))

"""What a web site lets programs read, as its robots.txt says (RFC 9309)."""

from collections import defaultdict
from dataclasses import dataclass

AGENT = "refract"
MAX_DELAY = 10.0


@dataclass(frozen=True)
class Robots:
    """The rules for us: which paths are allowed, by patterns, and the seconds between two requests."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float = 0.0

    @classmethod
    def read(cls, text: str) -> "Robots":
        """The rules for our name where there are any, else those for all."""
        groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
        agents: list[str] = []
        ended = False
        for line in text.lstrip("\ufeff").splitlines():
            key, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
            if key.lower() == "user-agent":
                agents = [value.lower()] if ended else [*agents, value.lower()]
                groups.setdefault(value.lower(), [])
            elif key.lower() in ("allow", "disallow", "crawl-delay"):
                for agent in agents:
                    groups[agent].append((key.lower(), value))
            ended = key.lower() != "user-agent" and bool(key)
        mine = groups[AGENT] if AGENT in groups else groups["*"]
        delays = [value for key, value in mine if key == "crawl-delay"]
        return cls(
            tuple((value, key == "allow") for key, value in mine if value and key != "crawl-delay"),
            min(float(delays[0]), MAX_DELAY) if delays and delays[0].replace(".", "", 1).isdecimal() else 0.0,
        )

    def allows(self, path: str) -> bool:
        """By the longest pattern that fits; of two, the one that allows."""
        fits = [(len(pattern), is_allowed) for pattern, is_allowed in self.rules if _fits(pattern, path)]
        return max(fits, default=(0, True))[1]


def _fits(pattern: str, path: str) -> bool:
    """A pattern is the beginning of a path; * stands for anything, $ at its end for that of the path."""
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for part in rest:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not pattern.endswith("$"):
        return True
    return path.endswith(rest[-1]) if rest else at == len(path)

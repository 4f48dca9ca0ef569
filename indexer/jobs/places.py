"""Where jobs may read files and write them: the folders and addresses of a setting (docs/decisions/0023).

Who has an admin key asks for jobs from anywhere; without bounds the key would be worth every file that the
worker's user may read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.sources import is_address, is_below
from search.errors import InvalidRequest

EXCHANGE = "exchange"
"""The folder in the data folder that is allowed where none is named."""


@dataclass(frozen=True)
class Places:
    """The places that are allowed: folders, and addresses like s3://bucket/dumps."""

    allowed: tuple[str, ...]

    @classmethod
    def of(cls, allowed: Sequence[str], data: Path) -> "Places":
        """Those of the setting, or the one folder that a data folder has for this, made if it is missing."""
        if allowed:
            return cls(tuple(allowed))
        (data / EXCHANGE).mkdir(parents=True, exist_ok=True)
        return cls((str(data / EXCHANGE),))

    def find(self, given: str) -> str:
        """The place that is meant: an address as it is, a path with all its links followed. A path that is
        not absolute begins in the first folder.

        Raises:
            InvalidRequest: it is outside of what is allowed.
        """
        if is_address(given):
            chained = "::" in given  # an address within another one
            inside = not chained and any(is_below(given, each) for each in self.allowed if is_address(each))
            found = given
        else:
            folders = [Path(each).expanduser().resolve() for each in self.allowed if not is_address(each)]
            path = Path(*folders[:1], given).resolve() if "\0" not in given else Path("/")
            inside = any(path.is_relative_to(folder) for folder in folders)
            found = str(path)
        if not inside:
            raise InvalidRequest(
                f"{given[:200]!r} is outside of what jobs may use: {', '.join(self.allowed)}.",
                hint="Put it there, or have REFRACT_FOLDERS of the worker name its folder.",
            )
        return found

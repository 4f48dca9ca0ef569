"""The files of a folder and its subfolders: those that can be read, and a count of what is passed over."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path, PurePath

from pathspec import GitIgnoreSpec

from indexer.sources.document import Failure, Note
from search.errors import SourceError

IGNORE_FILE = ".gitignore"
MAX_IGNORE_BYTES = 1 << 20
KINDS_SHOWN = 12

_PACKED = (".gz", ".bz2", ".xz")
_BRACKETS = re.compile(r"\\.|\[[!^]?+\]?+(?:\[:\w+:\]|[^\]])*\]")


def is_passing(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's own: hidden, or what programs keep beside a
    file while somebody writes it."""
    return name.startswith((".", "~$")) or name.endswith("~")


def ending(name: str) -> str:
    """The kind of a file by its name, such as .md or .tar.gz; "" where it says none."""
    path = PurePath(name.lower())
    return (
        "".join(path.suffixes[-2:]) if path.stem.endswith(".tar") and path.suffix in _PACKED else path.suffix
    )


def kinds_told(counts: Counter[str]) -> str:
    """How many files there are of each kind, the most first."""
    shown = counts.most_common(KINDS_SHOWN)
    rest = sum(counts.values()) - sum(count for _, count in shown)
    more = [f"{rest:,} of other kinds"] if rest else []
    return ", ".join([f"{count:,} {kind}" for kind, count in shown] + more)


class Folder:
    """Walks through a folder in the order of names.

    Left out without a word is what `is_passing`; counted is what `.gitignore` files or patterns to exclude
    leave out, and what is of no known kind.
    """

    def __init__(self, root: Path, kinds: Container[str], exclude: Iterable[str] = ()) -> None:
        """Raises:
        SourceError: a pattern is none.
        """
        self.root = root
        self._kinds = kinds
        self._excluded = Patterns(exclude)
        self._rules: list[tuple[Path, Patterns]] = []
        self._seen: set[str] = set()
        self._other: Counter[str] = Counter()
        self._ignored: Counter[str] = Counter()

    def walk(self, folder: Path | None = None) -> Iterator[Path | Failure]:
        """Files of known kinds. However many links lead to a folder, it is read once, so loops end."""
        folder = folder or self.root
        real = os.path.realpath(folder)
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            yield Failure(str(folder), f"the folder cannot be read: {error.strerror}")
            return
        rules = _ignore_file(folder / IGNORE_FILE)
        self._rules += [(folder, rules)] if rules else []
        for entry in entries:
            yield from self._entry(entry)
        if rules:
            self._rules.pop()

    def notes(self) -> Iterator[Note]:
        """What was passed over, once the walk is done."""
        name = f"{self.root.name or self.root}/"
        if self._other:
            yield Note(name, f"passed over: {kinds_told(self._other)}", of_all=True)
        if self._ignored:
            counted = [
                f"{count:,} {what}{'s'[: count != 1]}" for what, count in sorted(self._ignored.items())
            ]
            told = f"left out by {IGNORE_FILE} or excluded: {' and '.join(counted)}"
            yield Note(name, told, of_all=True)

    def _entry(self, entry: Path) -> Iterator[Path | Failure]:
        if is_passing(entry.name):
            return
        is_folder = entry.is_dir()
        if self._is_ignored(entry, "/" if is_folder else ""):
            self._ignored["folder" if is_folder else "file"] += 1
        elif is_folder:
            yield from self.walk(entry)
        elif ending(entry.name) in self._kinds:
            yield entry
        else:
            self._other[ending(entry.name) or "without an ending"] += 1

    def _is_ignored(self, entry: Path, last: str) -> bool:
        """As Git has it: the patterns nearest to the file decide, and before them those of the user."""
        for folder, rules in ((self.root, self._excluded), *reversed(self._rules)):
            decided = rules.decide(f"{entry.relative_to(folder).as_posix()}{last}")
            if decided is not None:
                return decided
        return False


class Patterns:
    """What patterns leave out, as Git has it.

    Raises:
        SourceError: one is none.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        lines = list(patterns)
        for line in lines:
            if not _is_pattern(line) or not line.strip() or line.startswith("#"):
                raise SourceError(
                    f"{line[:80]!r} is no pattern.",
                    hint="Write it as in a .gitignore file: node_modules/ or *.log; signs as \\[ or \\#.",
                )
        self._spec = _compiled(lines)

    @classmethod
    def lenient(cls, lines: Iterable[str]) -> "Patterns":
        """Those of a file, but for lines that are none."""
        found = cls(())
        found._spec = _compiled(line for line in lines if _is_pattern(line))
        return found

    def decide(self, path: str) -> bool | None:
        """Whether a path is left out (that of a folder ends with /); None where no pattern says."""
        return self._spec.check_file(path).include


def _compiled(lines: Iterable[str]) -> GitIgnoreSpec:
    """Raises:
    ValueError: a line is no pattern.
    """
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of a [ in a list of letters
        return GitIgnoreSpec.from_lines(lines)


def _ignore_file(path: Path) -> Patterns | None:
    """The patterns of a file; None where there is no such file."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_IGNORE_BYTES:
            return None
        lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    except OSError:
        return None
    return Patterns.lenient(lines)


def _is_pattern(line: str) -> bool:
    if "[" in _BRACKETS.sub("", line):  # one that is never closed fits nothing
        return False
    try:
        _compiled([line])
    except ValueError:
        return False
    return True

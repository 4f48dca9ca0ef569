"""Mailboxes: the mails of an `.mbox` file one after the other, however large it is."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from indexer.sources.document import MAX_BYTES, Failure, Part, UnreadableError
from indexer.sources.kinds.mail import parse_mail

_BEGINS = re.compile(rb"From (?:.*\d:\d\d.*|-?\s*)$", re.DOTALL)
"""The line before each mail; it has the time at which the mail came, or nothing."""

_QUOTED = re.compile(rb">+From ")
_ID = re.compile(rb"^message-id:\s*<?([^\s<>]{1,200})>?\s*$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")


def read_mailbox(file: BinaryIO) -> Iterator[Part]:
    """The mails of a mailbox, named by their Message-ID, so that they keep their names when others go; those
    that have none by their content.

    Raises:
        UnreadableError: it is no mailbox.
    """
    times: Counter[str] = Counter()
    for mail in _mails(file):
        name = _name(mail)
        times[name] += 1
        name = name if times[name] == 1 else f"{name}~{times[name]}"
        if len(mail) > MAX_BYTES:
            yield Failure(name, f"it is longer than {MAX_BYTES >> 20} MiB")
            continue
        try:
            yield replace(parse_mail(mail), name=name)
        except UnreadableError as error:
            yield Failure(name, str(error))
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # of the parser's own
            yield Failure(name, f"it cannot be read: {type(error).__name__}: {str(error)[:200]}")


def _mails(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of each mail; of one that is too long no more than says so."""
    lines: list[bytes] = []
    size, begun, was_blank = 0, False, True
    while line := file.readline(MAX_BYTES):
        if was_blank and _BEGINS.match(line):
            if begun:
                yield b"".join(lines)
            lines, size, begun = [], 0, True
        elif begun and size <= MAX_BYTES:
            lines.append(line[1:] if _QUOTED.match(line) else line)
            size += len(line)
        elif not begun and line.strip():
            raise UnreadableError("it is no mailbox: it does not begin with a line From …")
        was_blank = not line.strip()
    if begun:
        yield b"".join(lines)


def _name(mail: bytes) -> str:
    header = _HEADER_END.split(mail[:MAX_BYTES], 1)[0]
    if found := _ID.search(header):
        return found[1].decode("ascii", "replace").replace("/", "_")
    return hashlib.sha256(mail).hexdigest()[:16]

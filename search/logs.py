"""A log line is text or JSON, says which request or job it belongs to, and holds no secret."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

LAYERS = ("search", "indexer", "api")
"""Our own loggers; those of libraries say what is wrong and no more."""

HIDDEN = "[hidden]"
SECRET = re.compile(
    r"\brf_[A-Za-z0-9_-]{8,}"  # keys
    r"|\bwhsec_[A-Za-z0-9+/=]{8,}"  # secrets of webhooks
    r"|\b(?i:bearer)\s+[^\s\"',]+"
    r"|(?<=token=)[^&\s\"']+"
    r"|(?<=://)[^/\s@]*:[^/\s]*(?=@)"  # who signs in to a database, with what
)
CONTROL = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160), 0x2028, 0x2029)}

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)


def begin(**facts: Any) -> dict[str, Any]:
    """Begins what is known of a request or job, from here on in this context: its threads share it."""
    begun = dict(facts)
    _facts.set(begun)
    return begun


@contextmanager
def doing(**facts: Any) -> Iterator[None]:
    """Says what is done until the block ends: a job, say."""
    token = _facts.set({**(_facts.get() or {}), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def note(**facts: Any) -> None:
    """Adds to what is known of the request or job at hand, if there is one."""
    known = _facts.get()
    if known is not None:
        known.update(facts)


def noted(name: str) -> Any:
    """Gives what is known of the request or job at hand under a name; None: nothing."""
    return (_facts.get() or {}).get(name)


def configure(form: str = "text", level: str = "warning") -> None:
    """Lets all log lines go to standard error in a form, our own from a level on; what was said before about
    that holds no more."""
    root, handler = logging.getLogger(), ToStandardError()
    for earlier in [each for each in root.handlers if isinstance(each, ToStandardError)]:
        root.removeHandler(earlier)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root.addHandler(handler)
    for layer in LAYERS:
        logging.getLogger(layer).setLevel(level.upper())


class ToStandardError(logging.Handler):
    """Writes lines to what standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # a closed terminal, say, must not end what logs
            self.handleError(record)


class JsonLines(logging.Formatter):
    """Writes a line of JSON: time, level, logger, message, the request or job, the `facts` of the record."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_whose(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps({name: _hidden(value) for name, value in told.items()}, default=str)


class TextLines(logging.Formatter):
    """Writes a line that a person reads; only a traceback takes more."""

    def format(self, record: logging.LogRecord) -> str:
        whose = "".join(f" [{name.removesuffix('_id')} {value}]" for name, value in _whose().items())
        line = f"refract: {record.getMessage()}{whose}".translate(CONTROL)
        told = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return hide_secrets(line + told)


def hide_secrets(text: str) -> str:
    """Hides keys, tokens and passwords of addresses in a text."""
    return SECRET.sub(HIDDEN, text)


def _hidden(value: object) -> object:
    return hide_secrets(value) if isinstance(value, str) else value


def _whose() -> dict[str, Any]:
    known = _facts.get() or {}
    return {name: known[name] for name in ("request_id", "job") if name in known}

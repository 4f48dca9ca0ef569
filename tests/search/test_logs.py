"""Log lines: one an event, of whose request they say, without secrets and without a way to forge one."""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from search import logs


def record(message: str, *arguments: object, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("search.x", logging.WARNING, "x.py", 1, message, arguments, None)
    if facts:
        made.facts = facts
    return made


def as_json(made: logging.LogRecord) -> dict[str, object]:
    line = logs.JsonLines().format(made)
    assert len(line.splitlines()) == 1
    found: dict[str, object] = json.loads(line)
    return found


def test_a_line_of_json_holds_the_request_and_the_facts_of_the_record() -> None:
    def told() -> dict[str, object]:
        logs.begin(request_id="r1")
        logs.note(collection="notes")
        return as_json(record("%s wait", 3, ms=1.5, question=None))

    found = copy_context().run(told)
    assert {name: found[name] for name in ("level", "logger", "message", "request_id", "ms", "question")} == {
        "level": "warning",
        "logger": "search.x",
        "message": "3 wait",
        "request_id": "r1",
        "ms": 1.5,
        "question": None,
    }
    assert str(found["time"]).endswith("+00:00")
    assert "collection" not in found, "what is noted is for the line of the request itself"


def test_what_a_thread_notes_is_known_to_its_request() -> None:
    def told() -> object:
        logs.begin(request_id="r1")
        with ThreadPoolExecutor(1) as threads:
            threads.submit(copy_context().run, logs.note, collection="notes").result()
        return logs.noted("collection")

    assert copy_context().run(told) == "notes"
    assert logs.noted("collection") is None


@pytest.mark.parametrize(
    "text", ["a\nrefract: forged", "a\r\nb", "a\x1b[2Jb", "a\u2028b", "a\x85b", "a\x00b"]
)
def test_what_is_logged_starts_no_line_of_its_own(text: str) -> None:
    line = logs.TextLines().format(record("Said: %s", text))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert as_json(record("Said: %s", text))["message"] == f"Said: {text}"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("rf_qwertyuiopasdfghjklzxcvbnm_-123", "qwertyuiop"),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("/admin/login?token=hush&next=/admin", "hush"),
        ("postgresql://user:hunter2@db/refract", "hunter2"),
        ("postgresql+psycopg://user:p@ss@db/refract", "p@ss"),
    ],
)
def test_secrets_are_hidden(text: str, secret: str) -> None:
    for line in (
        logs.TextLines().format(record("Got %s.", text)),
        logs.JsonLines().format(record("Got it.", path=text)),
    ):
        assert secret not in line
        assert logs.HIDDEN in line


def test_lines_go_to_standard_error_once_and_from_a_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "warning")
    logs.configure("json", "info")
    logging.getLogger("api.x").info("told")
    logging.getLogger("api.x").debug("not told")
    logging.getLogger("of.a.library").info("not told")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "told"
    logs.configure()
    logging.getLogger("api.x").info("not told")
    logging.getLogger("api.x").warning("told")
    assert capsys.readouterr().err == "refract: told\n"


def test_a_traceback_is_told_in_both_forms() -> None:
    try:
        raise ValueError("rf_0123456789abcdef is odd")
    except ValueError:
        failed = logging.LogRecord("search.x", logging.ERROR, "x.py", 1, "Failed", (), sys.exc_info())
    assert "ValueError" in str(as_json(failed)["error"])
    text = logs.TextLines().format(failed)
    assert "Traceback" in text
    assert "0123456789abcdef" not in text

"""A text is rewritten elsewhere, and what comes back is believed only as far as it is read again."""

from collections.abc import Iterator

import pytest

from search.engine.engine import SearchEngine
from search.errors import (
    ConfigurationError,
    EditorUnavailable,
    FeatureNotFound,
    InvalidQuery,
    InvalidRequest,
)
from search.explain.analyze import analyze
from search.explain.editing import MAX_EDITED, MOVED, Way, configured_editor, edit
from search.responses.words import EditedText
from tests.support.editor import KEY, MODEL, EditingServer, completion, editing_server
from tests.support.endpoint import Answer
from tests.support.reading import read

pytestmark = pytest.mark.database

TEXT = "A server listens on a port and accepts connections from clients over the network."
MORE = "A server, and every server, listens on a port of the server and serves clients of the server."
TOPIC = "server"
ELSE = "Bake the bread in a hot oven until its crust is brown, and let it cool on a rack."


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Iterator[EditingServer]:
    with editing_server() as running:
        monkeypatch.setenv("REFRACT_EDITOR_URL", f"{running.address}/")
        monkeypatch.setenv("REFRACT_EDITOR_MODEL", MODEL)
        monkeypatch.setenv("REFRACT_EDITOR_KEY", KEY)
        yield running


@pytest.fixture
def topic(engine: SearchEngine) -> int:
    """A feature of the collection which the text has."""
    found = read(engine, "manual", analyze, TEXT, limit=100).features
    return next(each.feature for each in found if each.label == TOPIC)


def edited(engine: SearchEngine, feature: int, way: Way = "more", text: str = TEXT) -> EditedText:
    return edit(engine, "manual", text, feature, way)


def test_a_text_moves_as_it_was_asked_to(engine: SearchEngine, editor: EditingServer, topic: int) -> None:
    editor.rewrite = lambda text: f"  {text.replace(TEXT, MORE)}\n"
    answer = edited(engine, topic)
    assert answer.text == MORE
    assert (answer.moved.feature, answer.moved.label) == (topic, TOPIC)
    assert answer.moved.after - answer.moved.before >= MOVED
    assert answer.verdict != "did not move"
    assert topic not in [each.feature for each in answer.others]
    far = [abs(each.after - each.before) for each in answer.others]
    assert far == sorted(far, reverse=True)
    assert len(far) == 3
    (asked,) = editor.asked
    assert asked["model"] == MODEL
    system, user = (message["content"] for message in asked["messages"])
    assert "more about the topic" in system
    assert user == f"Topic: {TOPIC}\n\nText:\n{TEXT}"
    less = edited(engine, topic, "less")  # the same text: it went the other way
    assert (less.verdict, less.disturbed) == ("did not move", [])


def test_what_else_moved_is_said(engine: SearchEngine, editor: EditingServer, topic: int) -> None:
    editor.rewrite = lambda _: ELSE
    answer = edited(engine, topic, "less")
    assert answer.moved.after == 0
    assert answer.verdict == "moved, and so did others"
    assert set(answer.disturbed) <= {each.feature for each in answer.others}
    assert answer.disturbed
    assert edited(engine, topic).verdict == "did not move"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200, "<html>hello"), "no chat completion"),
        (Answer(200, "[" * 100_000), "no chat completion"),
        (Answer(200, {"choices": []}), "no chat completion"),
        (Answer(200, {"choices": [{"message": "x"}]}), "no chat completion"),
        (completion(None), "answers no text"),
        (completion(" … "), "answers no text"),
        (completion("a\0b"), "answers no text"),
        (completion([{"type": "text"}]), "answers no text"),
        (completion(f"  {TEXT.replace(' ', '  ')}\n"), "gives the text back as it was"),
        (completion(TEXT * 100), "answers 8,100 characters for a text of 81"),
        (completion("A server listens", "length"), "stops in the middle"),
        (Answer(400, {"error": {"message": f"bad {KEY}"}}), "answers HTTP 400: bad …"),
        (Answer(401, {"error": {"message": f"Incorrect API key: {KEY}"}}), "refuses the key"),
        (Answer(302, "", {"Location": "http://127.0.0.1:1/"}), "sends elsewhere"),
        (Answer(404, "nobody"), "answers HTTP 404: nobody"),
    ],
)
def test_nonsense_is_refused(
    engine: SearchEngine, editor: EditingServer, topic: int, answer: Answer, told: str
) -> None:
    editor.instead = [answer]
    with pytest.raises(EditorUnavailable, match=told.replace("…", ".")) as error:
        edited(engine, topic)
    assert editor.address in error.value.message
    assert KEY not in str(error.value)
    assert len(editor.asked) == 1


def test_too_little_is_refused_and_what_may_pass_is_tried_again(
    engine: SearchEngine, editor: EditingServer, topic: int
) -> None:
    editor.instead = [completion("A server.")]
    with pytest.raises(EditorUnavailable, match="answers 9 characters"):
        edited(engine, topic, text=f"{TEXT} " * 6)
    editor.instead = [Answer(503, "later", {"Retry-After": "0"}), completion(MORE)]
    assert edited(engine, topic).text == MORE


def test_an_editor_that_is_down_is_said(
    engine: SearchEngine, topic: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRACT_EDITOR_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("REFRACT_EDITOR_MODEL", MODEL)
    with pytest.raises(EditorUnavailable, match="cannot be reached"):
        edited(engine, topic)


def test_what_cannot_be_rewritten_is_not_sent(
    engine: SearchEngine, editor: EditingServer, topic: int
) -> None:
    with pytest.raises(InvalidRequest, match="4,001 characters"):
        edited(engine, topic, text="a" * (MAX_EDITED + 1))
    with pytest.raises(InvalidQuery):
        edited(engine, topic, text=" ")
    with pytest.raises(FeatureNotFound):
        edited(engine, 10**7)
    assert editor.asked == []


def test_settings_that_cannot_be_used_are_refused(
    engine: SearchEngine, topic: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured_editor() is None
    with pytest.raises(InvalidRequest, match="there is no editor"):
        edited(engine, topic)
    monkeypatch.setenv("REFRACT_EDITOR_URL", "https://x/v1")
    with pytest.raises(ConfigurationError, match="REFRACT_EDITOR_MODEL is not"):
        configured_editor()
    monkeypatch.setenv("REFRACT_EDITOR_MODEL", "m")
    for wrong in ("https://user:secret@x/v1", "https://x/v1?key=secret", "ftp://x", "secret"):
        monkeypatch.setenv("REFRACT_EDITOR_URL", wrong)
        with pytest.raises(ConfigurationError, match="cannot be used") as error:
            configured_editor()
        assert "secret" not in str(error.value)

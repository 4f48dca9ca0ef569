"""Asking an endpoint for labels, over real HTTP: answers, nonsense, busy, slow, down, dear, killed."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from indexer.labels.asking import BATCH, Answers, ask, messages, parse_answer
from indexer.labels.endpoint import ATTEMPTS, Budget, BudgetSpent, Chat, Endpoint, Nonsense
from indexer.labels.evidence import Evidence, Example, NearFeature
from search.errors import ConfigurationError, LabelError, LabellerError
from search.labels import NO_LABEL, Label

FEATURES = 100
HASH = "a" * 64
Reply = tuple[int, dict[str, str], bytes]
Say = Callable[[dict[str, Any]], Reply]


def completion(content: str, tokens: int | None = 100) -> Reply:
    usage = {} if tokens is None else {"usage": {"total_tokens": tokens}}
    body = {"choices": [{"message": {"role": "assistant", "content": content}}], **usage}
    return 200, {}, json.dumps(body).encode()


def named(question: dict[str, Any]) -> Reply:
    """A sensible answer: two names for each feature asked about."""
    features = json.loads(question["messages"][1]["content"])["features"]
    names = [{"feature": f["feature"], "names": [f"topic {f['feature']}", "things"]} for f in features]
    return completion(f"Here you are:\n```json\n{json.dumps({'features': names})}\n```")


class Server(ThreadingHTTPServer):
    """Gives the replies of `script` in turn, the last one for ever, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, script: list[Say]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), question))
        say = self.server.script[min(len(self.server.asked), len(self.server.script)) - 1]
        status, headers, body = say(question)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(*script: Say) -> Iterator[Server]:
    server = Server(list(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def always(status: int, body: bytes = b"", **headers: str) -> Say:
    return lambda _: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def evidence(*features: int) -> list[Evidence]:
    label = Label("old", 0.6, reliable=False)
    near = [NearFeature(1, "neighbour", 0.5), NearFeature(2, NO_LABEL, 0.4)]
    examples = [Example("strong text", 2.0, 10), Example("weak text", 0.5, 1)]
    return [Evidence(f, label, 0.1, 20, examples, ["a near miss"], near) for f in features]


def chat(server: Server, budget: Budget | None = None, key: str = "", timeout: float = 30) -> Chat:
    """A chat that notes in `slept` how long it would have waited."""
    slept: list[float] = []
    made = Chat(Endpoint(server.url, "m", key, timeout), budget or Budget(), sleep=slept.append)
    made.slept = slept  # type: ignore[attr-defined]
    return made


def slept(made: Chat) -> list[float]:
    return list(made.slept)  # type: ignore[attr-defined]


def answers(tmp_path: Path, model: str = "m") -> Answers:
    return Answers(tmp_path / "answers.jsonl", FEATURES, HASH, model)


def test_features_are_asked_in_batches_and_every_answer_is_a_line_to_import(tmp_path: Path) -> None:
    kept = answers(tmp_path)
    with serving(named) as server:
        report = ask(chat(server, key="k3y"), evidence(*range(BATCH + 1)), kept, BATCH + 1)
    assert (report.answered, report.left, report.problems, report.stopped) == (BATCH + 1, 0, [], "")
    assert [(path, key) for path, key, _ in server.asked] == [("/v1/chat/completions", "Bearer k3y")] * 2
    assert server.asked[0][2]["model"] == "m"
    read = kept.read()
    assert not read.refused
    assert {(p.feature, p.label, p.origin) for p in read.proposals} == {
        (feature, name, "m") for feature in range(BATCH + 1) for name in (f"topic {feature}", "things")
    }


def test_the_question_holds_examples_by_strength_near_misses_and_names_that_hold() -> None:
    (_, asked) = messages(evidence(7))
    (feature,) = json.loads(asked["content"])["features"]
    assert feature == {
        "feature": 7,
        "fires": [[1.0, "strong text"], [0.25, "weak text"]],
        "near_misses": ["a near miss"],
        "similar_features": ["neighbour"],
    }


@pytest.mark.parametrize("status", [429, 500, 503])
def test_who_is_busy_is_asked_again_later_and_later(tmp_path: Path, status: int) -> None:
    with serving(always(status), always(status), named) as server:
        made = chat(server)
        assert ask(made, evidence(1), answers(tmp_path), 1).answered == 1
    assert slept(made) == [1, 2]
    assert made.budget.spent_requests == 3


def test_the_wait_that_the_endpoint_names_is_kept() -> None:
    until = formatdate(time.time() + 500, usegmt=True)
    replies = (always(429, Retry_After="17"), always(503, Retry_After=until), always(429, Retry_After="soon"))
    with serving(*replies, lambda _: completion("fine")) as server:
        made = chat(server)
        assert made.complete(messages(evidence(1))) == "fine"
    first, second, third = slept(made)
    assert (first, third) == (17, 4)
    assert 400 < second <= 500


def test_an_endpoint_that_wants_hours_is_left_alone() -> None:
    with serving(always(429, Retry_After="7200")) as server, pytest.raises(LabellerError, match="7,200 s"):
        chat(server).complete(messages(evidence(1)))


def test_one_that_stays_down_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    waits: list[float] = []
    made = Chat(Endpoint(url, "m"), Budget(), sleep=waits.append)
    with pytest.raises(LabellerError, match="cannot be reached") as failed:
        ask(made, evidence(1), answers(tmp_path), 1)
    assert "REFRACT_LABELLER_URL" in failed.value.hint
    assert len(waits) == ATTEMPTS - 1


def test_one_that_is_too_slow_is_given_up_and_counted() -> None:
    done = threading.Event()

    def slow(_: dict[str, Any]) -> Reply:
        done.wait(10)
        return completion("late")

    with serving(slow) as server:
        made = chat(server, timeout=0.1)
        with pytest.raises(LabellerError, match=r"did not answer within 0\.1 s"):
            made.complete(messages(evidence(1)))
        done.set()
    assert made.budget.spent_requests == ATTEMPTS
    assert made.budget.spent_tokens > 0


@pytest.mark.parametrize(("status", "word"), [(401, "KEY"), (403, "KEY"), (404, "URL"), (400, "MODEL")])
def test_a_refusal_is_not_repeated_and_the_key_is_not_told(status: int, word: str) -> None:
    with serving(always(status, b'{"error": "no entry for s3cret"}')) as server:
        with pytest.raises(LabellerError, match=str(status)) as failed:
            chat(server, key="s3cret").complete(messages(evidence(1)))
        assert len(server.asked) == 1
    assert word in failed.value.hint
    assert "no entry" in str(failed.value)
    assert "s3cret" not in str(failed.value)


NONSENSE: list[bytes] = [
    b"<html>hello</html>",
    b"[]",
    b'{"choices": []}',
    b'{"choices": [{"message": {"content": null}}]}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: repr(body[:20]))
def test_what_is_no_completion_is_skipped_and_told(tmp_path: Path, body: bytes) -> None:
    with serving(always(200, body), named) as server:
        report = ask(chat(server), evidence(*range(BATCH + 1)), answers(tmp_path), BATCH + 1)
    assert (report.answered, report.left) == (1, BATCH)
    (problem,) = report.problems
    assert problem.startswith("features 0, 1, 2")


@pytest.mark.parametrize(
    "content",
    ["I would rather not.", "", "{", '{"features": 3}', '{"labels": []}', "[1, 2]"],
)
def test_answers_without_names_are_nonsense(content: str) -> None:
    with pytest.raises(Nonsense):
        parse_answer(content, [1])


def test_what_is_good_in_a_bad_answer_is_kept() -> None:
    entries = [
        {"feature": 1, "names": ["good", "good", "", "x" * 81, 5, "a\nb"]},
        {"feature": 2, "names": "just one"},
        {"feature": 3, "names": []},
        {"feature": 99, "names": ["not asked"]},
        "what?",
    ]
    names, wrong = parse_answer(json.dumps({"features": entries}), [1, 2, 3, 4])
    assert names == {1: ["good"], 2: ["just one"]}
    told = " ".join(wrong)
    for word in ("empty", "81 characters", "5", "U+000A", "99", "feature 3: no name", "feature 4: no name"):
        assert word in told


def test_endless_nonsense_is_not_paid_for(tmp_path: Path) -> None:
    with serving(always(200, b"{}")) as server:
        report = ask(chat(server), evidence(*range(96)), answers(tmp_path), 96)
    assert report.stopped
    assert report.left == 96
    assert len(server.asked) == 10


@pytest.mark.parametrize(
    ("budget", "word"), [(Budget(requests=2), "requests"), (Budget(tokens=900), "tokens")]
)
def test_the_budget_is_kept_and_what_is_left_is_told(tmp_path: Path, budget: Budget, word: str) -> None:
    with serving(named) as server:
        report = ask(chat(server, budget), evidence(*range(40)), answers(tmp_path), 40)
    assert word in report.stopped
    assert 0 < report.answered < 40
    assert report.left == 40 - report.answered
    assert len(server.asked) == budget.spent_requests == report.answered / BATCH
    if budget.tokens:
        assert budget.spent_tokens <= budget.tokens


def test_a_budget_of_nothing_asks_nothing(tmp_path: Path) -> None:
    with serving(named) as server:
        report = ask(chat(server, Budget(requests=0)), evidence(1), answers(tmp_path), 1)
    assert (report.left, server.asked) == (1, [])


def test_tokens_are_estimated_where_the_endpoint_does_not_count() -> None:
    with serving(lambda _: completion("x" * 4000, tokens=None)) as server:
        made = chat(server)
        made.complete(messages(evidence(1)))
    assert made.budget.spent_tokens > 1000
    made.budget.tokens = 1000
    with pytest.raises(BudgetSpent):
        made.complete(messages(evidence(1)))


def test_after_a_kill_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    first = answers(tmp_path)
    with serving(named) as server:
        ask(chat(server), evidence(1, 2), first, 2)
    with first.path.open("ab") as file:
        file.write(b'{"feature": 3, "label": "half a li')
    again = answers(tmp_path)
    assert again.answered == {1, 2}
    again.append({3: ["whole"]})
    assert not again.read().refused
    assert answers(tmp_path).answered == {1, 2, 3}
    assert answers(tmp_path, model="another").answered == set()


def test_a_kill_within_the_first_line_is_mended(tmp_path: Path) -> None:
    path = answers(tmp_path).path
    path.write_bytes(path.read_bytes()[:20])
    assert answers(tmp_path).read().proposals == []
    assert path.read_bytes().endswith(b'"}\n')


def test_answers_before_an_error_are_kept(tmp_path: Path) -> None:
    kept = answers(tmp_path)
    with serving(named, always(401)) as server, pytest.raises(LabellerError):
        ask(chat(server), evidence(*range(BATCH + 1)), kept, BATCH + 1)
    assert answers(tmp_path).answered == set(range(BATCH))


def test_no_other_file_is_written_into(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("my notes\nhalf")
    with pytest.raises(LabelError, match="does not begin like"):
        answers(tmp_path)
    assert path.read_text() == "my notes\nhalf"
    with pytest.raises(LabelError, match="Is a directory"):
        Answers(tmp_path, FEATURES, HASH, "m")


@pytest.mark.parametrize(
    ("url", "model", "key", "word"),
    [
        ("", "m", "", "REFRACT_LABELLER_URL is not set"),
        ("http://x", " ", "", "REFRACT_LABELLER_MODEL is not set"),
        ("x.org/v1", "m", "", "x.org/v1"),
        ("http://x", "m", "a\nb", "REFRACT_LABELLER_KEY"),
    ],
)
def test_settings_that_cannot_work(url: str, model: str, key: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        Endpoint(url, model, key)


def test_an_address_that_is_none() -> None:
    made = Chat(Endpoint("http://[::1", "m"), Budget(), sleep=lambda _: None)
    with pytest.raises(LabellerError, match="cannot be reached"):
        made.complete(messages(evidence(1)))

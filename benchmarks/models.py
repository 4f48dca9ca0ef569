"""This benchmark turns the same names in two models: how far do they steer alike?

python -m benchmarks.models SHARED_DATA_FOLDER

The second model is made of the static word vectors (256 dimensions) in the package `wordllama`, which is
installed for this benchmark alone. Each model embeds the same textbook paragraphs and gets its dictionary as
any model does. A name that both have is turned to strength 1 on generic questions.

Shape suffixes: N paragraphs, Q questions, T names.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from safetensors.torch import load_file
from scipy.stats import rankdata
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from benchmarks.harness.common import embedder, report, snapshot_of, table
from benchmarks.harness.textbooks import QUERIES, SUBJECTS, paragraphs
from indexer.dictionary.naming import model_dictionary, with_own_names
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder, load_embedder
from search.index.snapshot import Snapshot

A_BOOK = 120
NAMES = (
    *("nursing", "physics", "astronomy", "statistics", "chemistry", "economics", "psychology", "sociology"),
    *("microbiology", "anatomy", "war", "energy", "bacteria", "planet", "market", "emotion", "inflation"),
    *("electron", "vaccine", "slavery"),
)
RESULTS = 10
HEADER = ["", "the same of the first ten", "rank correlation of all"]

FloatArray = NDArray[np.float32]


class Side:
    """Holds the paragraphs as one model sees them."""

    def __init__(self, model: Embedder, texts: list[str], folder: Path) -> None:
        x_ND = model.encode(texts)
        base = model_dictionary(model, folder)
        dictionary = with_own_names(base, texts, x_ND, general_lexicon(), model.encode)
        self.snapshot: Snapshot = snapshot_of(x_ND, np.arange(len(texts)), dictionary, texts=texts)
        self.x_ND = x_ND.astype(np.float32)
        self.q_QD = np.stack([model.encode_queries([query])[0] for query in QUERIES])
        self.number = {group[0]: feature for feature, group in enumerate(dictionary.names)}

    def scores(self, names: list[str]) -> FloatArray:
        """Scores all paragraphs for each question, steered by each name (T, Q, N)."""
        features = [self.number[name] for name in names]
        steps_TD = self.snapshot.scale_F[features][:, None] * self.snapshot.dictionary.w_dec_FD[features]
        found: FloatArray = np.stack([(self.q_QD + step_D) @ self.x_ND.T for step_D in steps_TD])
        return found

    def about(self, name: str) -> set[int]:
        """Finds the paragraphs that are about a name."""
        return set(self.snapshot.firing(self.number[name])[0].tolist())


def main(shared: Path) -> None:
    """Measures how far the orders of two models agree, without steering and with it."""
    texts, _ = paragraphs(shared, list(SUBJECTS), A_BOOK, 0)
    with tempfile.TemporaryDirectory() as folder:
        one, other = (Side(model, texts, Path(folder)) for model in (embedder(), static_model(Path(folder))))
    names = [
        name
        for name in NAMES
        if all(side.number.get(name) is not None and len(side.about(name)) for side in (one, other))
    ]
    plain = (one.q_QD @ one.x_ND.T, other.q_QD @ other.x_ND.T)
    steered = one.scores(names), other.scores(names)
    changed = tuple(scores - base for scores, base in zip(steered, plain, strict=True))
    rows = [
        ["the question as asked", *agreement(*plain)],
        ["steered by one name", *agreement(*(each.reshape(-1, len(texts)) for each in steered))],
        ["what the name alone adds", *agreement(*(each[:, 0] for each in changed))],
    ]
    alike = [
        len(one.about(name) & other.about(name)) / len(one.about(name) | other.about(name)) for name in names
    ]
    named = len(one.number.keys() & other.number.keys())
    print(
        f"{len(texts):,} paragraphs, {len(QUERIES)} questions, {len(names)} names turned.\n"
        f"The dictionaries have {len(one.number):,} and {len(other.number):,} names, {named:,} in both.\n"
        f"Of the paragraphs that either finds about a name, both do {np.mean(alike):.0%} (mean over names).\n"
    )
    report("models", table(HEADER, rows), {"names": names, "rows": rows, "about": alike})


def agreement(one_RN: FloatArray, other_RN: FloatArray) -> tuple[float, float]:
    """Compares rows of scores: the mean share of the same among the first ten, the mean rank correlation."""
    overlap, correlation = [], []
    for one_N, other_N in zip(one_RN, other_RN, strict=True):
        first = (set(np.argsort(-scores_N)[:RESULTS].tolist()) for scores_N in (one_N, other_N))
        overlap.append(len(set.intersection(*first)) / RESULTS)
        correlation.append(np.corrcoef(rankdata(one_N), rankdata(other_N))[0, 1])
    return float(np.mean(overlap)), float(np.mean(correlation))


def static_model(folder: Path) -> Embedder:
    """Makes the second model, loaded as any sentence-transformers model is."""
    found = find_spec("wordllama")
    if found is None or found.origin is None:
        raise SystemExit("This benchmark needs a second model: pip install wordllama")
    package = Path(found.origin).parent
    weights = load_file(str(package / "weights" / "l2_supercat_256.safetensors"))
    tokenizer = Tokenizer.from_file(str(package / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    static = StaticEmbedding(tokenizer, embedding_weights=weights["embedding.weight"].float())
    SentenceTransformer(modules=[static], device="cpu").save(str(folder / "wordllama"))
    return load_embedder(str(folder / "wordllama"), "float32")


if __name__ == "__main__":
    typer.run(main)

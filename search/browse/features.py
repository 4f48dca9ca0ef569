"""Shows a collection from the side of its features: lists, and one feature in full.

Shape suffixes: F features, D embedding width.
"""

import numpy as np
from numpy.typing import NDArray

from search.browse.concepts import families_of
from search.browse.origin import find_origin
from search.engine.concept_resolver import find_family
from search.engine.reader import Reader
from search.engine.response import EXAMPLE_CHARACTERS
from search.errors import FeatureNotFound
from search.index.distinctive import most_distinctive
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.query.limits import check_page, check_query
from search.query.presets import NONE
from search.query.request import SearchRequest
from search.responses.features import (
    Example,
    FeatureDetail,
    FeatureList,
    FeatureSummary,
    Histogram,
    Neighbour,
)
from search.scoring.pursuit import CANDIDATES
from search.scoring.reasons import topics

DECILES = 10
HISTOGRAM_BINS = 30
EXAMPLES_A_DECILE = 2
NEAR_MISSES = 4
NEIGHBOURS = 8


def find_features(
    reader: Reader,
    query: str,
    *,
    family: int | None = None,
    limit: int = 20,
    offset: int = 0,
) -> FeatureList:
    """Finds features for a text: those that are called so first, then those whose names hold its words, then
    by how near its meaning is to them. An empty text lists what is distinctive of the collection first; with
    a `family` its features are listed, the most central first.

    Raises:
        InvalidQuery: the text has no letter or digit, is too long, or is not text.
        InvalidPage: limit or offset is out of range.
        InvalidSteering: there is no such family.
    """
    check_page(limit, offset)
    snapshot = reader.snapshot
    alive = np.flatnonzero(snapshot.telling)
    if family is not None:
        members = find_family(snapshot, family).features
        order = members[snapshot.passages_F[members] > 0]
    elif query.strip():
        check_query(query)
        order = _by_relevance(reader, query, alive)
    else:
        order = most_distinctive(snapshot.dictionary, alive, snapshot.passages_F)
    return FeatureList(
        query=query,
        collection=reader.collection,
        generation=snapshot.generation,
        total=len(order),
        limit=limit,
        offset=offset,
        features=_summaries(reader, order[offset : offset + limit].tolist()),
    )


def near_features(reader: Reader, query: str, *, limit: int) -> list[FeatureSummary]:
    """Finds what else to steer by: features near a question that its first answers are about and that do not
    explain it yet.

    Raises:
        InvalidQuery: the query cannot be searched with.
    """
    snapshot = reader.snapshot
    asked = reader.prepare(SearchRequest(query, preset=NONE)).asked
    first = asked.rank(snapshot, CANDIDATES).passages[:CANDIDATES]
    question = asked.question
    found = topics(snapshot, asked.typed.text, question.vector_D, first, question.active)[:limit]
    return _summaries(reader, found)


def feature_summary(reader: Reader, feature: int) -> FeatureSummary:
    """Describes one feature in a few words.

    Raises:
        FeatureNotFound: the dictionary has no feature of that number.
    """
    check_feature(reader.snapshot, feature)
    return _summaries(reader, [feature])[0]


def feature_detail(reader: Reader, feature: int) -> FeatureDetail:
    """Describes one feature: its numbers, examples across the deciles of its activation, near misses,
    neighbours.

    Raises:
        FeatureNotFound: the dictionary has no feature of that number.
    """
    snapshot = reader.snapshot
    check_feature(snapshot, feature)
    chosen = _examples(snapshot, feature)
    misses = _near_misses(snapshot, feature)
    origin = find_origin(reader, feature)
    shown = [*(passage for passage, _, _ in chosen), *misses, *origin.passages_P.tolist()]
    texts = reader.texts(shown)
    label = snapshot.labels[feature]
    return FeatureDetail(
        feature=feature,
        collection=reader.collection,
        generation=snapshot.generation,
        label=label.shown,
        label_score=label.score,
        reliable=label.reliable,
        label_origin=label.origin,
        guess=None if label.reliable else label.text,
        density=snapshot.density(feature),
        passages=int(snapshot.passages_F[feature]),
        quantiles=_quantiles(snapshot.firing(feature)[1]),
        histogram=_histogram(snapshot.firing(feature)[1]),
        examples=[
            Example(value, decile, texts[passage].document, texts[passage].passage)
            for passage, value, decile in chosen
        ],
        near_misses=[Example(0.0, None, texts[p].document, texts[p].passage) for p in misses],
        neighbours=_neighbours(snapshot, feature),
        together=_together(snapshot, feature),
        families=families_of(snapshot, feature),
        origin=origin.told(texts),
    )


def across_deciles(values_N: NDArray[np.float32], each: int) -> list[tuple[int, int | None]]:
    """Draws some of each decile of a feature's activations, the strongest first, as (place, decile).

    Fewer activations than deciles all come, and without a decile: none of them is a tenth.
    """
    order = np.argsort(-values_N, kind="stable")
    chosen: list[tuple[int, int | None]] = []
    for part, places in enumerate(np.array_split(order, min(DECILES, len(order)) or 1)):
        decile = DECILES - part if len(order) >= DECILES else None
        # The strongest of all leads; elsewhere the middle of the decile stands for it.
        start = 0 if part == 0 else max(len(places) // 2 - 1, 0)
        chosen += [(int(place), decile) for place in places[start : start + each]]
    return chosen


def _quantiles(values_N: NDArray[np.float32]) -> list[float]:
    """Gives the activation at 0, 10, ..., 100% of the passages that are about a feature."""
    steps = np.linspace(0, 1, 11)
    return [float(value) for value in np.quantile(values_N, steps)] if len(values_N) else []


def _histogram(values_N: NDArray[np.float32]) -> Histogram:
    if not len(values_N):
        return Histogram(0.0, [])
    most = float(values_N.max())
    counts, _ = np.histogram(values_N, bins=HISTOGRAM_BINS, range=(0.0, most))
    return Histogram(most, counts.tolist())


def _by_relevance(reader: Reader, query: str, alive: NDArray[np.int64]) -> NDArray[np.int64]:
    snapshot, q_D = reader.snapshot, reader.embed(query)
    wanted = query.casefold().strip()
    called = [[name.casefold() for name in _names(snapshot, feature)] for feature in alive.tolist()]
    is_name = np.array([wanted in names for names in called], dtype=np.bool_)
    holds = np.array([any(wanted in name for name in names) for names in called], dtype=np.bool_)
    cosine = snapshot.dictionary.w_dec_FD[alive] @ q_D
    return alive[np.lexsort((-cosine, ~holds, ~is_name))]


def _names(snapshot: Snapshot, feature: int) -> tuple[str, ...]:
    """Lists all that a feature is called: its label, and the names that mean the same."""
    names = snapshot.dictionary.names
    return (snapshot.labels[feature].text, *(names[feature] if names else ()))


def _summaries(reader: Reader, features: list[int]) -> list[FeatureSummary]:
    """Describes features for lists, each with the passage that is most about it."""
    snapshot = reader.snapshot
    examples = {feature: snapshot.strongest_of(feature) for feature in features}
    texts = reader.texts(passage for passage in examples.values() if passage is not None)
    return [
        _summary(snapshot, feature, None if passage is None else texts[passage])
        for feature, passage in examples.items()
    ]


def _summary(snapshot: Snapshot, feature: int, example: LocatedPassage | None) -> FeatureSummary:
    label = snapshot.labels[feature]
    return FeatureSummary(
        feature=feature,
        label=label.shown,
        label_score=label.score,
        reliable=label.reliable,
        density=snapshot.density(feature),
        passages=int(snapshot.passages_F[feature]),
        example=example.passage.text[:EXAMPLE_CHARACTERS] if example else None,
    )


def _examples(snapshot: Snapshot, feature: int) -> list[tuple[int, float, int | None]]:
    """Draws two examples of each decile of the feature's activations, as (passage, activation, decile)."""
    passages, activations = snapshot.firing(feature)
    return [
        (int(passages[row]), float(activations[row]), decile)
        for row, decile in across_deciles(activations, EXAMPLES_A_DECILE)
    ]


def _near_misses(snapshot: Snapshot, feature: int) -> list[int]:
    """Finds the passages that point the feature's way most, among those it does not fire on."""
    firing = set(snapshot.firing(feature)[0].tolist())
    if not firing:
        return []
    direction_D = snapshot.dictionary.w_dec_FD[feature]
    _, found = snapshot.index.search(direction_D[None], len(firing) + NEAR_MISSES)
    return [passage for passage in found[0].tolist() if passage not in firing][:NEAR_MISSES]


def _neighbours(snapshot: Snapshot, feature: int) -> list[Neighbour]:
    w_dec_FD = snapshot.dictionary.w_dec_FD
    cosine_F = w_dec_FD @ w_dec_FD[feature]
    cosine_F[~snapshot.telling | (np.arange(len(cosine_F)) == feature)] = -np.inf
    order = np.argsort(-cosine_F, kind="stable")[:NEIGHBOURS].tolist()
    return [
        Neighbour(f, snapshot.labels[f].shown, float(cosine_F[f])) for f in order if np.isfinite(cosine_F[f])
    ]


def _together(snapshot: Snapshot, feature: int) -> list[Neighbour]:
    rows, _ = snapshot.firing(feature)
    count_F = np.bincount(snapshot.about_NF[rows].indices, minlength=snapshot.dictionary.features)
    count_F[~snapshot.telling] = 0
    count_F[feature] = 0
    order = np.argsort(-count_F, kind="stable")[:NEIGHBOURS].tolist()
    return [
        Neighbour(f, snapshot.labels[f].shown, float(count_F[f]) / len(rows)) for f in order if count_F[f] > 0
    ]


def check_feature(snapshot: Snapshot, feature: int) -> None:
    """Refuses a number that is no feature's.

    Raises:
        FeatureNotFound: the dictionary has no feature of that number.
    """
    features = snapshot.dictionary.features
    if not 0 <= feature < features:
        raise FeatureNotFound(
            f"There is no feature {feature}.", hint=f"Features are numbered 0 to {features - 1}."
        )

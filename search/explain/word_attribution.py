"""Says what the words of a document add to a question's score and to the activations of features.

Shape suffixes: N passages, D embedding width, M directions, P words of a passage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.browse.documents import find_document
from search.browse.features import check_feature
from search.embedding.word_sums import WordSums
from search.engine.reader import Reader
from search.errors import InvalidRequest, PassageNotFound
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.query.limits import check_page
from search.query.presets import NONE
from search.query.request import SearchRequest
from search.responses.search import DocumentRef
from search.responses.words import DocumentWords, FeatureWords, NamedFeature, PassageWords, WordSum

MAX_FEATURES = 6

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Directions:
    """Holds the directions that words are measured along: the question's, if there is one, then those of
    features, each with the constant that its sum starts from."""

    question: bool
    features: list[int]
    directions_MD: FloatArray
    constant_M: FloatArray


def document_words(
    reader: Reader,
    document_id: str,
    request: SearchRequest,
    *,
    features: Sequence[int],
    passages: Sequence[int] = (),
    limit: int = 10,
    offset: int = 0,
) -> DocumentWords:
    """Takes a document apart into its words, or some passages of it by their numbers, for features and for
    the question of a request, if it asks one. The request's filters and preset have no part in it.

    Raises:
        InvalidRequest: neither a question nor a feature, or more than 6 features.
        InvalidQuery, InvalidSteering, InvalidPage: the request's own words are wrong.
        DocumentNotFound, PassageNotFound, FeatureNotFound: there is no such thing in the collection.
    """
    check_page(limit, offset)
    snapshot = reader.snapshot
    named = name_features(snapshot, features)
    asked = _asked(reader, request, [each.feature for each in named])
    document = find_document(reader.session, snapshot, document_id)
    places = snapshot.passages_of(document.id)
    if passages:
        _check_passages(document_id, passages, snapshot.number_N[places].tolist())
        places = places[np.isin(snapshot.number_N[places], passages)]
    page = places[offset : offset + limit]
    found = reader.texts(page.tolist())
    rows = [found[place] for place in page.tolist()]
    parts = reader.word_sums(rows)
    return DocumentWords(
        document=DocumentRef(document.external_id, document.title, document.url),
        query=request.query,
        collection=reader.collection,
        generation=snapshot.generation,
        features=named,
        total=len(places),
        limit=limit,
        offset=offset,
        passages=_passages(snapshot, asked, page, rows, parts),
    )


def name_features(snapshot: Snapshot, features: Sequence[int]) -> list[NamedFeature]:
    """Lists features with their labels, each once.

    Raises:
        InvalidRequest: more than 6.
        FeatureNotFound: a number is no feature's.
    """
    once = list(dict.fromkeys(features))
    if len(once) > MAX_FEATURES:
        raise InvalidRequest(f"{len(once)} features are too many.", hint=f"Ask for at most {MAX_FEATURES}.")
    for feature in once:
        check_feature(snapshot, feature)
    columns = [snapshot.firing(feature)[1] for feature in once]
    return [
        NamedFeature(feature, label.shown, label.reliable, float(column.max(initial=0.0)))
        for feature, column in zip(once, columns, strict=True)
        for label in [snapshot.labels[feature]]
    ]


def _asked(reader: Reader, request: SearchRequest, features: list[int]) -> Directions:
    asks = bool(request.query.strip())
    if not (asks or features):
        raise InvalidRequest("Neither a question nor a feature is given.", hint="Send q, feature or both.")
    encoder, width = reader.snapshot.dictionary, reader.snapshot.dictionary.width
    directions_MD, constant_M = (
        encoder.w_enc_FD[features],
        encoder.preactivations(np.zeros((1, width)), features)[0],
    )
    if not asks:
        return Directions(False, features, directions_MD, constant_M)
    q_D = reader.prepare(replace(request, preset=NONE, filters=())).steered.vector_D
    return Directions(
        True, features, np.vstack([q_D, directions_MD]), np.concatenate([np.zeros(1, np.float32), constant_M])
    )


def _passages(
    snapshot: Snapshot,
    asked: Directions,
    places: NDArray[np.int64],
    rows: list[LocatedPassage],
    parts: list[WordSums],
) -> list[PassageWords]:
    total_NM = snapshot.index.vectors(places).astype(np.float32) @ asked.directions_MD.T + asked.constant_M
    acts_NF = snapshot.about_NF[places][:, asked.features].toarray()
    return [
        _passage(asked, row, parts[place], total_NM[place], acts_NF[place]) for place, row in enumerate(rows)
    ]


def _passage(
    asked: Directions, row: LocatedPassage, part: WordSums, total_M: FloatArray, acts_F: FloatArray
) -> PassageWords:
    value_MP = part.values(asked.directions_MD)
    elsewhere_M = total_M - value_MP.sum(axis=1)
    sums = [
        WordSum(float(total_M[at]), float(elsewhere_M[at]), value_MP[at].tolist())
        for at in range(len(total_M))
    ]
    of_features = sums[1:] if asked.question else sums
    return PassageWords(
        passage=row.passage,
        by=part.by,
        words=part.spans,
        question=sums[0] if asked.question else None,
        features=[
            FeatureWords(
                total=each.total,
                elsewhere=each.elsewhere,
                values=each.values,
                feature=feature,
                activation=float(activation),
            )
            for each, feature, activation in zip(of_features, asked.features, acts_F, strict=True)
        ],
    )


def _check_passages(document_id: str, asked: Sequence[int], there: list[int]) -> None:
    missing = next((passage for passage in asked if passage not in there), None)
    if missing is not None:
        raise PassageNotFound(
            f"The document {document_id[:100]!r} has no passage {missing}.",
            hint="Its passages are listed at /v1/documents; a reindex numbers them anew.",
        )

"""Refines by example: finds the features that tell documents one likes from others, as knobs.

A knob on examples (`like:A~B!C:1`) says in one piece what these say one by one: how much more strongly the
liked documents fire each feature than the others do, in units of what strength 1 is. (`benchmarks.examples`
measures what that costs, and other ways to choose as few knobs: docs/decisions/0010.)

Shape suffixes: N passages, F features, M documents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from search.db.models import DocumentRow
from search.engine.concept_resolver import find_documents
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidSteering
from search.index.snapshot import Snapshot
from search.query.limits import check_query
from search.query.steering import (
    MAX_STRENGTH,
    ExamplesTarget,
    FeatureTarget,
    Knob,
    Steering,
    format_steering,
)
from search.responses.features import Against, FeatureDifference, Refinement
from search.responses.search import DocumentRef

MOST, MOST_AGAINST = 8, 4
ANSWERS = 100
ANSWERS_SHARE = 5  # a small collection's answers are one in so many of its passages
MOST_OF = 0.5  # a feature is told where more than this share of its side fire it

FloatArray = NDArray[np.float64]
NOTHING_IN_COMMON = "No feature fires on most of these documents and less on the others."


def refine(
    reader: Reader,
    like: list[str],
    unlike: list[str],
    *,
    query: str = "",
    strength: float = 1.0,
) -> Refinement:
    """Finds the features that tell liked documents from unliked ones; without these, from the answers to a
    query; without one, from all of the collection. `strength` is that of the knob on examples to be spelled
    out.

    Raises:
        InvalidSteering: no liked document, too many, or one given twice.
        InvalidQuery: the query cannot be searched with.
        DocumentNotFound: a document is not there; the message names all such.
    """
    if not like:
        raise InvalidSteering("There is no document to be like.", hint="Name one at least.")
    Knob(strength, ExamplesTarget(tuple(like), tuple(unlike)))  # the same limits
    snapshot = reader.snapshot
    found = find_documents(snapshot, [*like, *unlike], reader.session)
    _check_found(snapshot, [*like, *unlike], found)
    against: Against = "unlike" if unlike else "answers" if query.strip() else "collection"
    liked = side(snapshot, [found[document].id for document in like])
    if against == "unlike":
        others = side(snapshot, [found[document].id for document in unlike])
    else:
        others = Side.of(_background(reader, query))
    features = differences(snapshot, liked, others, strength)
    knobs = tuple(Knob(each.strength, FeatureTarget(each.feature)) for each in features)
    return Refinement(
        collection=reader.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        query=query,
        like=[_ref(found[document]) for document in like],
        unlike=[_ref(found[document]) for document in unlike],
        against=against,
        features=features,
        steer=format_steering(Steering(knobs)),
        note="" if features else NOTHING_IN_COMMON,
    )


@dataclass(frozen=True, eq=False)
class Side:
    """Says how strongly documents fire each feature on the average, and how many of them (0 to 1) do at all;
    each weighs the same, however long it is."""

    mean_F: FloatArray
    share_F: FloatArray

    @classmethod
    def of(cls, acts_MF: csr_matrix) -> "Side":
        firing_F = acts_MF.getnnz(axis=0) / max(acts_MF.shape[0], 1)
        return cls(np.asarray(acts_MF.mean(axis=0), dtype=np.float64).ravel(), firing_F)


def side(snapshot: Snapshot, documents: list[int]) -> Side:
    """Makes one side of documents, by their row ids."""
    passages = [snapshot.passages_of(document) for document in documents]
    means = [csr_matrix(snapshot.about_NF[numbers].mean(axis=0)) for numbers in passages]
    return Side.of(vstack(means, format="csr"))


def _background(reader: Reader, query: str) -> csr_matrix:
    """Gives the activations of the passages nearest to a query, or of all."""
    if not query.strip():
        return reader.snapshot.about_NF
    check_query(query)
    return answers(reader.snapshot, reader.embed(query))


def answers(snapshot: Snapshot, q_D: NDArray[np.float32]) -> csr_matrix:
    """Gives the activations of the passages nearest to a question: what its liked answers are told from."""
    wanted = min(ANSWERS, max(1, snapshot.passages // ANSWERS_SHARE))
    _, nearest = snapshot.index.search(q_D[None], wanted)
    return snapshot.about_NF[nearest[0]]


def differences(snapshot: Snapshot, liked: Side, others: Side, strength: float) -> list[FeatureDifference]:
    """Finds the features that most of one side fire and the other less, the largest difference first."""
    scale_F = np.where(snapshot.scale_F > 0, snapshot.scale_F, np.inf)
    difference_F = (liked.mean_F - others.mean_F) / scale_F
    share_F = np.where(difference_F > 0, liked.share_F, others.share_F)
    difference_F[share_F <= MOST_OF] = 0
    order = np.argsort(-np.abs(difference_F), kind="stable")[: 2 * MOST].tolist()
    against = [feature for feature in order if difference_F[feature] < 0][:MOST_AGAINST]
    order = [feature for feature in order if difference_F[feature] > 0 or feature in against][:MOST]
    made = (_difference(snapshot, liked, others, f, float(difference_F[f]), strength) for f in order)
    return [each for each in made if each.strength]


def _difference(
    snapshot: Snapshot, liked: Side, others: Side, feature: int, difference: float, strength: float
) -> FeatureDifference:
    label = snapshot.labels[feature]
    turned = round(min(max(difference * strength, -MAX_STRENGTH), MAX_STRENGTH), 1)
    return FeatureDifference(
        feature=feature,
        label=label.shown,
        label_score=label.score,
        reliable=label.reliable,
        liked=float(liked.mean_F[feature]),
        others=float(others.mean_F[feature]),
        difference=difference,
        strength=turned,
    )


def _check_found(snapshot: Snapshot, asked: list[str], found: dict[str, DocumentRow]) -> None:
    missing = [document for document in asked if document not in found]
    if missing:
        named = ", ".join(repr(document[:100]) for document in missing)
        raise DocumentNotFound(
            f"There is no document {named} with text in {snapshot.collection!r}.",
            hint="Give documents by the ids that results carry; ids are case-sensitive.",
        )


def _ref(document: DocumentRow) -> DocumentRef:
    return DocumentRef(document.external_id, document.title, document.url)

"""Finds questions to begin with, which have good answers here: one for each large part of a collection.

A part is a value of the field that divides the collection best: whose largest values are told best by names
of topics. A question is such a name, and the passage nearest to it is of that part.

Shape suffixes: N passages, C names that may be asked, D embedding width, Q questions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import select

from search.db.models import DocumentRow
from search.embedding.embedder import embedder_of
from search.engine.reader import Reader
from search.errors import RefractError
from search.index.snapshot import Snapshot

MOST = 6
LEAST_SHARE = 0.02
"""A part has at least this share of the documents."""

LEAST_PARTS = 3
"""A field with fewer parts divides nothing."""

FIELDS = 8
TRIED = 8
"""So many fields are looked at (those that most documents have), and so many names are asked of each part."""

RARE, USUAL = 5, 0.05
"""A name may be asked if so many passages are about it, and no larger share of all of them."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Part:
    """Holds the passages of a part (N,), and the names that tell it best, the best first. `told` says how
    many times more often than elsewhere passages of the best name are of this part (its logarithm)."""

    inside_N: Mask
    names: list[int]
    told: float


def start_examples(reader: Reader) -> list[str]:
    """Gives questions that are answered in this collection; titles of documents where it has too few topics.

    What was found is kept for as long as the generation lives; a topic that fell silent since is left out.
    """
    snapshot = reader.snapshot
    key = snapshot.generation, snapshot.part
    found = reader.shared.examples.known(key)
    if found is None:
        try:
            found = tuple(_ask(reader))
            reader.shared.examples.put(key, found)
        except RefractError:  # the model does not answer just now: that must not take the page away
            found = ()
    texts = [_said(snapshot, feature) for feature in found if snapshot.passages_F[feature]]
    missing = MOST - len(texts)
    return list(dict.fromkeys(texts + (_titles(reader) if missing else [])))[:MOST]


def _ask(reader: Reader) -> list[int]:
    """Finds a name for each part, then names of the largest topics that the others are not about."""
    snapshot = reader.snapshot
    usual = max(snapshot.passages * USUAL, RARE + 1)
    fit_F = snapshot.telling & (snapshot.passages_F >= RARE) & (snapshot.passages_F <= usual)
    names_C = np.array(
        [each for each in np.flatnonzero(fit_F).tolist() if _is_phrase(snapshot, each)], np.int64
    )
    if not len(names_C):
        return []
    everywhere_N = np.ones(snapshot.passages, np.bool_)
    largest = names_C[np.argsort(-snapshot.passages_F[names_C], kind="stable")].tolist()
    topics = (_Part(everywhere_N, largest[at : at + TRIED], 0.0) for at in range(0, MOST * TRIED, TRIED))
    found: list[int] = []
    told_N = np.zeros(snapshot.passages, np.bool_)
    for part in (*_divided(reader, names_C), *topics):
        if len(found) < MOST and (best := _best(reader, part, told_N)) is not None:
            found.append(best)
            told_N[snapshot.firing(best)[0]] = True
        reader.breathe()
    return found


def _divided(reader: Reader, names_C: NDArray[np.int64]) -> list[_Part]:
    """Divides a collection by the field whose parts are told best, the largest part first."""
    snapshot = reader.snapshot
    values = reader.shared.doc_values.of(reader.session, snapshot)
    count_V = values.counts(snapshot.documents_sorted)
    least = max(LEAST_SHARE * snapshot.documents, 1)
    about_NC = snapshot.visible.features.about_by_feature[:, names_C].tocsr()
    divided: list[list[_Part]] = []
    by_documents = sorted(values.fields.values(), key=lambda field: -int(count_V[field.number_A].sum()))
    for field in by_documents[:FIELDS]:
        count_A = count_V[field.number_A]
        large = [
            place for place in np.argsort(-count_A, kind="stable")[:MOST].tolist() if count_A[place] >= least
        ]
        if len(large) >= LEAST_PARTS:
            documents = (values.documents_with(field.number_A[[place]]) for place in large)
            masks = [np.isin(snapshot.document_N, each) for each in documents]
            divided.append([_part(inside_N, about_NC, names_C) for inside_N in masks])
        reader.breathe()
    return max(divided, key=lambda parts: float(np.mean([part.told for part in parts])), default=[])


def _part(inside_N: Mask, about_NC: csr_matrix, names_C: NDArray[np.int64]) -> _Part:
    """Orders the names by how many passages of a part are about them and how few others."""
    inside_C = about_NC[inside_N].getnnz(axis=0)
    share_C = inside_C / about_NC.getnnz(axis=0)
    order = np.argsort(-share_C * np.log1p(inside_C), kind="stable")[:TRIED]
    often = float(share_C[order[0]]) / float(inside_N.mean())
    return _Part(inside_N, names_C[order].tolist(), float(np.log(max(often, 1.0))))


def _best(reader: Reader, part: _Part, told_N: Mask) -> int | None:
    """Finds the name of a part whose best answer is nearest to it; None if none is of the part and near
    enough to be one, or all are about what was asked before."""
    snapshot = reader.snapshot
    names = [name for name in part.names[:TRIED] if told_N[snapshot.firing(name)[0]].mean() <= 0.5]
    if not names:
        return None
    with reader.shared.limiter.aside():
        q_QD = embedder_of(snapshot.space).encode_queries([_said(snapshot, name) for name in names])
    nearest_Q1, passage_Q1 = snapshot.index.search(q_QD, 1)
    answers = zip(nearest_Q1[:, 0].tolist(), names, passage_Q1[:, 0].tolist(), strict=True)
    near = [(cosine, name) for cosine, name, passage in answers if part.inside_N[passage]]
    best, name = max(near, default=(0.0, -1))
    return name if near and best >= reader.floor() else None


def _said(snapshot: Snapshot, feature: int) -> str:
    return snapshot.labels[feature].text.split(" · ")[0]


def _is_phrase(snapshot: Snapshot, feature: int) -> bool:
    return " " in _said(snapshot, feature)


def _titles(reader: Reader) -> list[str]:
    numbers = reader.snapshot.documents_sorted
    spread = numbers[:: max(len(numbers) // MOST, 1)].tolist()
    titles = reader.session.scalars(select(DocumentRow.title).where(DocumentRow.id.in_(spread))).all()
    return [title for title in titles if any(character.isalnum() for character in title)]

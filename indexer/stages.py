"""The stages of a build between the embeddings and the index: dictionary, activations, labels.

Each reads what the one before left in Postgres and commits its own result, so that a build that was killed
goes on at the first stage without one.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from indexer.label import label_features
from indexer.plan import fill, passage_texts
from indexer.progress import Reporter
from indexer.train import recipe_for, train
from search.dictionary import Activations, Dictionary
from search.embedder import Embedder
from search.models import DictionaryRow, Feature, FeatureStats, Generation
from search.snapshot import read_embeddings

HISTOGRAM_BINS = 30


@dataclass(frozen=True)
class DictionaryPlan:
    """Which dictionary a build is to have: the collection's, with new labels where `relabel`, or a new one
    where `retrain`; `changes` replace parts of the recipe that fits the collection's size."""

    retrain: bool = False
    relabel: bool = False
    changes: dict[str, int] = field(default_factory=dict)


def obtain_dictionary(
    session: Session, generation: Generation, plan: DictionaryPlan, embedder: Embedder, reporter: Reporter
) -> Dictionary:
    """The dictionary of the build: its own from before a kill, the collection's, or a new one.

    Raises:
        DictionaryError: too little text to train one.
    """
    if generation.dictionary_id is not None:
        return _read_dictionary(session, generation.dictionary_id)
    kept = None if plan.retrain else _latest_dictionary(session, generation)
    if kept is not None:
        dictionary = _read_dictionary(session, kept)
    else:
        dictionary = _train(session, generation, plan.changes, embedder, reporter)
    if kept is None or plan.relabel:
        kept = _store_dictionary(session, generation.collection_id, dictionary)
    generation.dictionary_id = kept
    session.commit()
    return dictionary


def activate(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> None:
    """Active features of every passage, and how each feature behaves on this generation."""
    with reporter.step("finding features"):
        acts = dictionary.encode(read_embeddings(session, generation.id), device=embedder.device)
        rows = (
            (passage, ids.tobytes(), values.tobytes())
            for passage, (ids, values) in enumerate(zip(acts.ids_NK, acts.values_NK, strict=True))
        )
        fill(session, generation.id, ("feature_ids", "activations"), rows)
        session.execute(delete(FeatureStats).where(FeatureStats.generation_id == generation.id))
        session.execute(insert(FeatureStats), _stats(generation.id, acts, dictionary.features))
        session.commit()


def label(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> None:
    """Labels for a dictionary that has none yet."""
    labelled = select(Feature.feature).where(Feature.dictionary_id == generation.dictionary_id)
    if session.scalar(labelled.limit(1)) is not None:
        return
    x_ND = read_embeddings(session, generation.id)
    acts_NF = dictionary.encode(x_ND, device=embedder.device).matrix(dictionary.features)
    texts = [body for _, _, body in passage_texts(session, generation.id)]
    session.commit()  # the work is long: no transaction stays open
    with reporter.step("labelling features"):
        labels = label_features(texts, x_ND, acts_NF, dictionary, embedder.encode, on_step=reporter.reach)
    rows = [
        {
            "dictionary_id": generation.dictionary_id,
            "feature": feature,
            "label": found.text,
            "score": found.score,
            "reliable": found.reliable,
        }
        for feature, found in enumerate(labels)
    ]
    session.execute(insert(Feature), rows)
    session.commit()


def _train(
    session: Session, generation: Generation, changes: dict[str, int], embedder: Embedder, reporter: Reporter
) -> Dictionary:
    x_ND = read_embeddings(session, generation.id)
    session.commit()  # the work is long: no transaction stays open
    with reporter.step("training the dictionary"):
        return train(
            x_ND,
            replace(recipe_for(len(x_ND)), **changes),
            model=embedder.space.model,
            device=embedder.device,
            on_step=reporter.reach,
        )


def _latest_dictionary(session: Session, generation: Generation) -> int | None:
    return session.scalar(
        select(DictionaryRow.id)
        .where(
            DictionaryRow.collection_id == generation.collection_id,
            DictionaryRow.card["model"].astext == generation.recipe["model"],
        )
        .order_by(DictionaryRow.id.desc())
        .limit(1)
    )


def _read_dictionary(session: Session, number: int) -> Dictionary:
    row = session.get_one(DictionaryRow, number)
    return Dictionary.from_bytes(row.weights, row.card)


def _store_dictionary(session: Session, collection: int, dictionary: Dictionary) -> int:
    row = DictionaryRow(collection_id=collection, weights=dictionary.to_bytes(), card=dictionary.card_json())
    session.add(row)
    session.flush()
    return row.id


def _stats(generation: int, acts: Activations, features: int) -> list[dict[str, Any]]:
    by_feature = acts.matrix(features).tocsc()
    rows = []
    for feature in np.flatnonzero(np.diff(by_feature.indptr)).tolist():
        values = by_feature.data[by_feature.indptr[feature] : by_feature.indptr[feature + 1]]
        counts, _ = np.histogram(values, bins=HISTOGRAM_BINS, range=(0.0, float(values.max())))
        rows.append(
            {
                "generation_id": generation,
                "feature": feature,
                "passages": len(values),
                "quantiles": np.quantile(values, np.linspace(0, 1, 11)).tolist(),
                "counts": counts.tolist(),
            }
        )
    return rows

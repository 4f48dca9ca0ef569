"""The stages of a build between the embeddings and the index: dictionary, activations, labels.

Each reads what the one before left in Postgres and commits its own result, so that a build that was killed
goes on at the first stage without one.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from indexer.inherit import adapted_from, inherit, names_here, unnamed
from indexer.label import label_features
from indexer.labels.exchange import earlier_labels, keep_better
from indexer.labels.judge import Judge, is_better
from indexer.plan import fill, passage_texts
from indexer.progress import Reporter
from indexer.train import adapt, recipe_for, train
from search.artifact import shipped
from search.dictionary import Activations, Dictionary
from search.embedder import Embedder
from search.errors import DictionaryError
from search.models import DictionaryRow, Feature, FeatureStats, Generation
from search.stored import read_dictionary, read_embeddings

HISTOGRAM_BINS = 30
OWN_ROWS = 1000  # passages from which on a dictionary trained from nothing is better than an adapted one


@dataclass(frozen=True)
class DictionaryPlan:
    """Which dictionary a build is to have: the collection's, with new labels where `relabel`, one trained
    from nothing where `retrain`, or the shipped one adapted anew where `readapt`; `changes` replace parts of
    the recipe that fits the collection's size.

    A collection without a dictionary gets the one shipped for its model, adapted, or else one of its own.
    """

    retrain: bool = False
    readapt: bool = False
    relabel: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


def obtain_dictionary(
    session: Session, generation: Generation, plan: DictionaryPlan, embedder: Embedder, reporter: Reporter
) -> Dictionary:
    """The dictionary of the build: its own from before a kill, the collection's, or a new one.

    Raises:
        DictionaryError: too little text to train one, or none is shipped that could be adapted.
    """
    if generation.dictionary_id is not None:
        return read_dictionary(session, generation.dictionary_id)
    kept = None if plan.retrain or plan.readapt else _latest_dictionary(session, generation)
    if kept is not None:
        dictionary = read_dictionary(session, kept)
    else:
        dictionary = _new_dictionary(session, generation, plan, embedder, reporter)
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
    base = adapted_from(dictionary)
    judged_by = base.dictionary if base else dictionary  # one test, with the same near misses, for all labels
    with reporter.step("labelling features"):
        inherited = inherit(base, dictionary, x_ND, acts_NF, embedder.encode) if base else []
        wanted, vocabulary = np.arange(dictionary.features), list[str]()
        if base:
            wanted, vocabulary = unnamed(inherited, acts_NF), names_here(inherited, acts_NF)
        found = label_features(
            texts,
            x_ND,
            acts_NF,
            judged_by,
            embedder.encode,
            features=wanted,
            vocabulary=vocabulary,
            on_step=reporter.reach,
        )
        labels = [each.label for each in inherited] or [found[feature] for feature in range(len(found))]
        better = {feature: label for feature, label in found.items() if is_better(label, labels[feature])}
        labels = [better.get(feature, label) for feature, label in enumerate(labels)]
        if earlier := earlier_labels(session, generation):
            labels = keep_better(labels, earlier, Judge(x_ND, acts_NF, judged_by, embedder.encode))
    rows = [
        {
            "dictionary_id": generation.dictionary_id,
            "feature": feature,
            "label": label.text,
            "score": label.score,
            "reliable": label.reliable,
            "origin": label.origin,
            "before": inherited[feature].before if inherited else None,
            "drift": inherited[feature].drift if inherited else None,
        }
        for feature, label in enumerate(labels)
    ]
    session.execute(insert(Feature), rows)
    session.commit()


def _new_dictionary(
    session: Session, generation: Generation, plan: DictionaryPlan, embedder: Embedder, reporter: Reporter
) -> Dictionary:
    model, device = embedder.space.model, embedder.device
    base = None if plan.retrain else shipped(model)
    if plan.readapt and base is None:
        raise DictionaryError(
            f"No dictionary is shipped for the model {model!r}.", hint="Train one with refract train."
        )
    x_ND = read_embeddings(session, generation.id)
    if plan.retrain and len(x_ND) < OWN_ROWS and shipped(model):
        raise DictionaryError(
            f"{len(x_ND)} passages are too few for a dictionary of their own: it takes {OWN_ROWS:,}.",
            hint="Keep the shipped dictionary, which is adapted to the collection, or add documents.",
        )
    session.commit()  # the work is long: no transaction stays open
    if base:
        with reporter.step("adapting the dictionary"):
            return adapt(base.dictionary, x_ND, device=device, on_step=reporter.reach)
    recipe = replace(recipe_for(len(x_ND)), **plan.changes)
    with reporter.step("training the dictionary"):
        return train(x_ND, recipe, model=model, device=device, on_step=reporter.reach)


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

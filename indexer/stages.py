"""The stages of a build between the embeddings and the index: dictionary, activations, labels.

Each reads what the one before left in Postgres and commits its own result, so that a build that was killed
goes on at the first stage without one.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from indexer.label import label_features
from indexer.labels.exchange import earlier_labels, keep_better
from indexer.labels.judge import Judge
from indexer.naming import model_dictionary, with_own_names
from indexer.plan import fill, passage_texts
from indexer.progress import Reporter
from indexer.train import recipe_for, train
from search.dictionary import Dictionary
from search.embedder import Embedder
from search.errors import DictionaryError
from search.lexicon import general_lexicon
from search.models import DictionaryRow, Feature, Generation
from search.stored import read_dictionary, read_embeddings

OWN_ROWS = 1000  # passages that a dictionary trained from nothing takes at least


@dataclass(frozen=True)
class DictionaryPlan:
    """Which dictionary a build is to have: the collection's, with new labels where `relabel`, one trained
    from nothing where `retrain`, or one of names made anew where `readapt`; `changes` replace parts of
    the recipe that fits the collection's size.

    A collection without a dictionary gets that of its model's names, with names of its own.
    """

    retrain: bool = False
    readapt: bool = False
    relabel: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


def obtain_dictionary(
    session: Session,
    generation: Generation,
    plan: DictionaryPlan,
    embedder: Embedder,
    reporter: Reporter,
    data: Path,
) -> Dictionary:
    """The dictionary of the build: its own from before a kill, the collection's, or a new one.

    Raises:
        DictionaryError: too little text to train one, or the model finds all names alike.
    """
    if generation.dictionary_id is not None:
        return read_dictionary(session, generation.dictionary_id)
    kept = None if plan.retrain or plan.readapt else _latest_dictionary(session, generation)
    if kept is not None:
        dictionary = read_dictionary(session, kept)
    else:
        dictionary = _new_dictionary(session, generation, plan, embedder, reporter, data)
    if kept is None or plan.relabel:
        kept = _store_dictionary(session, generation.collection_id, dictionary)
    generation.dictionary_id = kept
    session.commit()
    return dictionary


def activate(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> None:
    """Active features of every passage."""
    with reporter.step("finding features"):
        acts = dictionary.encode(read_embeddings(session, generation.id), device=embedder.device)
        rows = (
            (passage, ids.tobytes(), values.tobytes())
            for passage, (ids, values) in enumerate(zip(acts.ids_NK, acts.values_NK, strict=True))
        )
        fill(session, generation.id, ("feature_ids", "activations"), rows)
        session.commit()


def label(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> None:
    """Labels for a dictionary that has none yet; features that are names need none."""
    if dictionary.names:
        return
    labelled = select(Feature.feature).where(Feature.dictionary_id == generation.dictionary_id)
    if session.scalar(labelled.limit(1)) is not None:
        return
    x_ND = read_embeddings(session, generation.id)
    acts_NF = dictionary.encode(x_ND, device=embedder.device).matrix(dictionary.features)
    texts = [body for _, _, body in passage_texts(session, generation.id)]
    session.commit()  # the work is long: no transaction stays open
    with reporter.step("labelling features"):
        found = label_features(texts, x_ND, acts_NF, dictionary, embedder.encode, on_step=reporter.reach)
        labels = [found[feature] for feature in range(len(found))]
        if earlier := earlier_labels(session, generation):
            labels = keep_better(labels, earlier, Judge(x_ND, acts_NF, dictionary, embedder.encode))
    rows = [
        {
            "dictionary_id": generation.dictionary_id,
            "feature": feature,
            "label": label.text,
            "score": label.score,
            "reliable": label.reliable,
            "origin": label.origin,
        }
        for feature, label in enumerate(labels)
    ]
    session.execute(insert(Feature), rows)
    session.commit()


def _new_dictionary(
    session: Session,
    generation: Generation,
    plan: DictionaryPlan,
    embedder: Embedder,
    reporter: Reporter,
    data: Path,
) -> Dictionary:
    x_ND = read_embeddings(session, generation.id)
    if plan.retrain and len(x_ND) < OWN_ROWS:
        raise DictionaryError(
            f"{len(x_ND)} passages are too few for a dictionary of their own: it takes {OWN_ROWS:,}.",
            hint="Keep the dictionary of names, or add documents.",
        )
    session.commit()  # the work is long: no transaction stays open
    if not plan.retrain:
        with reporter.step("naming features"):
            base = model_dictionary(embedder, data / "dictionaries")

            def read(rows: list[int]) -> list[str]:
                texts = [f"{title}\n{text}" for _, title, text in passage_texts(session, generation.id, rows)]
                session.commit()
                return texts

            return with_own_names(base, read, x_ND, general_lexicon(), embedder.encode)
    recipe = replace(recipe_for(len(x_ND)), **plan.changes)
    with reporter.step("training the dictionary"):
        return train(x_ND, recipe, model=embedder.space.model, device=embedder.device, on_step=reporter.reach)


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

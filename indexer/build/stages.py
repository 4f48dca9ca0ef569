"""The stages of a build between the embeddings and the index: dictionary, activations, families.

Each reads what the one before left in Postgres and commits its own result, so that a build that was killed
goes on at the first stage without one.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from indexer.build.passage_rows import passage_activations, passage_embeddings, passage_texts
from indexer.dictionary.families import find_families, keep_families
from indexer.dictionary.naming import mined_rows, model_dictionary, with_own_names
from indexer.progress import Reporter
from search.db.lookup import count_passages
from search.db.models import DictionaryRow, FamilyRow, GenerationRow
from search.dictionary.autoencoder import NAMED, Dictionary
from search.dictionary.families import Family, read_families
from search.dictionary.labels import read_labels
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder
from search.index.passage_store import read_dictionary

FAMILY_PASSAGES = 100_000
"""Families are found in this many passages, drawn at random: more of them tell the same."""


def name_features(
    session: Session,
    generation: GenerationRow,
    known: Dictionary | None,
    embedder: Embedder,
    reporter: Reporter,
    data: Path,
) -> Dictionary:
    """Makes a dictionary of the names of the model and of the texts as they are now; gives `known` itself if
    nothing is new."""
    with reporter.step("naming features"):
        rows = mined_rows(count_passages(session, generation.id)).tolist()
        x_ND = passage_embeddings(session, generation.id, rows)
        texts = [f"{title}\n{text}" for _, title, text in passage_texts(session, generation.id, rows)]
        session.commit()  # the work is long: no transaction stays open
        base = model_dictionary(embedder, data / "dictionaries")
        return with_own_names(base, texts, x_ND, general_lexicon(), embedder.encode, known=known)


Naming = Callable[[Session, GenerationRow, Dictionary | None, Embedder, Reporter, Path], Dictionary]
"""A build may be given another way to its dictionary than `name_features`."""


def obtain_dictionary(
    session: Session,
    generation: GenerationRow,
    embedder: Embedder,
    reporter: Reporter,
    data: Path,
    *,
    naming: Naming = name_features,
) -> Dictionary:
    """Gives the dictionary of the build: its own from before a kill, else that of its model's names with
    names of the collection's own, found anew in the texts as they are now. Those of the dictionary before
    stay.

    Raises:
        DictionaryError: the model finds all names alike.
    """
    if generation.dictionary_id is not None:
        return read_dictionary(session, generation.dictionary_id)
    number = _latest_dictionary(session, generation, embedder.width)
    known = None if number is None else read_dictionary(session, number)
    found = naming(session, generation, known, embedder, reporter, data)
    if found is not known:
        number = _store_dictionary(session, generation.collection_id, found)
    generation.dictionary_id = number
    session.commit()
    return found


def store_families(
    session: Session, generation: GenerationRow, dictionary: Dictionary, reporter: Reporter
) -> None:
    """Finds families for a dictionary that has none yet.

    Those of the dictionary whose numbers it keeps, if it does, go on under their numbers.
    """
    known = select(FamilyRow.family).where(FamilyRow.dictionary_id == generation.dictionary_id)
    if session.scalar(known.limit(1)) is not None:
        return
    with reporter.step("finding families"):
        passages = count_passages(session, generation.id)
        drawn = np.sort(np.random.default_rng(0).permutation(passages)[:FAMILY_PASSAGES])
        acts_NF = passage_activations(session, generation.id, drawn.tolist(), dictionary)
        labels = read_labels(session, generation.dictionary_id, dictionary)
        before = _families_before(session, generation.dictionary_id)
        session.commit()  # no transaction stays open meanwhile
        found = keep_families(before, find_families(acts_NF, dictionary.w_dec_FD, labels))
    rows = [
        {
            "dictionary_id": generation.dictionary_id,
            "family": family.number,
            "parent": family.parent,
            "name": family.name,
            "features": family.features.tolist(),
            "weights": family.weights_C.tolist(),
        }
        for family in found
    ]
    if rows:
        session.execute(insert(FamilyRow), rows)
    session.commit()


def _latest_dictionary(session: Session, generation: GenerationRow, width: int) -> int | None:
    """Finds the collection's latest dictionary, if it is one of names, of the same model and width."""
    latest = session.execute(
        select(DictionaryRow.id, DictionaryRow.card["training"]["way"].astext)
        .where(
            DictionaryRow.collection_id == generation.collection_id,
            DictionaryRow.card["model"].astext == generation.recipe.model,
            DictionaryRow.card["width"].astext == str(width),
        )
        .order_by(DictionaryRow.id.desc())
        .limit(1)
    ).one_or_none()
    return latest[0] if latest and latest[1] == NAMED else None


def _store_dictionary(session: Session, collection: int, dictionary: Dictionary) -> int:
    row = DictionaryRow(
        collection_id=collection, weights=dictionary.to_bytes(), card=dictionary.stored_card()
    )
    session.add(row)
    session.flush()
    return row.id


def _families_before(session: Session, number: int | None) -> list[Family]:
    """Reads the families of the latest dictionary whose features have the same numbers in this one."""
    card = session.scalar(select(DictionaryRow.card).where(DictionaryRow.id == number))
    aliases = card.aliases if card else {}
    same = [earlier for earlier, alias in aliases.items() if alias.dictionary == number]
    having = select(FamilyRow.dictionary_id).where(FamilyRow.dictionary_id.in_(same))
    latest = session.scalar(having.order_by(FamilyRow.dictionary_id.desc()).limit(1))
    return [] if latest is None else list(read_families(session, latest).values())

"""The stages of a build between the embeddings and the index: dictionary and activations.

Each reads what the one before left in Postgres and commits its own result, so that a build that was killed
goes on at the first stage without one.
"""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.build.passage_rows import fill, passage_texts
from indexer.dictionary.naming import model_dictionary, with_own_names
from indexer.progress import Reporter
from search.db.models import DictionaryRow, GenerationRow
from search.dictionary.autoencoder import NAMED, Dictionary
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder
from search.index.passage_store import read_dictionary, read_embeddings


def obtain_dictionary(
    session: Session, generation: GenerationRow, embedder: Embedder, reporter: Reporter, data: Path
) -> Dictionary:
    """The dictionary of the build: its own from before a kill, else that of its model's names with names of
    the collection's own, found anew in the texts as they are now. Those of the dictionary before stay.

    Raises:
        DictionaryError: the model finds all names alike.
    """
    if generation.dictionary_id is not None:
        return read_dictionary(session, generation.dictionary_id)
    number = _latest_dictionary(session, generation)
    known = None if number is None else read_dictionary(session, number)
    found = _new_dictionary(session, generation, known, embedder, reporter, data)
    if found is not known:
        number = _store_dictionary(session, generation.collection_id, found)
    generation.dictionary_id = number
    session.commit()
    return found


def activate(
    session: Session,
    generation: GenerationRow,
    dictionary: Dictionary,
    embedder: Embedder,
    reporter: Reporter,
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


def _new_dictionary(
    session: Session,
    generation: GenerationRow,
    known: Dictionary | None,
    embedder: Embedder,
    reporter: Reporter,
    data: Path,
) -> Dictionary:
    """The names of the model and of the texts as they are now; what is `known` where nothing is new."""
    x_ND = read_embeddings(session, generation.id)
    session.commit()  # the work is long: no transaction stays open
    with reporter.step("naming features"):
        base = model_dictionary(embedder, data / "dictionaries")

        def read(rows: list[int]) -> list[str]:
            texts = [f"{title}\n{text}" for _, title, text in passage_texts(session, generation.id, rows)]
            session.commit()
            return texts

        return with_own_names(base, read, x_ND, general_lexicon(), embedder.encode, known=known)


def _latest_dictionary(session: Session, generation: GenerationRow) -> int | None:
    """The collection's latest dictionary, if it is one of names, of the same model."""
    latest = session.execute(
        select(DictionaryRow.id, DictionaryRow.card["training"]["way"].astext)
        .where(
            DictionaryRow.collection_id == generation.collection_id,
            DictionaryRow.card["model"].astext == generation.recipe["model"],
        )
        .order_by(DictionaryRow.id.desc())
        .limit(1)
    ).one_or_none()
    return latest[0] if latest and latest[1] == NAMED else None


def _store_dictionary(session: Session, collection: int, dictionary: Dictionary) -> int:
    row = DictionaryRow(collection_id=collection, weights=dictionary.to_bytes(), card=dictionary.card_json())
    session.add(row)
    session.flush()
    return row.id

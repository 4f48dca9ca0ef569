"""A build measures the scorecard of a collection's dictionary on the collection itself.

Shape suffixes: N passages, D embedding width, F features, Q questions.
"""

import numpy as np
from sqlalchemy.orm import Session

from indexer.build.passage_rows import passage_embeddings, passage_texts
from indexer.dictionary.metrics import explained, scorecard
from indexer.progress import Reporter
from search.db.lookup import count_passages
from search.db.models import DictionaryRow, GenerationRow
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import Embedder
from search.embedding.splitter import sentences

QUESTIONS = 30
READ_ROWS = 2_000  # for how much names leave out
READ_PASSAGES = 20_000  # of a large collection, for the neighbours of the questions
QUESTION_CHARACTERS = (15, 200)


def measure(
    session: Session,
    generation: GenerationRow,
    dictionary: Dictionary,
    embedder: Embedder,
    reporter: Reporter,
) -> None:
    """Writes the scorecard onto the dictionary's card: its names, and how far they explain searches of this
    collection.

    The questions are titles and single sentences of passages drawn at random: nobody has asked any yet.
    """
    with reporter.step("measuring the dictionary"):
        passages = count_passages(session, generation.id)
        drawn = np.sort(np.random.default_rng(0).permutation(passages)[:READ_PASSAGES])
        x_ND = passage_embeddings(session, generation.id, drawn.tolist())
        questions = _questions(session, generation.id, passages)
        session.commit()  # while texts are embedded no transaction stays open
        q_QD = embedder.encode(questions).astype(np.float32)
        found = scorecard(dictionary, x_ND[:READ_ROWS])
        found = found.model_copy(update={"explained": explained(dictionary, x_ND, q_QD)})
        row = session.get_one(DictionaryRow, generation.dictionary_id)
        row.card = row.card.model_copy(update={"scorecard": found})
        session.commit()


def _questions(session: Session, generation: int, passages: int) -> list[str]:
    """Takes a title or a sentence each of some passages, whichever is of a question's length."""
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.permutation(passages)[:QUESTIONS]).tolist()
    least, most = QUESTION_CHARACTERS
    questions = []
    for _, title, text in passage_texts(session, generation, drawn):
        spans = sentences(text)
        several = [title, *(text[span.start : span.end] for span in spans)]
        fitting = [each for each in several if least <= len(each) <= most]
        questions.append(rng.choice(fitting) if fitting else text[:most])
    return questions

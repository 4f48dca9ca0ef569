"""The scorecard of a collection's dictionary, measured on the collection itself.

Shape suffixes: N passages, D embedding width, F features, Q questions.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.plan import passage_texts
from indexer.progress import Reporter
from indexer.scorecard import QUANTILES, explained, named_scorecard
from search.dictionary import Dictionary
from search.embedder import Embedder
from search.models import DictionaryRow, Feature, Generation
from search.stored import read_embeddings
from search.text import sentences

QUESTIONS = 30
READ_ROWS = 2_000  # for how much names leave out
READ_PASSAGES = 20_000  # of a large collection, for the neighbours of the questions
QUESTION_CHARACTERS = (15, 200)


def measure(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> None:
    """Adds to the scorecard on the dictionary's card how far it explains searches of this collection, and how
    well its labels hold.

    The questions are titles and single sentences of passages drawn at random: nobody has asked any yet.
    """
    with reporter.step("measuring the dictionary"):
        x_ND = read_embeddings(session, generation.id)
        questions = _questions(session, generation.id, len(x_ND))
        scores = session.scalars(
            select(Feature.score).where(
                Feature.dictionary_id == generation.dictionary_id, Feature.score.is_not(None)
            )
        ).all()
        session.commit()  # while texts are embedded no transaction stays open
        q_QD = embedder.encode(questions).astype(np.float32)
        rng = np.random.default_rng(0)
        drawn = np.sort(rng.permutation(len(x_ND))[:READ_PASSAGES])
        found = {
            "explained": asdict(explained(dictionary, x_ND[drawn], q_QD)),
            "labels": label_quantiles(scores),
        }
        if dictionary.names:
            own = int(dictionary.card.training.get("own_names", 0))
            found |= named_scorecard(dictionary, x_ND[drawn[:READ_ROWS]], own)
        row = session.get_one(DictionaryRow, generation.dictionary_id)
        row.card = {**row.card, "scorecard": {**row.card["scorecard"], **found}}
        session.commit()


def label_quantiles(scores: Any) -> dict[str, float]:
    """Quantiles of label scores; none where there are no scores."""
    known: NDArray[np.float64] = np.array(scores, dtype=np.float64)
    return {str(q): float(np.quantile(known, q)) for q in QUANTILES} if len(known) else {}


def _questions(session: Session, generation: int, passages: int) -> list[str]:
    """A title or a sentence each of some passages, whichever is of a question's length."""
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

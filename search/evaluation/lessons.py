"""Reads what judged questions can teach: of each, the passages that its first documents are ranked by, what
they score, and what each knob could add to that.

Shape suffixes: R passages of all questions one after another, Q questions, K knobs, F features, D embedding
width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.engine.reader import Reader
from search.evaluation.evaluate import ids_of
from search.evaluation.measures import NDCG_AT_10, measured
from search.index.snapshot import Snapshot
from search.query.presets import NONE
from search.query.request import SearchRequest

DOCUMENTS = 100
"""So many of a question's first documents are put in another order."""

MOST_FEATURES = 400
FEWEST_PASSAGES = 10
LEAST_SHARE, MOST_SHARE = 0.003, 0.3
"""A feature of fewer passages would teach one question's answer by heart; one of more says little."""

FloatArray = NDArray[np.float32]


def learnable(snapshot: Snapshot) -> NDArray[np.int64]:
    """Chooses the features that knobs may be learned of: those with a name that holds and that many passages
    are about, by how many these are."""
    passages_F = snapshot.passages_F
    share_F = passages_F / max(snapshot.passages, 1)
    fit_F = np.array([label.reliable for label in snapshot.labels]) & (passages_F >= FEWEST_PASSAGES)
    features = np.flatnonzero(fit_F & (share_F >= LEAST_SHARE) & (share_F <= MOST_SHARE))
    return features[np.argsort(-passages_F[features], kind="stable")][:MOST_FEATURES]


def directions(snapshot: Snapshot, features: NDArray[np.int64]) -> FloatArray:
    """Gives what knobs on some features add to a question at strength 1 (K, D)."""
    scale_K = snapshot.scale_F[features, None].astype(np.float32)
    found: FloatArray = snapshot.dictionary.w_dec_FD[features] * scale_K
    return found


@dataclass(frozen=True, eq=False)
class Lessons:
    """Holds questions with their candidates: `semantic_R` and `words_R` are the parts of each score,
    `added_RK` what each knob at strength 1 adds to the first one, `answers_R` which of them people judged an
    answer. The rows of a question begin at `starts_Q`; `documents` are its candidates by their ids."""

    questions: tuple[str, ...]
    grades: Mapping[str, Mapping[str, int]]
    documents: tuple[tuple[str, ...], ...]
    question_QD: FloatArray
    knob_KD: FloatArray
    starts_Q: NDArray[np.int64]
    semantic_R: FloatArray
    words_R: FloatArray
    added_RK: FloatArray
    answers_R: NDArray[np.bool_]

    @cached_property
    def counts_Q(self) -> NDArray[np.int64]:  # noqa: N802 - the suffix names the shape
        """Counts the candidates of each question."""
        return np.diff(self.starts_Q, append=len(self.semantic_R))

    def rows(self, chosen_Q: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Says which rows belong to some questions."""
        return np.repeat(chosen_Q, self.counts_Q)

    def only(self, chosen_Q: NDArray[np.bool_]) -> "Lessons":
        """Keeps some of the questions."""
        rows = self.rows(chosen_Q)
        counts = self.counts_Q[chosen_Q]
        places = np.flatnonzero(chosen_Q).tolist()
        return Lessons(
            questions=tuple(self.questions[place] for place in places),
            grades={self.questions[place]: self.grades[self.questions[place]] for place in places},
            documents=tuple(self.documents[place] for place in places),
            question_QD=self.question_QD[chosen_Q],
            knob_KD=self.knob_KD,
            starts_Q=np.cumsum(counts) - counts,
            semantic_R=self.semantic_R[rows],
            words_R=self.words_R[rows],
            added_RK=self.added_RK[rows],
            answers_R=self.answers_R[rows],
        )

    def of_knobs(self, chosen: NDArray[np.int64]) -> "Lessons":
        """Keeps some of the knobs."""
        values = {**vars(self), "knob_KD": self.knob_KD[chosen], "added_RK": self.added_RK[:, chosen]}
        values.pop("counts_Q", None)
        return Lessons(**values)

    def scores(self, strength_K: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores the candidates as a search with these knobs does: the edited question has length 1 again
        (see `search.dictionary.steer`), words are beside it."""
        turned_K = strength_K.astype(np.float32)
        norm_Q = np.linalg.norm(self.question_QD + turned_K @ self.knob_KD, axis=1)
        steered_R = (self.semantic_R + self.added_RK @ turned_K) / np.repeat(norm_Q, self.counts_Q)
        scores_R: NDArray[np.float64] = (steered_R + self.words_R).astype(np.float64)
        return scores_R

    def measure(self, scores_R: NDArray[np.float64]) -> NDArray[np.float64]:
        """Measures nDCG@10 of each question (Q,), its candidates in the order of these scores."""
        ends = np.append(self.starts_Q[1:], len(scores_R))
        rankings = {
            question: [documents[row] for row in np.argsort(-scores_R[start:end], kind="stable")]
            for question, documents, start, end in zip(
                self.questions, self.documents, self.starts_Q, ends, strict=True
            )
        }
        return np.array(measured(NDCG_AT_10, rankings, self.grades))


def read_lessons(
    reader: Reader,
    grades: Mapping[str, Mapping[str, int]],
    knob_KD: FloatArray,
    advance: Callable[[int], None] = lambda _: None,
) -> Lessons:
    """Searches every judged question without a preset, and keeps what its candidates are ranked by, and what
    each knob adds; others have their turn between two questions. `advance` hears of each that is done. At
    least one of them has to find something."""
    snapshot = reader.snapshot
    kept, asked, parts = [], [], []
    for question in grades:
        prepared = reader.prepare(SearchRequest(question, preset=NONE))
        ranking = prepared.rank(DOCUMENTS)
        advance(1)
        reader.breathe()
        passages = ranking.passages[:DOCUMENTS]
        if not len(passages):  # what the question restricts itself to is not there
            continue
        kept.append(question)
        asked.append(prepared.asked.question.vector_D)
        parts.append(
            (
                ranking.documents[:DOCUMENTS],
                ranking.best.semantic_P[:DOCUMENTS],
                prepared.asked.words.scores.sums[passages],
                snapshot.index.vectors(passages).astype(np.float32) @ knob_KD.T,
            )
        )
    rows = [part[0].tolist() for part in parts]
    ids = ids_of(reader, {row for each in rows for row in each})
    documents = tuple(tuple(ids[row] for row in each) for each in rows)
    counts = np.array([len(each) for each in rows])
    graded = {question: grades[question] for question in kept}
    answers = [
        graded[question].get(document, 0) > 0
        for question, each in zip(kept, documents, strict=True)
        for document in each
    ]
    return Lessons(
        questions=tuple(kept),
        grades=graded,
        documents=documents,
        question_QD=np.stack(asked),
        knob_KD=knob_KD,
        starts_Q=np.cumsum(counts) - counts,
        semantic_R=np.concatenate([part[1] for part in parts]),
        words_R=np.concatenate([part[2] for part in parts]),
        added_RK=np.concatenate([part[3] for part in parts]),
        answers_R=np.array(answers),
    )

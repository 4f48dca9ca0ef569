"""The places of a search: its documents in order, without copies of one before them and without those that
score too little."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from search.engine.prepared import PreparedQuery
from search.scoring.copies import Copies, Texts, find_copies
from search.scoring.ranking import Ranking

LOOKED_PAST = 50
"""Copies are looked for in so many documents after the last place that is shown."""

MOST_LOOKED_AT = 4000
"""If so many documents are copies of few, there are no more places."""


@dataclass(frozen=True, eq=False)
class Places:
    """A ranking with what of it is shown, and how many documents score enough (None: all that may answer)."""

    ranking: Ranking
    copies: Copies
    total: int | None

    def page(self, offset: int, limit: int) -> Copies:
        """The places of one page, with their copies."""
        return Copies(self.copies.first[offset : offset + limit], self.copies.of)


def find_places(
    prepared: PreparedQuery, texts: Texts, places: int, *, collapse: bool, least: float | None
) -> Places:
    """At least so many places, fewer only where there are no more. `texts` reads those of some passages."""
    looked = max(places + LOOKED_PAST, prepared.asked.pool.documents) if collapse else places
    while True:
        ranking, there = _ranked(prepared, looked, least)
        copies = _copies(prepared, ranking, min(looked, there), texts) if collapse else Copies.none(there)
        if len(copies.first) >= places or looked > there or looked >= MOST_LOOKED_AT:
            return Places(ranking, copies, None if least is None else there)
        looked *= 4


def _ranked(prepared: PreparedQuery, documents: int, least: float | None) -> tuple[Ranking, int]:
    """At least so many documents, and how many of these there are; or, with a least score, how many of all
    have it."""
    while True:
        ranking = prepared.rank(documents)
        scores = ranking.scores[:documents]
        if least is None:
            return ranking, len(scores)
        enough = int((scores >= least).sum())
        if enough < documents:
            return ranking, enough
        documents *= 4


def _copies(prepared: PreparedQuery, ranking: Ranking, documents: int, texts: Texts) -> Copies:
    passages = ranking.passages[:documents]

    def read(rows: list[int]) -> Mapping[int, str]:
        found = texts(passages[rows].tolist())
        return {row: found[int(passages[row])] for row in rows}

    def find() -> Copies:
        vectors = prepared.snapshot.index.vectors(passages).astype(np.float32)
        return find_copies(vectors, read, prepared.asked.typed.text)

    return prepared.asked.copies.get(passages.tobytes(), find)

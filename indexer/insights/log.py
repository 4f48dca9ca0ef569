"""Questions that were answered are gathered in memory, and counted in the database a few seconds later: no
search waits for that. A process that is killed loses those seconds."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Engine, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from indexer.insights.setting import TURN, forget_old
from search.db.connection import first_line, is_read_only, open_session
from search.db.locks import take_turn
from search.metrics import REGISTRY, collection_label
from search.query.question_key import question_key
from search.responses.search import SearchResponse
from search.scoring.spelling import words_nowhere

SECONDS = 5.0
"""What was asked is in the database after so long."""

MOST_WAITING = 2_000
"""Questions that one process holds; more than these within a few seconds are dropped, and counted."""

MOST_A_DAY = 10_000
"""Questions of a collection and day. Those asked before go on being counted, new ones are dropped."""

LONGEST = 1_000
"""Characters of a question that are kept."""

MOST_LABELS, LONGEST_LABEL = 20, 80

KEPT = Counter(
    "refract_questions_kept", "Questions that were counted for owners.", ["collection"], registry=REGISTRY
)
DROPPED = Counter(
    "refract_questions_dropped",
    "Questions that were not: there were too many, or the database did not answer.",
    registry=REGISTRY,
)

COUNT = text(
    """
    INSERT INTO questions AS kept
        (collection_id, day, question_key, question, asked, weak, found, last_at, nowhere, knobs, modes)
    SELECT c.id, today.day, decode(new.key, 'hex'), new.question, new.asked, new.weak, new.found,
        date_trunc('hour', now()), new.nowhere, new.knobs, new.modes
    FROM (
        SELECT *, row_number() OVER (PARTITION BY collection ORDER BY key) AS place
        FROM jsonb_to_recordset(:asked) AS each (
            collection text, key text, question text, asked int, weak int, found int,
            nowhere text[], knobs text[], modes text[])
    ) AS new
    JOIN collections AS c ON c.name = new.collection AND c.keep_questions IS NOT NULL
    CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS day) AS today
    LEFT JOIN (
        SELECT collection_id, count(*) AS questions FROM questions
        WHERE day = (now() AT TIME ZONE 'UTC')::date GROUP BY collection_id
    ) AS there ON there.collection_id = c.id
    LEFT JOIN questions AS known ON known.collection_id = c.id AND known.day = today.day
        AND known.question_key = decode(new.key, 'hex')
    WHERE new.place + coalesce(there.questions, 0) <= :most OR known.day IS NOT NULL
    ON CONFLICT (collection_id, day, question_key) DO UPDATE SET
        asked = kept.asked + excluded.asked, weak = kept.weak + excluded.weak, found = excluded.found,
        last_at = excluded.last_at, nowhere = excluded.nowhere,
        knobs = ARRAY(SELECT DISTINCT unnest(kept.knobs || excluded.knobs) ORDER BY 1 LIMIT :labels),
        modes = ARRAY(SELECT DISTINCT unnest(kept.modes || excluded.modes) ORDER BY 1)
    """
).bindparams(bindparam("asked", type_=JSONB))

logger = logging.getLogger(__name__)


@dataclass
class _Asked:
    """Counts a question that waits to be written."""

    question: str
    asked: int = 0
    weak: int = 0
    found: int = 0
    nowhere: list[str] = field(default_factory=list)
    knobs: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=set)

    def row(self, collection: str, key: bytes) -> dict[str, Any]:
        knobs = sorted(self.knobs)[:MOST_LABELS]
        modes = sorted(self.modes)
        return {**vars(self), "collection": collection, "key": key.hex(), "knobs": knobs, "modes": modes}


class QuestionLog:
    """Keeps what is asked of the collections that are `keeping` questions."""

    def __init__(self, database: Engine, keeping: Callable[[], Mapping[str, int]]) -> None:
        self._database = database
        self._keeping = keeping
        self._lock = Lock()
        self._waiting: dict[tuple[str, bytes], _Asked] = {}

    def days(self, collection: str) -> int | None:
        """Says for how many days questions of a collection are kept; None: they are not."""
        return None if is_read_only(self._database) else self._keeping().get(collection)

    def note(
        self, answer: SearchResponse, *, again: bool = False, turned: Collection[str] | None = None
    ) -> None:
        """Notes a question that was answered, with the labels of what was `turned` (None: all its knobs).
        Asked `again` it counts no second time: a knob was turned, say. Later pages do not count at all."""
        if answer.offset or self.days(answer.collection) is None:
            return
        key = answer.collection, question_key(answer.query)
        knobs = [knob.label for knob in answer.steering] if turned is None else turned
        with self._lock:
            known = self._waiting.get(key)
            if known is None:
                if len(self._waiting) >= MOST_WAITING:
                    DROPPED.inc()
                    return
                known = self._waiting[key] = _Asked(answer.query[:LONGEST])
            known.asked += not again
            known.weak += not again and (answer.weak or not answer.total)
            known.found = answer.total
            known.nowhere = [word[:LONGEST_LABEL] for word in words_nowhere(answer)[:MOST_LABELS]]
            known.knobs.update(label[:LONGEST_LABEL] for label in knobs)
            known.modes.add(answer.mode)

    def flush(self) -> None:
        """Counts in the database what waits, with one statement. Where that fails it is lost, and said."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        rows = [asked.row(*key) for key, asked in waiting.items()]
        try:
            with open_session(self._database) as session:
                take_turn(session, TURN)
                values = {"asked": rows, "most": MOST_A_DAY, "labels": MOST_LABELS}
                written = session.execute(COUNT, values).rowcount  # type: ignore[attr-defined]
                forget_old(session)
                session.commit()
        except Exception as error:
            DROPPED.inc(len(rows))
            logger.warning("%d questions were not kept: %s.", len(rows), first_line(error))
            return
        DROPPED.inc(max(len(rows) - written, 0))
        for (collection, _), asked in waiting.items():
            KEPT.labels(collection_label(collection)).inc(asked.asked)

    def run(self, ended: Event) -> None:
        """Counts what was asked every few seconds, until it is to end."""
        while not ended.wait(SECONDS):
            self.flush()
        self.flush()

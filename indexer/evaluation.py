"""Evaluations are run: the judged questions of a collection are searched in one generation and setting or in
two, beside each other."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from indexer.progress import Reporter
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.engine.generations import generation_reader
from search.engine.reader import Reader
from search.errors import InvalidRequest
from search.evaluation.evaluate import Setting, evaluate
from search.evaluation.judged import Judged, read_judged
from search.evaluation.moved_terms import Side
from search.evaluation.report import report
from search.query.limits import USUAL_MODE, check_mode
from search.query.steering import parse
from search.responses.evaluation import EvaluationReport


@dataclass(frozen=True)
class Measured:
    """Names what is measured: a collection, one of its generations (None: the live one), and how it is
    searched: by a preset (None: the default one, if it has one), by steering in its text form, by a mode."""

    collection: str
    generation: int | None = None
    preset: str | None = None
    steer: str = ""
    mode: str = USUAL_MODE

    @classmethod
    def of(cls, collection: str, **given: Any) -> "Measured":
        """Makes it of what is given and not None."""
        return cls(collection, **_told(given))

    def setting(self, dictionary: int) -> Setting:
        """Makes the setting; its features are numbered in that dictionary.

        Raises:
            InvalidSteering, InvalidRequest: the steering or the mode cannot be used.
        """
        check_mode(self.mode)
        return Setting(self.preset, parse(self.steer), dictionary if self.steer else None, self.mode)


def compared_with(this: Measured, *, collection: str | None = None, **given: Any) -> Measured | None:
    """Makes the other side, which is as this one in what is not given; None: nothing is."""
    told = _told(given)
    if collection is not None and collection != this.collection:
        return replace(this, **{"collection": collection, "generation": None, **told})
    return replace(this, **told) if told or collection else None


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def run_evaluation(
    database: Engine, data: Path, this: Measured, against: Measured | None, reporter: Reporter
) -> EvaluationReport:
    """Evaluates one thing or two, on the judgements of the first one's collection.

    Raises:
        CollectionNotFound, NotIndexed, PresetNotFound: there is no such thing to be measured.
        InvalidRequest, InvalidSteering: there is nothing to measure it by, both are the same, or one of them
            cannot be used.
        ModelUnavailable, ConfigurationError: its embedding model cannot be had.
    """
    if this == against:
        raise InvalidRequest(
            "Both sides are the same.", hint="Say what is other against: a preset, a mode, a generation."
        )
    begun = time.perf_counter()
    judged = judged_of(database, this, against)
    with ExitStack() as stack:
        reader = stack.enter_context(generation_reader(database, data, this.collection, this.generation))
        other = reader
        if against is not None and _place(this) != _place(against):
            place = against.collection, against.generation
            other = stack.enter_context(generation_reader(database, data, *place, beside=reader))
        ours = _side(reader, this, judged, reporter)
        theirs = None if against is None else _side(other, against, judged, reporter)
        with reporter.step("finding what changed"):
            found = report(judged, ours, theirs)
    return found.model_copy(update={"seconds": round(time.perf_counter() - begun, 2)})


def judged_of(database: Engine, this: Measured, against: Measured | None = None) -> Judged:
    """Reads what is judged of documents that are there, on both sides.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidRequest: nothing can be measured by it.
    """
    names = dict.fromkeys([this.collection, *([against.collection] if against else [])])
    with open_session(database) as session:
        judged = read_judged(session, *(find_collection(session, name).id for name in names))
    judged.check(this.collection)
    return judged


def _place(measured: Measured) -> tuple[str, int | None]:
    return measured.collection, measured.generation


def _side(reader: Reader, measured: Measured, judged: Judged, reporter: Reporter) -> Side:
    setting = measured.setting(reader.snapshot.dictionary_id)
    with reporter.step(f"searching in generation {reader.snapshot.generation}", len(judged.grades)):
        return Side(reader, setting, evaluate(reader, judged.grades, setting, reporter.advance))

"""Evaluates searches on judged questions: what a search finds under a setting, question by question, and how
good that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from search.db.connection import among
from search.db.models import DocumentRow
from search.engine.reader import Reader
from search.evaluation.measures import MEASURES, all_measured, bootstrap_interval
from search.query.limits import USUAL_MODE
from search.query.request import SearchRequest
from search.query.steering import UNSTEERED, Steering
from search.responses.evaluation import Figure

DEPTH = 100
"""So many documents of each question are looked at. Copies count one by one: each was judged by itself."""


@dataclass(frozen=True)
class Setting:
    """Holds how questions are searched: by a preset (None: the default one, if the collection has one), by
    steering numbered in `dictionary`, by a mode."""

    preset: str | None = None
    steering: Steering = UNSTEERED
    dictionary: int | None = None
    mode: str = USUAL_MODE

    def request(self, question: str) -> SearchRequest:
        """Makes the search for a question."""
        return SearchRequest(question, self.steering, self.dictionary, self.preset, self.mode)


@dataclass(frozen=True)
class Evaluation:
    """Holds what was found for each question (documents by their ids, best first, `DEPTH` at most), and what
    each measure says of it, in the order of the questions."""

    questions: tuple[str, ...]
    rankings: Mapping[str, Sequence[str]]
    values: Mapping[str, Sequence[float]]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Gives the mean of each measure, with its interval."""
        return tuple(figure(measure, values) for measure, values in self.values.items())

    def of(self, number: int) -> dict[str, float]:
        """Gives what was measured of one question."""
        return {measure: values[number] for measure, values in self.values.items()}


def evaluate(
    reader: Reader,
    grades: Mapping[str, Mapping[str, int]],
    setting: Setting,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Searches every judged question and measures what is found; others have their turn between two
    questions. `advance` hears of each that is done.

    Raises:
        PresetNotFound: there is no preset of the setting's name.
        InvalidSteering, InvalidRequest: the setting cannot be used here.
    """
    found: dict[str, list[int]] = {}
    for question in grades:
        ranking = reader.prepare(setting.request(question)).rank(DEPTH)
        found[question] = ranking.documents[:DEPTH].tolist()
        advance(1)
        reader.breathe()
    ids = ids_of(reader, {row for rows in found.values() for row in rows})
    rankings = {question: [ids[row] for row in rows] for question, rows in found.items()}
    return Evaluation(tuple(grades), rankings, all_measured(MEASURES, rankings, grades))


def figure(measure: str, values: Sequence[float]) -> Figure:
    """Gives the mean of some values (of at least one), with its interval."""
    low, high = bootstrap_interval(values)
    return Figure(measure=measure, mean=sum(values) / len(values), low=low, high=high)


def ids_of(reader: Reader, rows: set[int]) -> dict[int, str]:
    """Finds the ids that users gave documents of some row ids."""
    wanted = select(DocumentRow.id, DocumentRow.external_id).where(among(DocumentRow.id, rows))
    return {row.id: row.external_id for row in reader.session.execute(wanted)}

"""Says how good searches are by judgements, to the outside; kept with the job that measured it."""

from search.responses.stored import StoredJson


class Figure(StoredJson):
    """Gives the mean of a measure over all questions, or of its differences, with the 95% interval of the
    mean (bootstrap over questions)."""

    measure: str = ""
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0


class EvaluatedSide(StoredJson):
    """Says what was measured, and its figures: searches of a generation by a preset (null: the default one,
    where there is one), steering in its text form, and a mode."""

    collection: str = ""
    generation: int = 0
    is_live: bool = True
    preset: str | None = None
    steer: str = ""
    mode: str = ""
    figures: tuple[Figure, ...] = ()


class MovedTerm(StoredJson):
    """Says what a term adds to the judged document over its rival, on each side (it has no value where a side
    knows no such term: 0). What changed most comes first."""

    kind: str = ""
    label: str = ""
    this: float = 0.0
    against: float = 0.0


class ChangedQuestion(StoredJson):
    """Describes a question that got better or worse by the first measure: the judged `document` that moved
    most, where it stands on each side (None: not among the first hundred), the `rival` that is not judged an
    answer and that it passed or that passed it, and the `terms` that did it."""

    question: str = ""
    this: float = 0.0
    against: float = 0.0
    document: str = ""
    rank_this: int | None = None
    rank_against: int | None = None
    rival: str = ""
    terms: tuple[MovedTerm, ...] = ()


class QuestionValues(StoredJson):
    """Gives what was measured of one question, by measure, on each side."""

    question: str = ""
    this: dict[str, float] = {}  # noqa: RUF012 - pydantic copies defaults
    against: dict[str, float] = {}  # noqa: RUF012


class JudgedTwice(StoredJson):
    """Names a document of which people say different things: grades by who said so, and the one that
    counts."""

    question: str = ""
    document: str = ""
    said: dict[str, int] = {}  # noqa: RUF012
    counts: int = 0


class EvaluationReport(StoredJson):
    """Says how good searches are by the judgements of a collection and, where two settings were compared,
    which questions are better and worse on this side than `against`.

    `questions` were measured; `unanswerable` have no document that is judged an answer and is there, `gone`
    judgements are of documents that are not there. `better`, `worse` and `same` count questions by the first
    measure, `gained` and `lost` are those that changed most. `per_question` holds the first of all questions,
    the worst first.
    """

    judgements: int = 0
    judges: int = 0
    gone: int = 0
    unanswerable: int = 0
    questions: int = 0
    this: EvaluatedSide = EvaluatedSide()
    against: EvaluatedSide | None = None
    differences: tuple[Figure, ...] = ()
    better: int = 0
    worse: int = 0
    same: int = 0
    gained: tuple[ChangedQuestion, ...] = ()
    lost: tuple[ChangedQuestion, ...] = ()
    per_question: tuple[QuestionValues, ...] = ()
    contradictions: tuple[JudgedTwice, ...] = ()
    contradicted: int = 0
    seconds: float = 0.0

"""Describes repairs to the outside: those that are saved, and those that were tried."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from search.responses.explanations import Margin
from search.responses.search import Result

RepairKindName = Literal["pinned", "same_words", "keyword", "knob"]


@dataclass(frozen=True)
class RepairInfo:
    """Describes a saved repair by its number. By its kind: a `document` stands first for a `question`; two
    `words` count as each other; a `document` counts as saying `words`; a `feature` (a number of `dictionary`,
    called `label` now) is turned by `strength` in the default preset. In force until `undone_at`."""

    number: int
    kind: RepairKindName
    question: str
    document: str
    words: list[str]
    feature: int | None
    label: str
    strength: float | None
    dictionary: int | None
    created_at: datetime
    created_by: str
    undone_at: datetime | None


@dataclass(frozen=True)
class QuestionMoved:
    """Names a judged question whose nDCG@10 a repair changes."""

    question: str
    before: float
    after: float


@dataclass(frozen=True)
class TriedRepair:
    """Says what a repair would do, as was tried: where the document stands then (`rank`; null: not among the
    first thousand), and what becomes of the other judged questions: how many are `better`, `worse` and the
    `same`, by how much their mean nDCG@10 changes, and which are worse (`lost`); how many of those that were
    only asked would have other first documents (`moved`). `own`: somebody wanted it to be tried."""

    kind: RepairKindName
    question: str = ""
    document: str = ""
    words: list[str] = field(default_factory=list)
    feature: int | None = None
    label: str = ""
    strength: float | None = None
    rank: int | None = None
    better: int = 0
    worse: int = 0
    same: int = 0
    difference: float = 0.0
    lost: list[QuestionMoved] = field(default_factory=list)
    moved: int = 0
    own: bool = False


@dataclass(frozen=True)
class RewrittenDocument:
    """Says where a document would stand (`rank`; null: not among the first thousand) if it alone had this
    `title` and were split into passages of so many tokens (`passage_tokens`); nobody saves that here."""

    title: str
    passage_tokens: int
    rank: int | None


@dataclass(frozen=True)
class Diagnosis:
    """Says why a document does not stand first, and what would repair that: `first` is what does, `lacks`
    what the document has less of, `has` what it has more of, `offers` the repairs that help, best first, and
    `useless` those that were tried and do not. Each was tried on `questions` of the `judged` other ones, and
    on so many that were `asked`, where questions are kept. `rewritten`: what another title at the source, or
    a reindex into passages of another length, would do for the document."""

    query: str
    collection: str
    generation: int
    dictionary: int
    result: Result
    first: Result | None
    lacks: list[Margin]
    has: list[Margin]
    offers: list[TriedRepair]
    useless: list[TriedRepair]
    questions: int
    judged: int
    asked: int = 0
    rewritten: list[RewrittenDocument] = field(default_factory=list)

"""A gate stops a new generation before it goes live where its searches are worse, by the collection's
judgements, than those of the live one."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.audit import name_of, record
from indexer.evaluation import Measured, judged_of, run_evaluation
from indexer.progress import Reporter
from search.db.lookup import live_of
from search.errors import GateClosed, InvalidRequest
from search.responses.evaluation import ChangedQuestion, EvaluationReport

NAMED = 3  # questions that lost most, in the reason


@dataclass(frozen=True)
class Gate:
    """Lets a generation go live that is not worse than the live one by more than `most`, in mean nDCG@10."""

    most: float

    def __post_init__(self) -> None:
        if not 0 <= self.most <= 1:
            raise InvalidRequest(
                f"The gate {self.most:g} is out of range.",
                hint="Give how much worse a new generation may be in nDCG@10: 0 (not at all) to 1.",
            )

    def check_before(self, database: Engine, collection: int) -> None:
        """Refuses a build whose gate could never be asked.

        Raises:
            InvalidRequest: nothing is live, or nothing can be measured.
        """
        with Session(database) as session:
            name = name_of(session, collection)
            if live_of(session, collection) is None:
                raise InvalidRequest(
                    f"The collection {name!r} has nothing live that a gate could compare with.",
                    hint="Build its first generation without a gate.",
                )
        judged_of(database, Measured(name))

    def check(
        self, database: Engine, data: Path, collection: int, generation: int, reporter: Reporter
    ) -> EvaluationReport:
        """Evaluates a generation that is ready beside the live one.

        Raises:
            GateClosed: it is worse by more than it may be.
            InvalidRequest: nothing can be measured any more.
        """
        with Session(database) as session:
            name = name_of(session, collection)
        made = run_evaluation(database, data, Measured(name, generation), Measured(name), reporter)
        first = made.differences[0]
        if first.mean >= -self.most:
            return made
        with Session(database) as session:
            difference = round(first.mean, 4)
            record(
                session,
                "generation.held",
                name,
                generation=generation,
                difference=difference,
                gate=self.most,
            )
            session.commit()
        found = {"generation": generation, "is_live": False, "gate": made.model_dump(mode="json")}
        raise GateClosed(
            _reason(made, generation, self.most),
            hint=_remedy(name, generation, made.against.generation if made.against else 0),
            found=found,
        )


def _reason(made: EvaluationReport, generation: int, most: float) -> str:
    first = made.differences[0]
    lost = "; ".join(map(_told, made.lost[:NAMED]))
    return (
        f"Generation {generation} did not go live: its nDCG@10 is {first.mean:+.4f} ({first.low:+.4f} to "
        f"{first.high:+.4f}) against the live one, and the gate allows -{most:g}. Of {made.questions:,} "
        f"questions {made.worse:,} are worse and {made.better:,} better. Most lost: {lost}."
    )


def _told(changed: ChangedQuestion) -> str:
    return f"{changed.question[:80]!r} ({changed.against:.3f} to {changed.this:.3f})"


def _remedy(collection: str, generation: int, live: int) -> str:
    return (
        f"refract evaluate --collection {collection} --generation {generation} --against-generation {live} "
        "says by which terms. The same reindex without a gate makes it live."
    )

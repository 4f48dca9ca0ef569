"""A gate stops a new generation before it goes live where its searches are worse, by the collection's
judgements, than those of the live one."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.audit import name_of, record
from indexer.progress import Reporter
from search.db.lookup import live_of
from search.errors import GateClosed, InvalidRequest
from search.evaluation.judged import read_judged
from search.responses.evaluation import EvaluationReport


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
            read_judged(session, collection).check(name)
            if live_of(session, collection) is None:
                raise InvalidRequest(
                    f"The collection {name!r} has nothing live that a gate could compare with.",
                    hint="Build its first generation without a gate.",
                )

    def check(
        self, database: Engine, data: Path, collection: int, generation: int, reporter: Reporter
    ) -> EvaluationReport:
        """Evaluates a generation that is ready beside the live one.

        Raises:
            GateClosed: it is worse by more than it may be.
            InvalidRequest: nothing can be measured any more.
        """
        from indexer.evaluation import Measured, run_evaluation  # takes a while to load

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
        raise GateClosed(_reason(made, self.most), hint=_remedy(made), found=found)


def _reason(made: EvaluationReport, most: float) -> str:
    """Says how much worse it is. Which questions are is in the job's result: more people read reasons than
    may read judgements."""
    first = made.differences[0]
    return (
        f"Generation {made.this.generation} did not go live: its nDCG@10 is {first.mean:+.4f} "
        f"({first.low:+.4f} to {first.high:+.4f}) against the live one, and the gate allows -{most:g}. Of "
        f"{made.questions:,} questions {made.worse:,} are worse and {made.better:,} better."
    )


def _remedy(made: EvaluationReport) -> str:
    live = made.against.generation if made.against else 0
    return (
        f"refract evaluate --collection {made.this.collection} --generation {made.this.generation} "
        f"--against-generation {live} says by which terms. The same reindex without a gate makes it live."
    )

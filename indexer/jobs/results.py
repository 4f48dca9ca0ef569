"""What a job made is kept with it, in a record for each kind."""

from collections.abc import Mapping
from typing import Any

from search.responses.evaluation import EvaluationReport
from search.responses.learning import LearningReport
from search.responses.stored import StoredJson


class JobResult(StoredJson):
    """Holds what any job made; it is empty before the job's end."""


class ReindexResult(JobResult):
    """Names the generation that is live now, how many passages were embedded and not taken over, and the
    seconds of each step. `gate` is what its gate saw; where that held it back, it is not live."""

    generation: int = 0
    documents: int = 0
    passages: int = 0
    embedded: int = 0
    seconds: dict[str, float] | None = None
    is_live: bool = True
    gate: EvaluationReport | None = None


class EvaluateResult(JobResult, EvaluationReport):
    """Says how good searches are by judgements."""


class LearnResult(JobResult, LearningReport):
    """Says what judgements teach."""


class FailedDocument(StoredJson):
    """Names a document that could not be read, and why."""

    name: str = ""
    reason: str = ""


class NotedDocument(StoredJson):
    """Names a document, and what was assumed or passed over when it was read."""

    name: str = ""
    text: str = ""


class IngestResult(JobResult):
    """Counts what became of documents, with the first `failures` of those that `failed` and the first `notes`
    of all that were `noted`."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failures: tuple[FailedDocument, ...] = ()
    failed: int = 0
    notes: tuple[NotedDocument, ...] = ()
    noted: int = 0


class VerifyProblem(StoredJson):
    """Says what is wrong with a generation, and what helps. `repaired`: it is not wrong any more."""

    collection: str = ""
    generation: int = 0
    what: str = ""
    remedy: str = ""
    repaired: bool = False


class VerifyResult(JobResult):
    """Says how much was looked at, and what was found."""

    generations: int = 0
    passages: int = 0
    problems: tuple[VerifyProblem, ...] = ()


class DumpResult(JobResult):
    """Names the file that was written, and its size."""

    file: str = ""
    bytes: int = 0


class BackupResult(DumpResult):
    """Names the dump that was written, whether it was restored for trial (else it was only read), and those
    before it that were deleted."""

    tried: bool = False
    removed: tuple[str, ...] = ()


_RESULTS: dict[str, type[JobResult]] = {
    "reindex": ReindexResult,
    "ingest": IngestResult,
    "evaluate": EvaluateResult,
    "learn": LearnResult,
    "verify": VerifyResult,
    "dump": DumpResult,
    "backup": BackupResult,
}


def read_result(kind: str, written: Mapping[str, Any]) -> JobResult:
    """Reads what a job of that kind made, from its row; a kind of another version is read as it is."""
    return _RESULTS.get(kind, JobResult).model_validate(written)

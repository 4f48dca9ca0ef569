"""What judgements taught is accepted: it becomes the default preset of its collection, and one button in the
list of presets undoes that."""

from indexer.jobs.queue import get_job
from indexer.jobs.results import LearnResult
from indexer.presets.store import save_preset
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.query.steering import parse
from search.responses.collections import PresetInfo
from search.responses.learning import LearningReport

PRESET = "learned"


def accept(engine: SearchEngine, found: LearningReport) -> PresetInfo:
    """Makes what was learned the default preset of its collection.

    Raises:
        InvalidRequest: nothing was offered.
        InvalidSteering: none of its features is there any more.
        CollectionNotFound, NotIndexed: its collection is gone.
    """
    if found.refusal or not found.steer:
        raise InvalidRequest(f"There is nothing to accept: {found.refusal or 'nothing was learned'}")
    described = (
        f"Learned from {found.questions:,} judged questions: {found.unseen.mean:+.3f} "
        f"({found.unseen.low:+.3f} to {found.unseen.high:+.3f}) nDCG@10 on unseen ones."
    )
    return save_preset(
        engine,
        found.collection,
        PRESET,
        parse(found.steer),
        dictionary=found.dictionary,
        description=described,
        default=True,
    )


def accept_of_job(engine: SearchEngine, number: int) -> PresetInfo:
    """Accepts what a job learned.

    Raises:
        JobNotFound: there is no job of that number.
        InvalidRequest: it learned nothing, or is not done.
    """
    result = get_job(engine.database, number).result
    if not (isinstance(result, LearnResult) and result.questions):
        raise InvalidRequest(
            f"Job {number} has learned nothing.", hint="Name a job of the kind learn that is done."
        )
    return accept(engine, result)

"""A worker that has nothing else to do helps with a build of another one (docs/decisions/0034)."""

import logging
import time
from typing import Any

from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import JobAborted
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.build.helpers import QUEUE, Call, this_host
from indexer.build.leading import help_with
from indexer.jobs.queue import is_wanted
from indexer.sources.document import storable
from search.db.connection import GONE, first_line
from search.db.models import JobReportRow
from search.errors import RefractError

UNFIT_SECONDS = 3.0
"""Who cannot help with a build leaves its calls to others for so long each."""

helping = Blueprint()
logger = logging.getLogger(__name__)
_unfit: set[tuple[int, str]] = set()


@helping.task(name=QUEUE, queue=QUEUE, pass_context=True)
def _help(context: JobContext, /, **arguments: Any) -> None:
    """Does shards of a build until there are no more, another job waits, or the worker is to stop. A failure
    costs the build nothing; it is told in its job's log."""
    shared, number, call = context.additional_context, context.job.id, Call(**arguments)
    database: Engine = shared["resources"]["database"]
    assert number is not None

    def stops(_: int = 0) -> None:
        if context.should_abort():
            raise JobAborted

    with shared["watchdog"].watching(number, context.abort_reason):
        if (call.generation, call.step) in _unfit:
            time.sleep(UNFIT_SECONDS)
            return
        try:
            _note(database, number, result={"host": this_host()})
            done = help_with(database, call, goes_on=lambda: not is_wanted(database), told=stops)
            logger.info("Helped with generation %s: %s shards of %s.", call.generation, done, call.step)
        except (JobAborted, *GONE):
            raise
        except Exception as error:
            _unfit.add((call.generation, call.step))
            reason = storable(str(error) if isinstance(error, RefractError) else first_line(error))
            logger.warning("Cannot help with generation %s: %s", call.generation, reason)
            _note(database, number, reason=f"{this_host()}: {reason}")
            raise


def _note(database: Engine, number: int, **values: Any) -> None:
    with Session(database) as session:
        statement = insert(JobReportRow).values(job_id=number, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_=values))
        session.commit()

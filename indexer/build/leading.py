"""Who builds a generation leads a step: cuts it, calls for help, works at it, and goes on when all of it is
done. Who helps does shards for as long as somebody leads."""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.build.helpers import (
    MOST_FAILED,
    AtWork,
    Call,
    call_for_help,
    dismiss,
    this_host,
    who_helps,
)
from indexer.build.shard_work import Told, Work, work_of_helper
from indexer.build.shards import Shards
from indexer.progress import Reporter
from search import machine
from search.db.locks import is_built
from search.errors import InvalidRequest

PAUSE_SECONDS = 0.1


class Leader:
    """Leads the steps of one generation."""

    def __init__(self, database: Engine, collection: int, generation: int, reporter: Reporter) -> None:
        self.database = database
        self.collection = collection
        self.generation = generation
        self.reporter = reporter
        self._failures: set[int] = set()

    def run(self, work: Work, passages: Sequence[int], everything: int | None = None) -> int:
        """Has a step done on these passages, or on what an earlier run cut it into and left; gives for how
        many. `everything`: what there is to do with those that are done otherwise."""
        shards = Shards(self.database, self.generation, work.step)
        with Session(self.database) as session:
            shards.cut(session, passages, work.size)
        begun = shards.state()
        beside = (everything or begun.passages) - begun.passages
        with self.reporter.step(work.step, beside + begun.passages, done=beside + begun.done):
            try:
                self._work_off(shards, work, beside)
            finally:
                work.use_threads(machine.cores())
                self.reporter.workers = 1
                dismiss(self.database, self.generation)
        return begun.passages - begun.done

    def _work_off(self, shards: Shards, work: Work, beside: int) -> None:
        """Does shards until all are done. What others have begun comes last: they may be gone."""
        call = None
        while (state := shards.state()).left:
            self.reporter.reach(beside + state.done)
            at_work = who_helps(self.database, self.generation)
            self._hear(at_work)
            if state.untaken > 1 and len(self._failures) < MOST_FAILED:
                call = call or Call(self.collection, self.generation, work.step, work.sign(), this_host())
                call_for_help(self.database, call)
            work.use_threads(machine.cores() // at_work.share(this_host()))
            if shard := shards.take(again=True):
                shards.store(shard, work.columns, work.make(shard.passages, self.reporter.advance))
            else:
                time.sleep(PAUSE_SECONDS)  # the last one is being stored

    def _hear(self, at_work: AtWork) -> None:
        self.reporter.workers = 1 + at_work.hosts.total()
        for number in at_work.failures.keys() - self._failures:
            self._failures.add(number)
            self.reporter.say(f"a worker could not help: {at_work.failures[number]}")


def help_with(database: Engine, call: Call, *, goes_on: Callable[[], bool], told: Told) -> int:
    """Does shards of a step that another process leads, while it does and `goes_on` says so; gives how many.
    What cannot be done here goes back.

    Raises:
        ConfigurationError: the model cannot be loaded here.
        InvalidRequest: this machine would make other bits than the leader's.
    """
    shards = Shards(database, call.generation, call.step)
    if not (_is_led(database, call) and (untaken := shards.state().untaken)):
        return 0
    if untaken > 1:
        call_for_help(database, call)  # others load the model meanwhile
    work = work_of_helper(database, call.generation, call.step)
    if work.sign() != call.sign:
        raise InvalidRequest(
            "This worker would make other bits than the one that builds.",
            hint="Let workers that build together have the same model, processor and version of PyTorch.",
        )
    done = 0
    try:
        while goes_on() and _is_led(database, call) and (shard := shards.take()):
            try:
                if shards.state().untaken:
                    call_for_help(database, call)
                share = who_helps(database, call.generation).share(call.host)
                work.use_threads(machine.cores() // share)
                done += shards.store(shard, work.columns, work.make(shard.passages, told))
            except BaseException:
                shards.give_back(shard)
                raise
    finally:
        work.use_threads(machine.cores())
    return done


def _is_led(database: Engine, call: Call) -> bool:
    with Session(database) as session:
        return is_built(session, call.collection)

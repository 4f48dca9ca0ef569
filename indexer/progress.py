"""A reporter says where a build is: in a row that the pages read, to a listener for the terminal, and in
seconds of each step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from search.db.models import GenerationRow
from search.responses.collections import Progress

Listener = Callable[[Progress], None]

SECONDS_BETWEEN_WRITES = 1.0


def silent(progress: Progress) -> None:
    """Listens to builds that nobody watches."""
    del progress


class Reporter:
    """Follows the steps of one build. `generation` is set once the build has one, `workers` while several are
    at a step. What is noted beside, in a line, `say` hears."""

    def __init__(
        self,
        database: Engine,
        listener: Listener = silent,
        *,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.generation: int | None = None
        self.workers = 1
        self.say = say
        self.seconds: dict[str, float] = {}
        self._database = database
        self._listener = listener
        self._step, self._total, self._done, self._skipped = "", 0, 0, 0
        self._started = self._written = 0.0

    @contextmanager
    def step(self, name: str, total: int = 1, *, done: int = 0) -> Iterator[None]:
        """Times one step of so many pieces (0: not known), `done` of them in an earlier run. Its seconds add
        up in `seconds`."""
        self._step, self._total, self._done, self._skipped = name, total, done, done
        self._started = time.perf_counter()
        self._tell(force=True)
        try:
            yield
            self._total = self._total or self._done  # how many documents there are shows at their end
            self._done = self._total
        finally:
            spent = time.perf_counter() - self._started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)
            self._tell(force=True)

    def advance(self, pieces: int) -> None:
        """Counts this many more pieces of the step as done."""
        self.reach(self._done + pieces)

    def reach(self, done: int, total: int | None = None) -> None:
        """Sets how far the step is, and `total` if that has changed."""
        self._done, self._total = done, total or self._total
        self._tell()

    def _now(self) -> Progress:
        spent = time.perf_counter() - self._started
        fresh = self._done - self._skipped
        rate = fresh / spent if fresh and spent > 0 else None
        left = (self._total - self._done) / rate if rate and self._total else None
        return Progress(
            step=self._step,
            done=self._done,
            total=self._total,
            rate=rate,
            seconds_left=left,
            workers=self.workers,
        )

    def _tell(self, *, force: bool = False) -> None:
        progress = self._now()
        self._listener(progress)
        if self.generation is not None and (
            force or time.perf_counter() - self._written > SECONDS_BETWEEN_WRITES
        ):
            self._written = time.perf_counter()
            # Where a step fails its own transaction may have the row: who waited for it would wait for ever.
            free = select(GenerationRow.id).where(GenerationRow.id == self.generation)
            with Session(self._database) as session:
                session.execute(
                    update(GenerationRow)
                    .where(GenerationRow.id == free.with_for_update(skip_locked=True).scalar_subquery())
                    .values(progress=progress, timings=self.seconds)
                )
                session.commit()

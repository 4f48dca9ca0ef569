"""A step of a build is cut into shards, which any number of processes take, do and store.

A step is cut once, so that whoever does a shard, and however often, stores the same bits. Who takes one says
so, but that is no lock and no lease: whoever took it may be killed, and its machine with it. Others leave it
alone as long as there is something else to do; after that the leader does it as well, and what is stored
first stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, case, func, insert, select, text, update
from sqlalchemy.orm import Session

from indexer.build.passage_rows import fill
from search.db.models import ShardRow


@dataclass(frozen=True)
class Shard:
    """Holds the numbers of some passages, in the order in which they are worked on."""

    number: int
    passages: list[int]


@dataclass(frozen=True)
class State:
    """Counts passages of a step, and those that are `done`; and its shards: those that are not done (`left`)
    and those of them that nobody has begun (`untaken`)."""

    passages: int
    done: int
    left: int
    untaken: int


class Shards:
    """The shards of one step of a generation."""

    def __init__(self, database: Engine, generation: int, step: str) -> None:
        self.database = database
        self.generation = generation
        self.step = step
        self._these = (ShardRow.generation_id == generation, ShardRow.step == step)

    def cut(self, session: Session, passages: Sequence[int], size: int) -> None:
        """Cuts the step, if it has not been yet, into shards of so many passages (committed)."""
        if session.scalar(select(ShardRow.number).where(*self._these).limit(1)) is None:
            pieces = [passages[start : start + size] for start in range(0, len(passages), size)]
            rows = [
                {
                    "generation_id": self.generation,
                    "step": self.step,
                    "number": number,
                    "passages": list(piece),
                    "size": len(piece),
                }
                for number, piece in enumerate(pieces)
            ]
            if rows:
                session.execute(insert(ShardRow), rows)
        session.commit()

    def state(self) -> State:
        """Counts how far the step is, whoever worked at it."""
        of_done = case((ShardRow.done, ShardRow.size), else_=0)
        left = func.count().filter(~ShardRow.done)
        untaken = func.count().filter(~ShardRow.done, ShardRow.taken_at.is_(None))
        total, done = (func.coalesce(func.sum(each), 0) for each in (ShardRow.size, of_done))
        with Session(self.database) as session:
            counted = session.execute(select(total, done, left, untaken).where(*self._these)).one()
        return State(*map(int, counted))

    def take(self, *, again: bool = False) -> Shard | None:
        """Takes a shard that nobody has begun; where there is none any more and `again` is asked for, the one
        that was begun the longest ago and is not done."""
        statement = text(
            """
            UPDATE shards SET taken_at = clock_timestamp()
            WHERE generation_id = :generation AND step = :step AND number = (
                SELECT number FROM shards
                WHERE generation_id = :generation AND step = :step AND NOT done
                  AND (:again OR taken_at IS NULL)
                ORDER BY taken_at NULLS FIRST, number LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING number, passages
            """
        )
        values = {"generation": self.generation, "step": self.step, "again": again}
        with Session(self.database) as session:
            row = session.execute(statement, values).one_or_none()
            session.commit()
        return Shard(row[0], row[1]) if row else None

    def give_back(self, shard: Shard) -> None:
        """Lets others take a shard that was not done."""
        with Session(self.database) as session:
            this = (*self._these, ShardRow.number == shard.number)
            session.execute(update(ShardRow).where(*this).values(taken_at=None))
            session.commit()

    def store(self, shard: Shard, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> bool:
        """Stores what was made of a shard, each row (passage, value, ...), and that it is done, in one
        transaction; tells whether it did. Where somebody else was first, or the generation is gone, nothing
        is stored."""
        this = (*self._these, ShardRow.number == shard.number, ~ShardRow.done)
        with Session(self.database) as session:
            row = session.scalar(select(ShardRow).where(*this).with_for_update())
            if row is not None:
                fill(session, self.generation, columns, rows)
                row.done = True
            session.commit()
        return row is not None

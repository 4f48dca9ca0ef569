"""Judgements are given and taken back. They name documents by the id that their user gave, so that they
outlive every version and generation of these; what is judged of a document that is gone stays, uncounted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    Boolean,
    Engine,
    Text,
    any_,
    delete,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from indexer.audit import listed, record
from search.db.connection import open_session
from search.db.locks import take_turn
from search.db.lookup import find_collection, live_of
from search.db.models import DocumentRow, JudgementRow
from search.embedding.folding import kept_as
from search.errors import DocumentNotFound, InvalidRequest, TooLarge, TooManyRequests
from search.query.limits import MAX_ID, check_query, is_text
from search.query.question_key import question_key

BEST = 4  # the highest grade
MOST = 100_000
"""Judgements of a collection: an evaluation reads them all."""

A_DAY = timedelta(days=1)
MOST_A_DAY = 5_000
"""Judgements of one client within a day. A person does not get there."""

TOLD = 5
ROWS = 2_000  # of one statement

_Key = tuple[bytes, str, str]
"""A question's key, a document, a judge: one judgement."""


@dataclass(frozen=True)
class Given:
    """Holds a judgement as it is given. Without a `grade` it takes back what its judge said before; `where`
    is the line that it comes from, if any."""

    question: str
    document: str
    grade: int | None
    judge: str
    judged_at: datetime | None = None
    generation: int | None = None
    where: str = ""


@dataclass(frozen=True)
class Kept:
    """Counts what became of judgements: those that are new, that replaced one of their judge, that took one
    back, and that were `skipped` because there is no such document."""

    added: int = 0
    changed: int = 0
    taken_back: int = 0
    skipped: int = 0


def keep_judgements(
    database: Engine,
    collection: str,
    given: Sequence[Given],
    *,
    skip_unknown: bool = False,
    bounded: bool = True,
) -> Kept:
    """Keeps all of some judgements or, where one cannot be, none. Who judges the same document again for a
    question replaces what they said. `bounded`: one client may not give too many a day.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidQuery, InvalidRequest: a question, a grade or a name cannot be used, or one judge says two
            things.
        DocumentNotFound: there is no such document, and it is not to be skipped.
        TooManyRequests, TooLarge: there would be too many.
    """
    for each in given:
        _check(each)
    with open_session(database) as session:
        number = find_collection(session, collection).id
        take_turn(session, f"refract judgements {number}")
        known = _known(session, number, {each.document for each in given})
        unknown = [each for each in given if each.grade is not None and each.document not in known]
        if unknown and not skip_unknown:
            raise _unknown(collection, unknown)
        chosen = _once([each for each in given if each.grade is None or each.document in known], known)
        added, changed = _store(session, number, chosen)
        taken_back = _take_back(session, number, chosen)
        _check_room(session, number, {each.judge for each in given} if bounded else set())
        kept = Kept(added, changed, taken_back, len(unknown))
        record(
            session,
            "judgements.write",
            collection,
            added=added,
            changed=changed,
            taken_back=taken_back,
            documents=listed(sorted({document for _, document, _ in chosen})),
        )
        session.commit()
    return kept


def delete_judgements(database: Engine, collection: str, judge: str) -> int:
    """Deletes all that one judge has said; gives how many judgements that were.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidRequest: nobody of that name has judged anything there.
    """
    with open_session(database) as session:
        number = find_collection(session, collection).id
        said = JudgementRow.collection_id == number, JudgementRow.judge == judge
        deleted = len(session.scalars(delete(JudgementRow).where(*said).returning(JudgementRow.id)).all())
        if not deleted:
            judges = select(JudgementRow.judge).where(JudgementRow.collection_id == number).distinct()
            named = ", ".join(session.scalars(judges.order_by(JudgementRow.judge).limit(TOLD)))
            raise InvalidRequest(
                f"{judge[:80]!r} has judged nothing in {collection!r}.",
                hint=f"These have: {named}." if named else "Nobody has.",
            )
        record(session, "judgements.delete", collection, judge=judge, deleted=deleted)
        session.commit()
    return deleted


def _check(given: Given) -> None:
    """Refuses what no judgement can be."""
    where = f"{given.where}: " if given.where else ""
    try:
        check_query(given.question)
    except InvalidRequest as error:
        raise type(error)(f"{where}{error.message}", hint=error.hint) from None
    if given.grade is not None and not 0 <= given.grade <= BEST:
        raise InvalidRequest(
            f"{where}the grade {given.grade} is out of range.",
            hint=f"Use 0 (no answer) to {BEST} (the best there is), null to take a judgement back.",
        )
    for value in (given.judge, given.document):
        if not value.strip() or len(value) > MAX_ID or not is_text(value):
            raise InvalidRequest(
                f"{where}{value[:80]!r} names no document and no judge.",
                hint=f"Use 1 to {MAX_ID} characters of text.",
            )


def _known(session: Session, collection: int, documents: set[str]) -> dict[str, str]:
    """Finds the ids, as they are kept, of those documents that are there."""
    forms = {document: kept_as(document) for document in documents}
    wanted = sorted({form for each in forms.values() for form in each})
    ids = select(DocumentRow.external_id).where(
        DocumentRow.collection_id == collection,
        DocumentRow.superseded.is_(None),
        DocumentRow.external_id == any_(literal(wanted, ARRAY(Text))),
    )
    there = set(session.scalars(ids))
    return {
        document: next(form for form in each if form in there)
        for document, each in forms.items()
        if not there.isdisjoint(each)
    }


def _unknown(collection: str, unknown: list[Given]) -> DocumentNotFound:
    named = ", ".join(
        f"{each.document[:80]!r}{f' ({each.where})' if each.where else ''}" for each in unknown[:TOLD]
    )
    more = f" and {len(unknown) - TOLD:,} more" if len(unknown) > TOLD else ""
    return DocumentNotFound(
        f"There is no document {named}{more} in {collection!r}. Nothing was kept.",
        hint="Give documents by the id that results carry; ids are case-sensitive. "
        "refract judgements import --skip-unknown leaves out what is unknown.",
    )


def _once(given: list[Given], known: dict[str, str]) -> dict[_Key, Given]:
    """Takes each judgement once, its document named as it is kept.

    Raises:
        InvalidRequest: a judge says two things of one document.
    """
    chosen: dict[_Key, Given] = {}
    keys = {question: question_key(question) for question in {each.question for each in given}}
    for each in given:
        document = known.get(each.document, each.document)  # what is gone can be taken back
        before = chosen.setdefault(
            (keys[each.question], document, each.judge), replace(each, document=document)
        )
        if before.grade != each.grade:
            places = f" ({before.where} and {each.where})" if each.where else ""
            raise InvalidRequest(
                f"{each.judge[:80]!r} says both {before.grade} and {each.grade} of {each.document[:80]!r} "
                f"for {each.question[:80]!r}{places}. Nothing was kept.",
                hint="Keep one of them; judges of different names may differ.",
            )
    return chosen


def _store(session: Session, collection: int, given: Mapping[_Key, Given]) -> tuple[int, int]:
    """Writes what is graded; gives how many are new, and how many were there."""
    live = live_of(session, collection)
    rows = [
        {
            "collection_id": collection,
            "question": each.question.strip(),
            "question_key": key,
            "document": document,
            "grade": each.grade,
            "judge": judge,
            "judged_at": each.judged_at or func.now(),
            "generation": each.generation or (None if live is None else live.id),
        }
        for (key, document, judge), each in given.items()
        if each.grade is not None
    ]
    added = 0
    for start in range(0, len(rows), ROWS):
        statement = upsert(JudgementRow).values(rows[start : start + ROWS])
        columns = ("question", "grade", "judged_at", "generation")
        stored = statement.on_conflict_do_update(
            index_elements=["collection_id", "question_key", "document", "judge"],
            set_={name: statement.excluded[name] for name in columns},
        ).returning(literal_column("(xmax = 0)", Boolean))
        added += sum(session.scalars(stored))
    return added, len(rows) - added


def _take_back(session: Session, collection: int, given: Mapping[_Key, Given]) -> int:
    """Deletes what is given without a grade; gives how many there were."""
    columns = tuple_(JudgementRow.question_key, JudgementRow.document, JudgementRow.judge)
    keys = [key for key, each in given.items() if each.grade is None]
    if not keys:
        return 0
    gone = delete(JudgementRow).where(JudgementRow.collection_id == collection, columns.in_(keys))
    return len(session.scalars(gone.returning(JudgementRow.id)).all())


def _check_room(session: Session, collection: int, judges: set[str]) -> None:
    """Counts what there would be: of the collection, and of each of these judges today."""
    of_collection = JudgementRow.collection_id == collection
    total = session.scalar(select(func.count()).where(of_collection)) or 0
    if total > MOST:
        raise TooLarge(
            f"The collection would have {total:,} judgements; {MOST:,} is the most. Nothing was kept.",
            hint="Leave out some: an evaluation is as sure with a few hundred questions.",
        )
    for judge in judges:
        today = JudgementRow.judge == judge, JudgementRow.judged_at > func.now() - A_DAY
        count, first = session.execute(
            select(func.count(), func.min(JudgementRow.judged_at)).where(of_collection, *today)
        ).one()
        if count > MOST_A_DAY:
            wait = (first + A_DAY - datetime.now(UTC)).total_seconds()
            raise TooManyRequests(
                f"{judge[:80]!r} would have given {count:,} judgements within a day; {MOST_A_DAY:,} is the "
                "most. Nothing was kept.",
                retry_after=wait,
            )

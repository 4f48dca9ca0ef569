"""Repairs are saved, undone and listed. They name documents by the id that their user gave, so that they
outlive every version and generation of these; one of a document that is gone stays, without effect."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.presets.store import turn_preset
from search.db.connection import open_session
from search.db.listener import notify
from search.db.models import CollectionRow, RepairRow
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import InvalidRequest, RepairNotFound
from search.index.snapshot import Snapshot
from search.query.presets import NONE
from search.query.repairs import Repair
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from search.repair.applied import default_preset, turned_by
from search.repair.checks import checked
from search.responses.repairs import RepairInfo

MOST = 1000  # in force in a collection: all are read with its generation


def save_repair(engine: SearchEngine, collection: str, repair: Repair, by: str) -> RepairInfo:
    """Saves a repair, in force at once; `by` names who does.

    Raises:
        CollectionNotFound, NotIndexed: there is no collection of that name, or nothing to search.
        InvalidQuery, InvalidRequest, InvalidSteering: it cannot be one, is in force already, or there are too
            many.
        DocumentNotFound: there is no such document.
    """
    with engine.reader(collection) as reader:
        snapshot = reader.snapshot
        repair = _placed(reader, checked(reader, repair))
    with open_session(engine.database) as session:
        _lock(session, snapshot.collection_id)
        _check_new(session, snapshot.collection_id, repair)
        if repair.kind == "knob":
            steering = turned_by(snapshot.presets.get(repair.preset), repair)
            turn_preset(session, snapshot.collection_id, repair.preset, steering, snapshot.dictionary_id)
        row = RepairRow(
            collection_id=snapshot.collection_id, kind=repair.kind, says=repair.says(), created_by=by
        )
        session.add(row)
        session.flush()
        number = row.id
        record(session, "repair.save", collection, repair=number, kind=repair.kind)
        session.commit()
    engine.renew(collection)
    with engine.reader(collection) as reader:
        return get_repair(reader, number)


def undo_repair(engine: SearchEngine, collection: str, number: int) -> RepairInfo:
    """Undoes a repair: searches are as they were without it. It stays in the list. A knob that somebody has
    turned further since is left as it is.

    Raises:
        CollectionNotFound, NotIndexed: there is no collection of that name, or nothing to search.
        RepairNotFound: there is no repair of that number in force.
    """
    with engine.reader(collection) as reader, open_session(engine.database) as session:
        snapshot = reader.snapshot
        _lock(session, snapshot.collection_id)
        row = session.get(RepairRow, number)
        if row is None or row.collection_id != snapshot.collection_id or row.undone_at is not None:
            raise RepairNotFound(
                f"There is no repair {number} in force in {collection!r}.",
                hint="refract repairs list and GET /v1/repairs have their numbers.",
            )
        row.undone_at = func.now()
        if row.kind == "knob":
            _turn_back(reader, session, Repair.of("knob", row.says))
        record(session, "repair.undo", collection, repair=number, kind=row.kind)
        session.commit()
    engine.renew(collection)
    with engine.reader(collection) as reader:
        return get_repair(reader, number)


def list_repairs(reader: Reader, *, undone: bool = False) -> list[RepairInfo]:
    """Lists the repairs of a collection, the latest first; those that were `undone`, too."""
    rows = (
        select(RepairRow)
        .where(RepairRow.collection_id == reader.snapshot.collection_id)
        .order_by(RepairRow.id.desc())
    )
    if not undone:
        rows = rows.where(RepairRow.undone_at.is_(None))
    return [_info(reader, row) for row in reader.session.scalars(rows)]


def get_repair(reader: Reader, number: int) -> RepairInfo:
    """Reads one repair, in force or undone.

    Raises:
        RepairNotFound: there is none of that number.
    """
    row = reader.session.get(RepairRow, number)
    if row is None or row.collection_id != reader.snapshot.collection_id:
        raise RepairNotFound(f"There is no repair {number} in {reader.collection!r}.")
    return _info(reader, row)


def _placed(reader: Reader, repair: Repair) -> Repair:
    """Says of a knob which preset it goes into, and how it was turned there before."""
    if repair.kind != "knob" or repair.feature is None:
        return repair
    name, preset = default_preset(reader.snapshot)
    steering = Steering() if preset is None else preset.translation.steering
    return replace(repair, preset=name, before=steering.strength_of(FeatureTarget(repair.feature)))


def _turn_back(reader: Reader, session: Session, repair: Repair) -> None:
    """Turns a knob of a preset as it was before a repair, if it still is as that has left it."""
    snapshot, preset = reader.snapshot, reader.snapshot.presets.get(repair.preset)
    target = _target(reader, repair)
    if preset is None or target is None:
        return
    steering = preset.translation.steering
    if steering.strength_of(target) != repair.strength:
        return
    steering = (
        steering.without(target) if repair.before is None else steering.with_knob(Knob(repair.before, target))
    )
    turn_preset(session, snapshot.collection_id, preset.name, steering, snapshot.dictionary_id)


def _target(reader: Reader, repair: Repair) -> FeatureTarget | None:
    """Finds what a knob turns now: it may have been saved with an earlier dictionary."""
    if repair.feature is None or repair.strength is None:
        return None
    steering = Steering((Knob(repair.strength, FeatureTarget(repair.feature)),))
    try:
        found = reader.translate(SearchRequest("", steering, repair.dictionary, NONE)).steering.features
    except InvalidRequest:  # that dictionary is gone
        return None
    return next(map(FeatureTarget, found), None)


def _lock(session: Session, collection: int) -> None:
    """Lets no other change the collection's repairs until this transaction ends, and tells the change."""
    version = CollectionRow.repairs_version + 1
    changed = update(CollectionRow).where(CollectionRow.id == collection).values(repairs_version=version)
    session.execute(changed)
    notify(session)


def _check_new(session: Session, collection: int, repair: Repair) -> None:
    rows: Sequence[RepairRow] = session.scalars(
        select(RepairRow).where(RepairRow.collection_id == collection, RepairRow.undone_at.is_(None))
    ).all()
    same = replace(repair, preset="", before=None)
    for row in rows:
        there = replace(Repair.of(row.kind, row.says), preset="", before=None)  # type: ignore[arg-type]
        if there == same:
            raise InvalidRequest(
                f"Repair {row.id} says this already.", hint="It is in force; undo it, or save another one."
            )
    if len(rows) >= MOST:
        raise InvalidRequest(f"More than {MOST:,} repairs are too many.", hint="Undo some first.")


def _info(reader: Reader, row: RepairRow) -> RepairInfo:
    repair = Repair.of(row.kind, row.says)  # type: ignore[arg-type]
    return RepairInfo(
        number=row.id,
        kind=repair.kind,
        question=repair.question,
        document=repair.document,
        words=list(repair.words),
        feature=repair.feature,
        label=_label(reader.snapshot, repair, _target(reader, repair)),
        strength=repair.strength,
        dictionary=repair.dictionary,
        created_at=row.created_at,
        created_by=row.created_by,
        undone_at=row.undone_at,
    )


def _label(snapshot: Snapshot, repair: Repair, target: FeatureTarget | None) -> str:
    if repair.feature is None:
        return ""
    return f"feature {repair.feature}" if target is None else snapshot.labels[target.feature].shown

"""Presets are listed, saved, deleted, and made the default one of their collection."""

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from indexer.audit import record
from search.db.connection import open_session
from search.db.listener import notify
from search.db.models import CollectionRow, PresetRow
from search.dictionary.steer import feature_deltas
from search.engine.effective_steering import describe
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import InvalidRequest, InvalidSteering
from search.query.presets import NONE, clean_description, clean_name, find_preset
from search.query.remapping import RemappedSteering
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Steering, format_steering
from search.responses.collections import PresetInfo

MOST = 200  # presets of a collection: all are read with its generation, and shown on its page


def list_presets(reader: Reader) -> list[PresetInfo]:
    """Lists the presets of a collection by name."""
    return describe(reader.session, reader.snapshot, reader.snapshot.presets.values())


def get_preset(reader: Reader, name: str) -> PresetInfo:
    """Reads one preset.

    Raises:
        PresetNotFound: there is none of that name.
    """
    preset = find_preset(reader.snapshot.presets, name, reader.collection)
    return describe(reader.session, reader.snapshot, [preset])[0]


def save_preset(
    engine: SearchEngine,
    collection: str,
    name: str,
    steering: Steering,
    *,
    dictionary: int | None = None,
    description: str = "",
    default: bool | None = None,
    replace: bool = True,
) -> PresetInfo:
    """Saves steering under a name, in the numbers of the live dictionary. `default`: makes it the default one
    of the collection or, false, ends that; None leaves it as it is.

    Raises:
        InvalidRequest: the name or the description cannot be used; there are too many; there is one of that
            name and it is not to be replaced.
        InvalidSteering: no knob, or one that a search would refuse.
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
    """
    name, description = clean_name(name), clean_description(description)
    with engine.reader(collection) as reader:
        number = reader.snapshot.collection_id
        translation = reader.translate(SearchRequest("", steering, dictionary, NONE))
        _check(reader, name, translation)
    values = {
        "description": description,
        "steering": format_steering(translation.steering),
        "dictionary": translation.dictionary,
        "updated_at": func.now(),
    }
    with open_session(engine.database) as session:
        _lock(session, number)
        _check_room(session, number, name, replace=replace)
        row = upsert(PresetRow).values(collection_id=number, name=name, **values)
        session.execute(row.on_conflict_do_update(index_elements=["collection_id", "name"], set_=values))
        if default is not None:
            _set_default(session, number, name, is_default=default)
        record(session, "preset.save", collection, preset=name, steer=values["steering"], default=default)
        session.commit()
    engine.renew(collection)
    with engine.reader(collection) as reader:
        return get_preset(reader, name)


def turn_preset(session: Session, collection: int, name: str, steering: Steering, dictionary: int) -> None:
    """Writes what a preset turns, in the numbers of a dictionary, and makes it the default one, as part of
    another change; what turns nothing is deleted."""
    _lock(session, collection)
    if not steering.knobs:
        session.execute(delete(PresetRow).where(*_named(collection, name)))
        return
    _check_room(session, collection, name, replace=True)
    values = {"steering": format_steering(steering), "dictionary": dictionary, "updated_at": func.now()}
    row = upsert(PresetRow).values(collection_id=collection, name=name, **values)
    session.execute(row.on_conflict_do_update(index_elements=["collection_id", "name"], set_=values))
    _set_default(session, collection, name, is_default=True)


def delete_preset(engine: SearchEngine, collection: str, name: str) -> None:
    """Deletes a preset.

    Raises:
        PresetNotFound: there is none of that name.
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
    """
    snapshot = engine.snapshot(collection)
    find_preset(snapshot.presets, name, collection)
    with open_session(engine.database) as session:
        _lock(session, snapshot.collection_id)
        session.execute(delete(PresetRow).where(*_named(snapshot.collection_id, name)))
        record(session, "preset.delete", collection, preset=name)
        session.commit()
    engine.renew(collection)


def set_default_preset(engine: SearchEngine, collection: str, name: str | None) -> None:
    """Makes a preset the one that steers every search that names neither a preset nor steering; with None no
    preset does.

    Raises:
        PresetNotFound: there is none of that name.
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
    """
    snapshot = engine.snapshot(collection)
    if name is not None:
        find_preset(snapshot.presets, name, collection)
    with open_session(engine.database) as session:
        _lock(session, snapshot.collection_id)
        _set_default(session, snapshot.collection_id, name, is_default=name is not None)
        record(session, "preset.default", collection, preset=name)
        session.commit()
    engine.renew(collection)


def _check(reader: Reader, name: str, translation: RemappedSteering) -> None:
    """Turns every knob once, as a search does, so that a search with this preset will not fail."""
    if not translation.steering.knobs:
        lost = " ".join(dict.fromkeys(each.reason for each in translation.lost))
        raise InvalidSteering(
            f"The preset {name!r} would turn nothing. {lost}".strip(), hint="Give it a knob, like 123:1.5."
        )
    feature_deltas(translation.steering, {}, reader.snapshot.scale_F)
    for knob in translation.steering.knobs:
        if not isinstance(knob.target, FeatureTarget):
            reader.concept(knob.target)


def _lock(session: Session, collection: int) -> None:
    """Lets no other change the collection's presets until this transaction ends, and tells the change."""
    version = CollectionRow.presets_version + 1
    session.execute(
        update(CollectionRow).where(CollectionRow.id == collection).values(presets_version=version)
    )
    notify(session)


def _check_room(session: Session, collection: int, name: str, *, replace: bool) -> None:
    names = set(session.scalars(select(PresetRow.name).where(PresetRow.collection_id == collection)))
    if name in names and not replace:
        raise InvalidRequest(
            f"There is a preset {name!r} already.", hint="Choose another name, or delete that one first."
        )
    if len(names | {name}) > MOST:
        raise InvalidRequest(f"More than {MOST} presets are too many.", hint="Delete one first.")


def _set_default(session: Session, collection: int, name: str | None, *, is_default: bool) -> None:
    if is_default or name is None:
        others = (PresetRow.collection_id == collection, PresetRow.is_default)
        session.execute(update(PresetRow).where(*others).values(is_default=False))
    if name is not None:
        session.execute(update(PresetRow).where(*_named(collection, name)).values(is_default=is_default))


def _named(collection: int, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PresetRow.collection_id == collection, PresetRow.name == name

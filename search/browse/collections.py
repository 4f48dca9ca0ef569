"""Says what there is to search: collections, their names, and what each is about."""

from dataclasses import dataclass, replace

from sqlalchemy import collate, exists, func, select
from sqlalchemy.orm import Session

from search.db.connection import open_session
from search.db.locks import is_built, is_read
from search.db.lookup import count_passages, find_collection
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, GenerationRow
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.index.snapshot import Snapshot
from search.responses.collections import CollectionInfo, Progress, Scorecard
from search.rights import Rights

READING = "reading documents"
"""What is being done while documents come in, before anything is built of them."""

BY_NAME = collate(CollectionRow.name, "C")
"""The order of names: the same on every server."""


def collections(engine: SearchEngine, *, after: str = "", limit: int | None = None) -> list[CollectionInfo]:
    """Lists collections by name, from behind a name on, with what can be searched and what is being built."""
    with open_session(engine.database) as session:
        named = select(CollectionRow).where(BY_NAME.op(">")(after), engine.rights.seen())
        found = session.scalars(named.order_by(BY_NAME).limit(limit)).all()
        infos = [_info(session, each, engine.snapshots.held(each.name)) for each in found]
    return [_of_part(engine, info) for info in infos] if engine.rights.only else infos


def collection_info(engine: SearchEngine, name: str) -> CollectionInfo:
    """Shows one collection, with what can be searched and what is being built.

    Raises:
        CollectionNotFound
    """
    with open_session(engine.database) as session:
        found = find_collection(session, name, engine.rights.seen())
        info = _info(session, found, engine.snapshots.held(name))
    return _of_part(engine, info) if engine.rights.only else info


@dataclass(frozen=True)
class CollectionName:
    """Names a collection, by its `title` where it has one, and says whether it is private, and whether it can
    be searched."""

    name: str
    title: str
    private: bool
    live: bool

    @property
    def shown(self) -> str:
        return self.title or self.name


def collection_names(session: Session, rights: Rights) -> list[CollectionName]:
    """Lists the collections that rights let see by name, with one query however many there are."""
    is_live = exists().where(GenerationRow.collection_id == CollectionRow.id, GenerationRow.state == "live")
    rows = session.execute(
        select(CollectionRow.name, CollectionRow.title, CollectionRow.private, is_live)
        .where(rights.seen())
        .order_by(BY_NAME)
    )
    return [CollectionName(*row) for row in rows]


def is_growing(reader: Reader) -> bool:
    """Says whether documents are being read into the collection at this moment."""
    return is_read(reader.session, reader.snapshot.collection_id)


def about(reader: Reader) -> tuple[str, str]:
    """Gives the title and the description of the collection that is read; empty where it has none."""
    named = select(CollectionRow.title, CollectionRow.description).where(
        CollectionRow.name == reader.collection
    )
    row = reader.session.execute(named).first()
    return (row[0], row[1]) if row else ("", "")  # it was renamed meanwhile


def _info(session: Session, collection: CollectionRow, held: Snapshot | None) -> CollectionInfo:
    states: dict[str, GenerationRow] = {}
    for generation in session.scalars(
        select(GenerationRow).where(GenerationRow.collection_id == collection.id).order_by(GenerationRow.id)
    ):
        states[generation.state] = generation
    documents = session.scalar(
        select(func.count()).where(
            DocumentRow.collection_id == collection.id, DocumentRow.superseded.is_(None)
        )
    )
    live = states.get("live")
    # What was killed stays "building" in its row; only a process that is there holds the lock.
    unfinished = states.get("ready") or states.get("building")
    building = unfinished if is_built(session, collection.id) else None
    progress = building.progress if building and building.progress.step else None
    if progress is None and is_read(session, collection.id):
        progress = Progress(step=READING)
    return CollectionInfo(
        name=collection.name,
        title=collection.title,
        description=collection.description,
        default=collection.is_default,
        private=collection.private,
        state="live" if live else "building" if building or progress else "empty",
        documents=documents or 0,
        passages=_passages(session, held, live) if live else 0,
        generation=live.id if live else None,
        progress=progress,
        scorecard=_scorecard(session, live) if live else None,
    )


def _of_part(engine: SearchEngine, info: CollectionInfo) -> CollectionInfo:
    """Counts what the caller sees of a collection alone; how far a build is counts others' documents too."""
    documents = passages = 0
    if info.state == "live":
        with engine.reader(info.name) as reader:
            documents, passages = reader.snapshot.documents, reader.snapshot.passages
    return replace(info, documents=documents, passages=passages, progress=None)


def _passages(session: Session, held: Snapshot | None, generation: GenerationRow) -> int:
    """Counts the passages that a search sees, where the generation is in memory; else those it was built with
    and got since, some of which may be hidden."""
    if held is not None and held.generation == generation.id:
        return held.passages
    return count_passages(session, generation.id)


def _scorecard(session: Session, generation: GenerationRow) -> Scorecard:
    card = session.scalar(select(DictionaryRow.card).where(DictionaryRow.id == generation.dictionary_id))
    return card.scorecard if card else Scorecard()

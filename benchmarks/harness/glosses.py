"""The glosses of words are many short passages, indexed into a folder that a later run can use again."""

import itertools
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import open_source
from search.db.lookup import count_passages, live_generation
from search.embedding.embedder import load_embedder
from search.errors import NotIndexed
from search.settings import DEFAULT_MODEL

NAME = "upkeep"
CORPUS = "corpora/wordnet_glosses.jsonl.gz"


def index(database: Engine, data: Path, corpus: Path, documents: int) -> int:
    """Indexes so many documents of a corpus into a folder; gives how many passages they are."""
    with Session(database) as session:
        number = ensure_collection(session, NAME, DEFAULT_MODEL).id
        session.commit()
    reporter = Reporter(database)
    ingest(database, number, itertools.islice(open_source(corpus), documents), reporter)
    with Session(database) as session:
        try:
            return count_passages(session, live_generation(session, NAME).id)
        except NotIndexed:
            pass
    return Build(database, data, load_embedder(), reporter).run(number).passages

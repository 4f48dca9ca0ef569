"""One label, written or taken away by hand."""

from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session

from indexer.intake import embedder_for
from indexer.labels.exchange import Change, clear_label, set_label
from indexer.labels.judge import Judge
from indexer.labels.material import read_material
from search.stored import find_collection


def edit_label(database: Database, collection: str, feature: int, text: str | None) -> Change:
    """Writes the label of a feature, and tests it; without a text it is taken away.

    Raises:
        CollectionNotFound, NotIndexed
        FeatureNotFound, LabelError: see `set_label` and `clear_label`.
    """
    with Session(database) as session:
        material = read_material(session, collection)
        if text is None:
            return clear_label(session, material, feature)
        embedder = embedder_for(session, find_collection(session, collection))
        judge = Judge(material.x_ND, material.acts_NF, material.dictionary, embedder.encode)
        return set_label(session, material, judge, feature, text)

"""What is live: whether its model loads and makes vectors as wide as those that are stored, and whether its
files are those that were written."""

from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.checks import Check
from search.db.models import CollectionRow, GenerationRow, PassageRow
from search.embedding.embedder import embedder_of, load_embedder
from search.errors import ConfigurationError, IndexDamaged, VectorsUnavailable
from search.index.generation_files import (
    generation_folder,
    is_in_milvus,
    load_index,
    waits_for_its_first_search,
)
from search.index.snapshot import space_of

FLOAT16 = 2  # bytes


def check_indexes(session: Session, data: Path, model: str) -> Iterator[Check]:
    """Looks at every live generation, and at the model of new collections."""
    yield check_model(model)
    rows = session.execute(
        select(CollectionRow.name, GenerationRow)
        .join(GenerationRow, GenerationRow.collection_id == CollectionRow.id)
        .where(GenerationRow.state == "live")
        .order_by(CollectionRow.name)
    ).all()
    for name, generation in rows:
        yield check_width(session, name, generation)
        yield check_index_files(name, generation, generation_folder(data, generation.id))
        if is_in_milvus(generation) and not waits_for_its_first_search(generation):
            yield check_vectors_of(name, generation, data)


def check_model(model: str) -> Check:
    """Looks whether the model of new collections loads."""
    try:
        width = load_embedder(model).width
    except ConfigurationError as error:
        return Check("model", "fail", error.message, error.hint or "Mend REFRACT_MODEL.")
    return Check("model", "ok", f"{model} loads and makes vectors of {width} numbers.")


def check_width(session: Session, name: str, generation: GenerationRow) -> Check:
    """Looks whether a generation's model loads and makes vectors as wide as those that are stored."""
    try:
        width = embedder_of(space_of(generation.recipe)).width
    except ConfigurationError as error:
        return Check("width", "fail", f"{name}: {error.message}", error.hint)
    stored = session.scalar(
        select(func.octet_length(PassageRow.embedding))
        .where(PassageRow.generation_id == generation.id, PassageRow.embedding.is_not(None))
        .limit(1)
    )
    if stored in (None, width * FLOAT16):
        return Check("width", "ok", f"{name}: {generation.recipe.model} fits what is stored.")
    told = (
        f"{name}: vectors of {generation.recipe.model} have {width} numbers, stored ones {stored // FLOAT16}."
    )
    return Check(
        "width", "fail", told, f"Put the model's files back, or refract reindex --collection {name}."
    )


def check_index_files(name: str, generation: GenerationRow, folder: Path) -> Check:
    """Looks whether a generation's files are there and are those that were written."""
    wrong = [file for file, sha256 in generation.files.items() if _sha256(folder / file) != sha256]
    if not wrong:
        return Check("index files", "ok", f"{name}: generation {generation.id} has its files.")
    told = f"{name}: {', '.join(sorted(wrong))} of generation {generation.id} are missing or damaged."
    return Check(
        "index files",
        "warn",
        told,
        "They are made again when they are needed; refract verify --repair does it now.",
    )


def check_vectors_of(name: str, generation: GenerationRow, data: Path) -> Check:
    """Looks whether Milvus holds the vectors of a generation that is searched there."""
    try:
        index = load_index(data, generation)
    except IndexDamaged as damage:
        return Check("index vectors", "warn", f"{name}: {damage.message}", damage.hint)
    except VectorsUnavailable as error:
        return Check("index vectors", "fail", f"{name}: {error.message}", error.hint)
    return Check("index vectors", "ok", f"{name}: generation {generation.id} has {len(index):,} in Milvus.")


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""

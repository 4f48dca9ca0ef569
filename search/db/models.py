"""Defines the tables. Postgres is the truth: everything on disk can be made again from here.

One collection has documents, dictionaries and generations; exactly one generation is live. Its passages,
with their embeddings and active features, are one partition, so that dropping a generation is instant.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Sequence,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, INTEGER, JSONB, REAL, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from search.db.card import StoredCard
from search.db.json_column import JsonColumn
from search.db.recipe import Checks, Recipe
from search.responses.collections import Progress

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this plain dict
        str: Text,
        int: BigInteger,
        float: DOUBLE_PRECISION,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        dict[str, float]: JSONB,
        Recipe: JsonColumn(Recipe),
        StoredCard: JsonColumn(StoredCard),
        Progress: JsonColumn(Progress),
        Checks: JsonColumn(Checks),
    }


# Every document change takes a number from this one sequence.
change_seq = Sequence("change_seq", metadata=Base.metadata)


class CollectionRow(Base):
    """Describes one knowledge base, what it is called and about, and the embedding model of its live
    generation. `title` is what people read instead of the name, empty where that will do.

    `version` grows with every change that a search can see, so that who holds the collection in memory reads
    what is new, `presets_version` with every change of its presets, `repairs_version` of its repairs.
    `trouble` is why new documents cannot be made searchable; empty where they can. `first_build` is what its
    first build is asked for (passage_tokens, index, dimensions); later ones are as the live generation is. At
    most one was chosen as the default: where requests go that name none. A `private` one is there only for
    those whose key reaches it. `keep_questions` says for how many days questions that are asked of it are
    kept; null: they are not.
    """

    __tablename__ = "collections"
    __table_args__ = (
        Index("uq_collections_default", "is_default", unique=True, postgresql_where=sql("is_default")),
        CheckConstraint("keep_questions BETWEEN 1 AND 365", name="keep_questions"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    model: Mapped[str]
    title: Mapped[str] = mapped_column(server_default=sql("''"))
    description: Mapped[str] = mapped_column(server_default=sql("''"))
    first_build: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    version: Mapped[int] = mapped_column(server_default=sql("0"))
    presets_version: Mapped[int] = mapped_column(server_default=sql("0"))
    repairs_version: Mapped[int] = mapped_column(server_default=sql("0"))
    trouble: Mapped[str] = mapped_column(server_default=sql("''"))
    is_default: Mapped[bool] = mapped_column(server_default=sql("false"))
    private: Mapped[bool] = mapped_column(server_default=sql("false"))
    keep_questions: Mapped[int | None] = mapped_column(INTEGER)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DocumentRow(Base):
    """Holds what the user gave us, whole. Rows never change: replacing or deleting a document marks its row
    as `superseded` (by the change of that number), so that generations built before go on reading what they
    were built from. `external_id` is the user's own id, `sha256` covers all that the user gave but the id,
    `source` is the folder or file that a document was read from (null: it was written through the API), and
    `source_id` its id there, where another source's document has that id already (null: they are the same).
    `stamp` says by which state of its file it was read, where it is the only one of it. `written_at` is when
    the row was written.
    """

    __tablename__ = "documents"
    __table_args__ = (
        Index(
            "uq_documents_current",
            "collection_id",
            "external_id",
            unique=True,
            postgresql_where=sql("superseded IS NULL"),
        ),
        Index(None, "collection_id", "external_id", "seq"),
        Index(None, "collection_id", "seq"),
        Index(None, "collection_id", "sha256"),
        Index(
            "ix_documents_source_id",
            "collection_id",
            "source_id",
            postgresql_where=sql("source_id IS NOT NULL AND superseded IS NULL"),
        ),
        Index(
            "ix_documents_superseded",
            "collection_id",
            "superseded",
            postgresql_where=sql("superseded IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    external_id: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    url: Mapped[str | None]
    meta: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[str | None]
    source_id: Mapped[str | None]
    stamp: Mapped[str | None]
    seq: Mapped[int] = mapped_column(server_default=change_seq.next_value())
    superseded: Mapped[int | None]
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DictionaryRow(Base):
    """Holds a dictionary: its weights (safetensors) and its card.

    `labels_version` grows with every change of its labels, so that who holds them in memory reads them again.
    """

    __tablename__ = "dictionaries"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    weights: Mapped[bytes] = mapped_column(LargeBinary)
    card: Mapped[StoredCard]
    labels_version: Mapped[int] = mapped_column(server_default=sql("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FeatureRow(Base):
    """Holds what is written over the name of one feature; `origin` is then "hand".

    Features that an earlier version learned have rows of other origins (offline, shipped, import, the model
    of an endpoint), with the `score` of a test; null where too few passages were left for one.
    """

    __tablename__ = "features"

    dictionary_id: Mapped[int] = mapped_column(
        ForeignKey("dictionaries.id", ondelete="CASCADE"), primary_key=True
    )
    feature: Mapped[int] = mapped_column(INTEGER, primary_key=True)
    label: Mapped[str]
    score: Mapped[float | None]
    reliable: Mapped[bool]
    origin: Mapped[str] = mapped_column(server_default="offline")


class FamilyRow(Base):
    """Holds features of one dictionary that belong together, with the weight of each.

    `parent` is the wider family that this one is part of (a number of the same dictionary), null at the top.
    """

    __tablename__ = "families"

    dictionary_id: Mapped[int] = mapped_column(
        ForeignKey("dictionaries.id", ondelete="CASCADE"), primary_key=True
    )
    family: Mapped[int] = mapped_column(INTEGER, primary_key=True)
    parent: Mapped[int | None] = mapped_column(INTEGER)
    name: Mapped[str]
    features: Mapped[list[int]] = mapped_column(ARRAY(INTEGER))
    weights: Mapped[list[float]] = mapped_column(ARRAY(REAL))


class FeatureMatchRow(Base):
    """Says where a feature of an earlier dictionary went: which feature of a later one is the same.

    `feature` is null where none is alike enough. The earlier dictionary may be gone, so it is no foreign key.
    """

    __tablename__ = "feature_matches"

    dictionary_id: Mapped[int] = mapped_column(
        ForeignKey("dictionaries.id", ondelete="CASCADE"), primary_key=True
    )
    old_dictionary: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    old_feature: Mapped[int] = mapped_column(INTEGER, primary_key=True, autoincrement=False)
    feature: Mapped[int | None] = mapped_column(INTEGER)
    confidence: Mapped[float] = mapped_column(REAL)


class PresetRow(Base):
    """Keeps steering under a name, in its text form (see `search.query.steering`).

    `dictionary` is the one that its numbers of features and families belong to; it may be gone, so it is no
    foreign key. At most one of a collection is the default: what searches are steered by that name neither a
    preset nor steering of their own.
    """

    __tablename__ = "presets"
    __table_args__ = (
        UniqueConstraint("collection_id", "name"),
        Index("uq_presets_default", "collection_id", unique=True, postgresql_where=sql("is_default")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=sql("''"))
    steering: Mapped[str]
    dictionary: Mapped[int]
    is_default: Mapped[bool] = mapped_column(server_default=sql("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class JudgementRow(Base):
    """Says how well a document answers a question, in somebody's eyes: `grade` 0 (not at all) to 4.

    `question` is as it was asked, `question_key` the SHA-256 of what its spellings have in common, by which
    it is the same one. `document` is the id that the user gave it: the row outlives versions, generations and
    the document itself. `judge` names who said so, `generation` is what was live then.
    """

    __tablename__ = "judgements"
    __table_args__ = (
        UniqueConstraint("collection_id", "question_key", "document", "judge"),
        CheckConstraint("grade BETWEEN 0 AND 4", name="grade"),
        Index(None, "collection_id", "judge", "judged_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    question: Mapped[str]
    question_key: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[str]
    grade: Mapped[int] = mapped_column(INTEGER)
    judge: Mapped[str]
    judged_at: Mapped[datetime] = mapped_column(server_default=func.now())
    generation: Mapped[int | None]


class RepairRow(Base):
    """Says what somebody has put right where a search failed: `says` holds what a repair of its `kind` needs
    (see `search.query.repairs`). It names a document by the id that the user gave it, so that it outlives
    versions and generations. In force until `undone_at`."""

    __tablename__ = "repairs"
    __table_args__ = (
        CheckConstraint("kind IN ('pinned', 'same_words', 'keyword', 'knob')", name="kind"),
        Index(None, "collection_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    kind: Mapped[str]
    says: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    undone_at: Mapped[datetime | None]


class QuestionRow(Base):
    """Counts how often a question was asked of a collection on a day (UTC), where its owner keeps questions:
    `asked` times, `weak` of them without a good answer. Nobody is named.

    `question` is as it was typed first that day, `question_key` that of judgements. `last_at` is the hour in
    which it was asked last, `found` counts the documents of the answer then, `nowhere` are the words of it
    that no passage had. `knobs` are what was turned, by labels, and `modes` how it was searched, each once.
    """

    __tablename__ = "questions"

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    question_key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    question: Mapped[str]
    asked: Mapped[int] = mapped_column(INTEGER)
    weak: Mapped[int] = mapped_column(INTEGER)
    found: Mapped[int] = mapped_column(INTEGER)
    last_at: Mapped[datetime]
    nowhere: Mapped[list[str]] = mapped_column(ARRAY(Text))
    knobs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    modes: Mapped[list[str]] = mapped_column(ARRAY(Text))


class GenerationRow(Base):
    """Records one build of a collection's index.

    state: building -> ready -> live -> retired; an index holds the rule that at most one is live, and what is
    ready may be loaded ahead. `recipe` is what the build was asked to do, `seq` the last document change when
    it began, `passages` how many it was built with (they never change; those of later documents come after
    them), `progress` where it is, `files` the SHA-256 of its derived files, `timings` the seconds of each
    step, `checks` what it found when it checked itself, `live_seq` grows from flip to flip: clocks may be set
    back.
    """

    __tablename__ = "generations"
    __table_args__ = (
        Index("uq_generations_live", "collection_id", unique=True, postgresql_where=sql("state = 'live'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    dictionary_id: Mapped[int | None] = mapped_column(ForeignKey("dictionaries.id"))
    state: Mapped[str] = mapped_column(server_default="building")
    recipe: Mapped[Recipe]
    seq: Mapped[int]
    passages: Mapped[int | None]
    files: Mapped[dict[str, str]] = mapped_column(server_default=sql("'{}'::jsonb"))
    progress: Mapped[Progress] = mapped_column(server_default=sql("'{}'::jsonb"))
    timings: Mapped[dict[str, float]] = mapped_column(server_default=sql("'{}'::jsonb"))
    checks: Mapped[Checks] = mapped_column(server_default=sql("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    live_at: Mapped[datetime | None]
    live_seq: Mapped[int | None]


class PassageRow(Base):
    """Holds a passage: its place in its document's text, its embedding (float16), its active features (ids
    int32, activations float32; all little-endian arrays).

    `id` counts from 0 within the generation; those below the generation's `passages` are in its FAISS file
    under that number, those of documents that came later follow. `sha256` covers the text that is embedded;
    embeddings of equal text are taken over from earlier generations of the same vector space. Rows are
    planned first, then filled, so a killed build goes on where it was.
    """

    __tablename__ = "passages"
    __table_args__ = (
        Index(None, "document_id"),
        {"postgresql_partition_by": "LIST (generation_id)"},
    )

    generation_id: Mapped[int] = mapped_column(
        ForeignKey("generations.id"), primary_key=True, autoincrement=False
    )
    id: Mapped[int] = mapped_column(INTEGER, primary_key=True, autoincrement=False)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    start: Mapped[int] = mapped_column(INTEGER)
    end: Mapped[int] = mapped_column("stop", INTEGER)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    embedding: Mapped[bytes | None] = mapped_column(LargeBinary)
    feature_ids: Mapped[bytes | None] = mapped_column(LargeBinary)
    activations: Mapped[bytes | None] = mapped_column(LargeBinary)


class ShardRow(Base):
    """Holds a piece of a step of a build: some passages whose embeddings, or whose features, one worker makes
    in one go and stores with `done` in one transaction.

    A step is cut once: vectors depend, in their last bits, on what they are made beside. `taken_at` says when
    somebody last began it, which is no promise: whoever did may be gone.
    """

    __tablename__ = "shards"

    generation_id: Mapped[int] = mapped_column(
        ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    step: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(INTEGER, primary_key=True, autoincrement=False)
    passages: Mapped[list[int]] = mapped_column(ARRAY(INTEGER))
    size: Mapped[int] = mapped_column(INTEGER)
    taken_at: Mapped[datetime | None]
    done: Mapped[bool] = mapped_column(server_default=sql("false"))


class KeyRow(Base):
    """Holds a key of an API client or an admin. Only its SHA-256 is kept: a key is 32 random bytes, so
    that no salt or slow hash is needed. `scope` is search, write or admin, each with what the one before
    may do. It reaches the `collections` of these names (null: all, empty: none) and of them the documents
    that all `filters` leave (in their text form), until it expires."""

    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    scope: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    collections: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    filters: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=sql("'{}'"))


class AdminSessionRow(Base):
    """Stands for somebody who looks at the admin's pages. The cookie's SHA-256 is kept; `key_id` is the key
    it was opened with. Without one it was the link that a start prints or, with a `name` and a `scope`, an
    identity provider. It ends with its key."""

    __tablename__ = "sessions"

    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[int | None] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    name: Mapped[str | None]
    scope: Mapped[str | None]


class JobReportRow(Base):
    """Holds what a job says of itself; its state, arguments and times are the queue's (schema `jobs`), under
    the same number. `log` holds its last lines, `reason` why it failed, `result` what it made; `lost` counts
    the workers that died at it."""

    __tablename__ = "job_reports"

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    progress: Mapped[Progress] = mapped_column(server_default=sql("'{}'::jsonb"))
    log: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=sql("'{}'"))
    reason: Mapped[str | None]
    result: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    lost: Mapped[int] = mapped_column(server_default=sql("0"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditRow(Base):
    """Says who changed what. `actor` is the name of a key, of who runs a command, or a job; `channel` the way
    they came (api, page, command line, worker); `target` what was changed; `outcome` done or denied. Rows are
    added and, after a time, deleted, and never changed. `details` hold numbers and names, no document's text.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    actor: Mapped[str]
    channel: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    outcome: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    request_id: Mapped[str | None]


class EventRow(Base):
    """Says what has happened: a job has ended, a generation is live. The function `tell_event` of the
    database writes the row in the transaction of what it tells; ids are in the order of the commits.
    `message` names the event to who hears of it, `data` hold numbers and names. `collection` is what the
    collection of `collection_id` was called; null: none, or it is gone."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    message: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    kind: Mapped[str]
    collection_id: Mapped[int | None]
    collection: Mapped[str | None]
    data: Mapped[dict[str, Any]]


class WebhookRow(Base):
    """Holds an address that hears of events of some `kinds` and `collections` (null: all), and the secret
    that signs what is sent there. `reason` is why it is disabled, where nobody asked for that;
    `failing_since` the first failure after the last success. Until `free_at` a worker has it, or it rests."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    collections: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    note: Mapped[str] = mapped_column(server_default=sql("''"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default=sql("''"))
    failing_since: Mapped[datetime | None]
    free_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeliveryRow(Base):
    """Says where the delivery of an event to a webhook stands: it is waiting (until `next_at`), done or
    failed. `status` and `answer` are what came back last; null: nothing."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_waiting", "webhook_id", "event_id", postgresql_where=sql("state = 'waiting'")),
    )

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[int] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    state: Mapped[str] = mapped_column(server_default=sql("'waiting'"))
    attempts: Mapped[int] = mapped_column(server_default=sql("0"))
    next_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    tried_at: Mapped[datetime | None]
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(server_default=sql("''"))

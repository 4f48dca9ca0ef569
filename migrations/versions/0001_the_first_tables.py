"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.execute("CREATE SEQUENCE change_seq")
    op.create_table(
        "collections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("name", name=op.f("uq_collections_name")),
    )
    op.create_table(
        "dictionaries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("card", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_dictionaries_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionaries")),
    )
    op.create_index(op.f("ix_dictionaries_collection_id"), "dictionaries", ["collection_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column(
            "meta",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("nextval('change_seq')"), nullable=False),
        sa.Column("superseded", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_documents_collection_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(
        op.f("ix_documents_collection_id_external_id_seq"),
        "documents",
        ["collection_id", "external_id", "seq"],
        unique=False,
    )
    op.create_index(
        "uq_documents_current",
        "documents",
        ["collection_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("superseded IS NULL"),
    )
    op.create_table(
        "features",
        sa.Column("dictionary_id", sa.BigInteger(), nullable=False),
        sa.Column("feature", sa.INTEGER(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("score", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("reliable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dictionary_id"], ["dictionaries.id"], name=op.f("fk_features_dictionary_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dictionary_id", "feature", name=op.f("pk_features")),
    )
    op.create_table(
        "generations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("dictionary_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="building", nullable=False),
        sa.Column("recipe", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("passages", sa.BigInteger(), nullable=True),
        sa.Column(
            "files",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "progress",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "timings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("live_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_generations_collection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["dictionary_id"], ["dictionaries.id"], name=op.f("fk_generations_dictionary_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
    )
    op.create_index(
        "uq_generations_live",
        "generations",
        ["collection_id"],
        unique=True,
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_table(
        "feature_stats",
        sa.Column("generation_id", sa.BigInteger(), nullable=False),
        sa.Column("feature", sa.INTEGER(), nullable=False),
        sa.Column("passages", sa.INTEGER(), nullable=False),
        sa.Column("quantiles", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("counts", postgresql.ARRAY(sa.INTEGER()), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
            name=op.f("fk_feature_stats_generation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generation_id", "feature", name=op.f("pk_feature_stats")),
    )
    op.create_table(
        "passages",
        sa.Column("generation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.INTEGER(), autoincrement=False, nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.INTEGER(), nullable=False),
        sa.Column("stop", sa.INTEGER(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("feature_ids", sa.LargeBinary(), nullable=True),
        sa.Column("activations", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_passages_document_id")),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("fk_passages_generation_id")
        ),
        sa.PrimaryKeyConstraint("generation_id", "id", name=op.f("pk_passages")),
        postgresql_partition_by="LIST (generation_id)",
    )
    op.create_index(
        op.f("ix_passages_generation_id_document_id"),
        "passages",
        ["generation_id", "document_id"],
        unique=False,
    )


def downgrade() -> None:

    op.drop_index(op.f("ix_passages_generation_id_document_id"), table_name="passages")
    op.drop_table("passages")
    op.drop_table("feature_stats")
    op.drop_index("uq_generations_live", table_name="generations", postgresql_where=sa.text("state = 'live'"))
    op.drop_table("generations")
    op.drop_table("features")
    op.drop_index(
        "uq_documents_current", table_name="documents", postgresql_where=sa.text("superseded IS NULL")
    )
    op.drop_index(op.f("ix_documents_collection_id_external_id_seq"), table_name="documents")
    op.drop_table("documents")
    op.drop_index(op.f("ix_dictionaries_collection_id"), table_name="dictionaries")
    op.drop_table("dictionaries")
    op.drop_table("collections")
    op.execute("DROP SEQUENCE change_seq")

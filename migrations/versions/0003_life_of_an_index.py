"""Changes that a search sees at once, keys and sessions, the queue of jobs and what jobs say."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = postgresql.TIMESTAMP(timezone=True)
EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "collections", sa.Column("trouble", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("documents", sa.Column("source", sa.Text(), nullable=True))
    op.create_index(op.f("ix_documents_collection_id_seq"), "documents", ["collection_id", "seq"])
    op.create_index(op.f("ix_documents_collection_id_sha256"), "documents", ["collection_id", "sha256"])
    op.create_index(
        "ix_documents_superseded",
        "documents",
        ["collection_id", "superseded"],
        postgresql_where=sa.text("superseded IS NOT NULL"),
    )
    op.drop_index(op.f("ix_passages_generation_id_document_id"), table_name="passages")
    op.create_index(op.f("ix_passages_document_id"), "passages", ["document_id"])
    op.add_column(
        "generations", sa.Column("checks", postgresql.JSONB(), server_default=EMPTY, nullable=False)
    )
    op.add_column("generations", sa.Column("live_seq", sa.BigInteger(), nullable=True))
    op.execute("UPDATE generations SET live_seq = id WHERE live_at IS NOT NULL")
    op.create_table(
        "keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_keys_sha256")),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_sessions_key_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sessions")),
    )
    op.create_table(
        "job_reports",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("progress", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("log", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_reports")),
    )
    _create_queue()


def _create_queue() -> None:
    """The queue's own tables, in a schema of their own. (A newer procrastinate brings migrations of its own,
    which a later migration here has to run.)"""
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SchemaManager.get_schema())
    op.execute("SET LOCAL search_path = DEFAULT")


def downgrade() -> None:
    op.execute("DROP SCHEMA jobs CASCADE")
    op.drop_table("job_reports")
    op.drop_table("sessions")
    op.drop_table("keys")
    op.drop_column("generations", "live_seq")
    op.drop_column("generations", "checks")
    op.drop_index(op.f("ix_passages_document_id"), table_name="passages")
    op.create_index(
        op.f("ix_passages_generation_id_document_id"), "passages", ["generation_id", "document_id"]
    )
    op.drop_index("ix_documents_superseded", table_name="documents")
    op.drop_index(op.f("ix_documents_collection_id_sha256"), table_name="documents")
    op.drop_index(op.f("ix_documents_collection_id_seq"), table_name="documents")
    op.drop_column("documents", "source")
    op.drop_column("collections", "trouble")
    op.drop_column("collections", "version")

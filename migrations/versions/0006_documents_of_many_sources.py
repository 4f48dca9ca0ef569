"""Documents of many sources side by side, files known by their stamps, and what collections are about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column(
        "collections",
        sa.Column("first_build", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("documents", sa.Column("source_id", sa.Text(), nullable=True))
    op.add_column("documents", sa.Column("stamp", sa.Text(), nullable=True))
    op.create_index(
        "ix_documents_source_id",
        "documents",
        ["collection_id", "source_id"],
        postgresql_where=sa.text("source_id IS NOT NULL AND superseded IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_documents_source_id", "documents")
    op.drop_column("documents", "stamp")
    op.drop_column("documents", "source_id")
    op.drop_column("collections", "first_build")
    op.drop_column("collections", "description")

"""The default collection is a choice that stays, and a job knows how many workers died at it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "uq_collections_default",
        "collections",
        ["is_default"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    # The one that was it until now: that of this name, else the first by name that can be searched.
    op.execute(
        """
        UPDATE collections SET is_default = true WHERE id = (
            SELECT c.id FROM collections AS c
            JOIN generations AS g ON g.collection_id = c.id AND g.state = 'live'
            ORDER BY c.name <> 'default', c.name COLLATE "C" LIMIT 1)
        """
    )
    op.add_column(
        "job_reports", sa.Column("lost", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("job_reports", "lost")
    op.drop_index("uq_collections_default", "collections")
    op.drop_column("collections", "is_default")

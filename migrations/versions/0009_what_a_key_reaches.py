"""Keys expire and reach some collections, or some documents of them; collections can be private, and sessions
an identity provider's."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("private", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("keys", sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("keys", sa.Column("collections", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column(
        "keys",
        sa.Column("filters", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("sessions", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("scope", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE scope IS NOT NULL")  # they would be an admin's then
    op.drop_column("sessions", "scope")
    op.drop_column("sessions", "name")
    op.execute(  # what it reaches is forgotten: it must not reach everything then
        "UPDATE keys SET revoked_at = COALESCE(revoked_at, now()) "
        "WHERE expires_at IS NOT NULL OR collections IS NOT NULL OR filters <> '{}'"
    )
    op.drop_column("keys", "filters")
    op.drop_column("keys", "collections")
    op.drop_column("keys", "expires_at")
    op.drop_column("collections", "private")

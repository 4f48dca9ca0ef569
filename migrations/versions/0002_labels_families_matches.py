"""Where labels come from, families of features, and what became of features of earlier dictionaries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "dictionaries",
        sa.Column("labels_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("features", sa.Column("origin", sa.Text(), server_default="offline", nullable=False))
    op.add_column("features", sa.Column("before", postgresql.DOUBLE_PRECISION(), nullable=True))
    op.add_column("features", sa.Column("drift", sa.REAL(), nullable=True))
    op.create_table(
        "families",
        sa.Column("dictionary_id", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.INTEGER(), nullable=False),
        sa.Column("parent", sa.INTEGER(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("features", postgresql.ARRAY(sa.INTEGER()), nullable=False),
        sa.Column("weights", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.ForeignKeyConstraint(
            ["dictionary_id"], ["dictionaries.id"], name=op.f("fk_families_dictionary_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dictionary_id", "family", name=op.f("pk_families")),
    )
    op.create_table(
        "feature_matches",
        sa.Column("dictionary_id", sa.BigInteger(), nullable=False),
        sa.Column("old_dictionary", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("old_feature", sa.INTEGER(), autoincrement=False, nullable=False),
        sa.Column("feature", sa.INTEGER(), nullable=True),
        sa.Column("confidence", sa.REAL(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dictionary_id"],
            ["dictionaries.id"],
            name=op.f("fk_feature_matches_dictionary_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "dictionary_id", "old_dictionary", "old_feature", name=op.f("pk_feature_matches")
        ),
    )


def downgrade() -> None:
    op.drop_table("feature_matches")
    op.drop_table("families")
    op.drop_column("features", "drift")
    op.drop_column("features", "before")
    op.drop_column("features", "origin")
    op.drop_column("dictionaries", "labels_version")

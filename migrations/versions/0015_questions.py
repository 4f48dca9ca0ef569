"""Questions that owners of a collection let be kept: how often each was asked, how well it was answered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXTS = postgresql.ARRAY(sa.Text())


def upgrade() -> None:
    op.add_column("collections", sa.Column("keep_questions", sa.Integer(), nullable=True))
    name = op.f("ck_collections_keep_questions")
    op.create_check_constraint(name, "collections", "keep_questions BETWEEN 1 AND 365")
    op.create_table(
        "questions",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("question_key", sa.LargeBinary(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("weak", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("last_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("nowhere", TEXTS, nullable=False),
        sa.Column("knobs", TEXTS, nullable=False),
        sa.Column("modes", TEXTS, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_questions_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "day", "question_key", name="pk_questions"),
    )


def downgrade() -> None:
    op.drop_table("questions")
    op.drop_column("collections", "keep_questions")

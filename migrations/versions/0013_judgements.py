"""Judgements: how well documents answer questions, in somebody's eyes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "judgements",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("question_key", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("judged_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("grade BETWEEN 0 AND 4", name="ck_judgements_grade"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_judgements_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_judgements"),
        sa.UniqueConstraint(
            "collection_id",
            "question_key",
            "document",
            "judge",
            name="uq_judgements_collection_id_question_key_document_judge",
        ),
    )
    op.create_index(
        "ix_judgements_collection_id_judge_judged_at",
        "judgements",
        ["collection_id", "judge", "judged_at"],
    )


def downgrade() -> None:
    op.drop_table("judgements")

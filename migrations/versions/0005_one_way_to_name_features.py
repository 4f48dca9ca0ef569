"""One way to name features: what measured learned ones goes, and jobs that nobody can do any more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

GONE = "SELECT id FROM jobs.procrastinate_jobs WHERE task_name IN ('train', 'label')"


def upgrade() -> None:
    op.drop_table("feature_stats")
    op.drop_column("features", "drift")
    op.drop_column("features", "before")
    op.execute(f"DELETE FROM job_reports WHERE job_id IN ({GONE})")
    op.execute("SET LOCAL search_path = jobs")  # the queue's triggers name its tables without a schema
    op.execute(f"DELETE FROM procrastinate_jobs WHERE id IN ({GONE})")
    op.execute("UPDATE procrastinate_jobs SET args = args - 'readapt' WHERE args ->> 'readapt' IS NOT NULL")
    op.execute("SET LOCAL search_path = DEFAULT")


def downgrade() -> None:
    op.add_column("features", sa.Column("before", postgresql.DOUBLE_PRECISION(), nullable=True))
    op.add_column("features", sa.Column("drift", sa.REAL(), nullable=True))
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

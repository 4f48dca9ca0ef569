"""Builds are cut into shards that any worker takes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A job that helps with a build tells no events: the build's own job does.
JOB_END = """
    CREATE OR REPLACE TRIGGER refract_tell_job_end AFTER UPDATE OF status ON jobs.procrastinate_jobs
    FOR EACH ROW WHEN (
        OLD.status IS DISTINCT FROM NEW.status {others}
        AND NEW.status::text IN ('succeeded', 'failed', 'cancelled', 'aborted'))
    EXECUTE FUNCTION tell_job_end()
"""


def upgrade() -> None:
    op.create_table(
        "shards",
        sa.Column("generation_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.INTEGER(), nullable=False),
        sa.Column("passages", postgresql.ARRAY(sa.INTEGER()), nullable=False),
        sa.Column("size", sa.INTEGER(), nullable=False),
        sa.Column("taken_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "step", "number", name="pk_shards"),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name="fk_shards_generation_id", ondelete="CASCADE"
        ),
    )
    op.execute(JOB_END.format(others="AND NEW.queue_name <> 'shards'"))


def downgrade() -> None:
    op.execute(JOB_END.format(others=""))
    op.drop_table("shards")

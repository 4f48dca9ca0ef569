"""Events, and webhooks that hear of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Whoever tells of an event waits for those who do at the moment: numbers are in the order of the commits.
# Who follows them misses none that way.
TELL_EVENT = """
    CREATE FUNCTION tell_event(kind text, collection_id bigint, collection text, data jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE
        number bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('refract events'));
        INSERT INTO events (kind, collection_id, collection, data) VALUES ($1, $2, $3, $4)
        RETURNING id INTO number;
        INSERT INTO deliveries (event_id, webhook_id)
        SELECT number, w.id FROM webhooks AS w
        WHERE w.disabled_at IS NULL AND (w.kinds IS NULL OR $1 = ANY(w.kinds))
            AND (w.collections IS NULL OR $3 = ANY(w.collections));
        PERFORM pg_notify('refract', '');
        RETURN number;
    END $$
"""
# The queue ends its jobs itself, in transactions of its own.
TELL_JOB_END = """
    CREATE FUNCTION tell_job_end() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE
        named text := NEW.args ->> 'collection';
        told jsonb := jsonb_build_object('job', NEW.id, 'job_kind', NEW.task_name);
    BEGIN
        IF NEW.status::text = 'failed' THEN
            told := told || jsonb_build_object(
                'reason', (SELECT left(reason, 500) FROM job_reports WHERE job_id = NEW.id));
        END IF;
        PERFORM tell_event(
            CASE NEW.status::text
                WHEN 'succeeded' THEN 'job.done' WHEN 'failed' THEN 'job.failed' ELSE 'job.cancelled' END,
            (SELECT id FROM collections WHERE name = named), named, told);
        RETURN NULL;
    END $$
"""
JOB_END = """
    CREATE TRIGGER refract_tell_job_end AFTER UPDATE OF status ON jobs.procrastinate_jobs
    FOR EACH ROW WHEN (
        OLD.status IS DISTINCT FROM NEW.status
        AND NEW.status::text IN ('succeeded', 'failed', 'cancelled', 'aborted'))
    EXECUTE FUNCTION tell_job_end()
"""

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("message", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=True),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("collections", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("free_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "deliveries",
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", MOMENT, server_default=NOW, nullable=True),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "event_id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name="fk_deliveries_event_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["webhook_id", "event_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    for statement in (TELL_EVENT, TELL_JOB_END, JOB_END):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER refract_tell_job_end ON jobs.procrastinate_jobs")
    op.execute("DROP FUNCTION tell_job_end()")
    op.execute("DROP FUNCTION tell_event(text, bigint, text, jsonb)")
    op.drop_table("deliveries")
    op.drop_table("webhooks")
    op.drop_table("events")

"""An index that does not scan whole vectors scans bits of them, and no cells any more; it is made again."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("ivf", "rabitq")


def downgrade() -> None:
    _rename("rabitq", "ivf")


def _rename(old: str, new: str) -> None:
    """Takes the kind of index `old` for `new` in all that names it, and forgets the files of that kind."""
    op.execute(
        f"""
        UPDATE generations SET recipe = recipe || '{{"index": "{new}"}}', files = files - 'vectors.faiss'
        WHERE recipe ->> 'index' = '{old}'
        """
    )
    op.execute(
        f"""
        UPDATE collections SET first_build = first_build || '{{"index": "{new}"}}'
        WHERE first_build ->> 'index' = '{old}'
        """
    )
    op.execute(
        f"""
        UPDATE jobs.procrastinate_jobs SET args = args || '{{"index": "{new}"}}'
        WHERE args ->> 'index' = '{old}'
        """
    )

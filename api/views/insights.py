"""Kept questions as a table that people open in their own programs."""

from collections.abc import Iterable

from api.views.tables import as_csv, as_text
from indexer.insights.listing import AskedQuestion

MOST = 10_000
"""So many questions are in a table, those asked most often."""

COLUMNS = (
    "question",
    "asked",
    "last asked",
    "days",
    "documents",
    "without a good answer",
    "thumbs down",
    "thumbs up",
    "words nowhere",
    "knobs",
    "mode",
)


def table(questions: Iterable[AskedQuestion]) -> str:
    """Writes questions as CSV."""
    return as_csv(COLUMNS, (_row(each) for each in questions))


def _row(each: AskedQuestion) -> list[str]:
    counts = each.days, each.found, each.weak, each.down, each.up
    lists = ("; ".join(names) for names in (each.nowhere, each.knobs, each.modes))
    last = each.last_at.isoformat(timespec="minutes")
    return [as_text(each.question), str(each.asked), last, *map(str, counts), *map(as_text, lists)]

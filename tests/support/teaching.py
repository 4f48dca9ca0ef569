"""A collection that judgements can teach something: of every subject there is a lesson, and other texts that
say as much about it; people want the lesson."""

from collections.abc import Sequence

from indexer.judgements.store import Given
from indexer.sources import SourceDocument

_SUBJECTS = """
bread cheese wine tea coffee honey apples rice fishing hunting sailing swimming skiing chess
football tennis painting drawing sculpture pottery weaving knitting sewing carpentry masonry
plumbing wiring gardening beekeeping forestry mining welding printing photography film theatre dance
opera guitar piano drums singing poetry grammar spelling algebra geometry statistics physics
chemistry geology astronomy weather rivers volcanoes deserts islands forests horses dogs cats birds
insects
"""
SUBJECTS = _SUBJECTS.split()
KINDS = {
    "lesson": "A tutorial for beginners and students: we teach {} step by step, with exercises for class.",
    "notice": "A police report about a crime: a thief took {} from a shop and was sent to prison.",
    "advert": "An advertisement with a discount: buy {} today in our store by credit card, shipping free.",
    "health": "A doctor tells hospital patients: {} may help against disease, pain and blood pressure.",
}
WANTED = "lesson"


def documents() -> list[SourceDocument]:
    """Gives a document for each subject and kind."""
    return [
        SourceDocument(f"{kind}/{subject}", "", text.format(subject), None, {})
        for subject in SUBJECTS
        for kind, text in KINDS.items()
    ]


def said(kinds: Sequence[str] = (WANTED,)) -> list[Given]:
    """Judges a document of each subject an answer: of these kinds in turn."""
    return [
        Given(subject, f"{kinds[place % len(kinds)]}/{subject}", 1, "ann")
        for place, subject in enumerate(SUBJECTS)
    ]

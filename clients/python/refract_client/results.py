"""What frameworks keep beside the text of a result: where it is from, and the reasons it is there."""

from typing import Any

from refract_client.records import Result


def metadata(result: Result) -> dict[str, Any]:
    """Describes a result in plain values; those of its `reasons` sum to its `score`."""
    return {
        "id": result.document.id,
        "title": result.document.title,
        "url": result.document.url or "",
        "rank": result.rank,
        "score": result.score,
        "start": result.passage.start,
        "end": result.passage.end,
        "reasons": [
            {"kind": term.kind, "label": term.word or term.label, "value": term.value}
            for term in result.terms
        ],
    }

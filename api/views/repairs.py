"""Repairs in words, for the terminal."""

from search.responses.repairs import RepairInfo


def told(repair: RepairInfo) -> str:
    """Says what a repair does."""
    match repair.kind:
        case "pinned":
            return f"{repair.document} stands first for “{repair.question}”"
        case "same_words":
            return f"{' and '.join(f'“{word}”' for word in repair.words)} count as each other"
        case "keyword":
            return f"{repair.document} counts as saying {', '.join(repair.words)}"
        case "knob":
            return f"{repair.label} is turned by {repair.strength:+g} in every search"

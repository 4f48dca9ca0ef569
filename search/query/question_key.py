"""Says which questions are the same one."""

import hashlib

from search.embedding.folding import fold


def question_key(question: str) -> bytes:
    """Gives what makes a question the same one: the SHA-256 of what its spellings have in common."""
    return hashlib.sha256(" ".join(fold(question).split()).encode()).digest()

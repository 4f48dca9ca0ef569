"""How a collection comes to names of its own: passages that hold a phrase vote for it.

A passage votes for a phrase that is nearer to it than its fifth nearest name is; its vote is how much nearer.
A phrase with votes of enough passages becomes a name, those with the largest sum first.
"""

NEAREST = 5
"""A name of the collection's own is among this many nearest to some passages that hold it."""

MINED_ROWS = 20_000
"""So many passages are asked, drawn at random where there are more."""

LARGE = 2000


def fewest_votes(passages: int) -> int:
    """Says how many of some passages have to vote for a name."""
    return 2 if passages < LARGE else 3

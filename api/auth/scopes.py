"""A scope is what a key may do. This is apart from the rest, so that the command line need not load a
database to name them."""

from typing import Literal, get_args

Scope = Literal["search", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)  # each may do what those before it may


def reaches(scope: str, needed: Scope) -> bool:
    """Tells whether who has a scope may do what needs another."""
    return SCOPES.index(scope) >= SCOPES.index(needed)

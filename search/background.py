"""Work in the background goes on until what it is for has ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def in_background(name: str, work: Callable[[Event], None]) -> Iterator[None]:
    """Does some work in a thread of that name, which is asked to end with the block."""
    ended = Event()
    thread = Thread(target=work, args=(ended,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

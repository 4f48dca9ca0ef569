"""How much one request may send, how long it may take, how many there are at once: docs/guide/limits.md."""

MIB = 1 << 20

MAX_OPEN_BODY = 1 * MIB
"""Bytes that anybody may send. It is read, and held against its schema, while all others wait."""

MAX_BODY = 32 * MIB
"""Bytes that a key that may write may send."""

BYTES_A_VALUE = 16
"""A body has at most one value (a comma, or the beginning of a list or object) for so many bytes that it may
have: many small ones take much longer to read than few long ones, while all others wait."""

HEAD_SECONDS = 15.0
"""A request's first line and headers are there within so long after its connection, or its first byte."""

UNREAD_SECONDS = 60.0
"""A connection is dropped on which nothing of an answer was read for so long."""

BODY_SECONDS = 20.0
"""A body may take so long, and a second more for each `BODY_RATE` bytes."""

BODY_RATE = 64 << 10

ANSWER_SECONDS = 30.0
"""An answer that takes longer is given up."""

WRITE_SECONDS = 300.0
"""What changes something may take so long: to say of it that it took too long says little of what became of
it."""

READY_SECONDS = 1.0
"""/readyz waits so long for the database."""

STOP_SECONDS = 10
"""Requests that run have so long to end once the server is asked to stop."""

MAX_AT_ONCE = 200
"""Requests that are worked on or wait; one more is refused at once. Each has a thread."""

MOST_FOLLOWERS = 50
"""So many of them may wait for events, without a thread."""

RETRY_SECONDS = 5
"""What is said to who is refused for that."""

READING_POSTS = frozenset({"/v1/search", "/v1/analyze", "/v1/refine", "/analyze"})
"""What is sent there is a question: it changes nothing, and needs no key that may write."""

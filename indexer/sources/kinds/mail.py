"""Mails: the subject as title, the words of the body, and who wrote to whom and when as metadata."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.markup.html import parse_html


def parse_mail(data: bytes) -> Parsed:
    """Title, text and metadata of an `.eml` file; attachments are named in a note.

    Raises:
        UnreadableError: it has no header.
    """
    message = BytesParser(policy=policy.default).parsebytes(data)
    if not message.keys():
        raise UnreadableError("it is no mail: it has no header")
    blocks, attached, notes = [], [], []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), part.get_filename()
        if name or kind not in ("text/plain", "text/html"):
            attached.append(name or kind)
        elif kind == "text/plain" or not _has_plain(message):
            text, assumed = decode(_payload(part), part.get_content_charset())
            blocks.append(parse_html(text)[1] if kind == "text/html" else text.strip())
            notes += [assumed] if assumed else []
    notes += [f"not read of it: {', '.join(attached)[:200]}"] if attached else []
    return Parsed(_header(message, "Subject"), "\n\n".join(blocks), _meta(message), tuple(notes))


def _payload(part: Any) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _has_plain(message: EmailMessage) -> bool:
    """A mail written in HTML has its plain text beside it, most of the time."""
    return any(part.get_content_type() == "text/plain" and not part.get_filename() for part in message.walk())


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, TypeError, IndexError, AttributeError):  # what the standard library cannot parse
        return ""


def _meta(message: EmailMessage) -> dict[str, Any]:
    found: dict[str, Any] = {name.lower(): _header(message, name) for name in ("From", "To")}
    try:
        found["date"] = parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError):
        found["date"] = ""
    return {name: value for name, value in found.items() if value}

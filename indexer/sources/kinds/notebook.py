"""Jupyter notebooks: the words and the code of their cells, without what the code printed."""

import json
from typing import Any

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.markup.html import parse_html
from indexer.sources.markup.markdown import markdown_to_html


def parse_notebook(data: bytes) -> Parsed:
    """Title (the first heading) and text of an `.ipynb` file.

    Raises:
        UnreadableError: it is no notebook.
    """
    text, _ = decode(data)
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets") or [notebook]  # before version 4
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        title, blocks = "", []
        for cell in cells:
            source = _joined(cell.get("source") or cell.get("input") or "")
            if cell.get("cell_type") == "markdown":
                heading, source = parse_html(markdown_to_html(source))
                title = title or heading
            blocks.append(source.strip())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"it is no notebook: {error!r:.100}") from None
    return Parsed(title, "\n\n".join(block for block in blocks if block))


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)

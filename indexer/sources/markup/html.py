"""HTML into plain text: paragraphs separated by blank lines, list items by lines, code as it stands."""

import re

from lxml import etree, html

_SKIPPED = {
    *("head", "script", "style", "nav", "template", "noscript", "svg", "iframe", "object"),
    *("button", "select", "textarea", "input", "dialog"),
}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl"),
    *(
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
    ),
    *(
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ),
}
_LEADS = {"li": "\n- ", "dd": "\n", "tr": "\n"}
"""What comes before these, so that lists, definitions and tables stay together."""

_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_DATA = re.compile(
    r"data:[\w.+-]{1,80}/[\w.+-]{1,80}(?:;[\w=.+-]{1,80}){0,9},[A-Za-z0-9+/=%_.~!*'():@&$-]{64,}", re.I
)
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
_LONG_TAG = re.compile(r"(<[a-zA-Z][^\s<>]{0,80})[\s/][^<>]{20000,}+>")
"""A tag with thousands of attributes, or with a file in one: reading takes the square of their number."""

_LINE_BREAK = "\v"  # a <br>, told apart from the line ends of the source, which are mere white space


def declared_charset(data: bytes) -> str | None:
    """The character set that the page says it is in."""
    match = _DECLARED.search(data[:2048])
    return match[1].decode("ascii") if match else None


def without_data(text: str) -> str:
    """The text without what is no text in it: files written out as `data:` addresses, and characters that are
    not seen, soft hyphens above all."""
    return _UNSEEN.sub("", _DATA.sub("", text))


def parse_html(markup: str) -> tuple[str, str]:
    """Title and text of a page; both empty where there is none."""
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    data = _LONG_TAG.sub(r"\1>", markup).encode("utf-8", "replace")
    if not data.strip():
        return "", ""
    root = html.document_fromstring(data, parser=parser, ensure_head_body=True)
    headings = (str(element.xpath("string()")) for tag in ("title", "h1", "h2") for element in root.iter(tag))
    title = next((" ".join(heading.replace("¶", "").split()) for heading in headings if heading.strip()), "")
    main = (element for element in root.iter() if element.tag == "main" or element.get("role") == "main")
    return title, _Text().of(next(main, root))


class _Text:
    """Collects the blocks of a page while its elements are walked in order."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._current: list[str] = []
        self._lead = "\n\n"
        self._verbatim = 0
        self._begun = False

    def of(self, root: etree._Element) -> str:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            skipped = _is_skipped(element)
            if event == "start" and skipped:
                walk.skip_subtree()
            elif event == "start":
                self._start(element)
            elif not skipped:
                self._end(element)
            if event == "end" and element is not root:
                self._add(element.tail)
        self._flush()
        return "".join(self._blocks).strip()

    def _start(self, element: etree._Element) -> None:
        if _is_block(element):
            self._flush()
        if element.tag in _LEADS:
            self._lead = _LEADS[element.tag]
        elif element.tag == "pre":
            self._verbatim += 1
        elif element.tag == "br":
            self._current.append(_LINE_BREAK)
        elif element.tag in ("td", "th") and self._begun:
            self._current.append(" | ")
        self._add(element.text)

    def _add(self, text: str | None) -> None:
        if text:
            self._current.append(text)
            self._begun = self._begun or not text.isspace()

    def _end(self, element: etree._Element) -> None:
        if _is_block(element):
            self._flush()
        if element.tag in _LEADS:
            self._lead = "\n\n"
        elif element.tag == "pre":
            self._verbatim -= 1

    def _flush(self) -> None:
        """Ends the block: the next one is a paragraph of its own, unless an element that leads says else."""
        raw = "".join(self._current)
        self._current.clear()
        self._begun = False
        if self._verbatim:
            block = raw.replace(_LINE_BREAK, "\n").strip("\n").rstrip()
        else:
            block = "\n".join(" ".join(line.split()) for line in raw.split(_LINE_BREAK)).strip()
        if block.strip():
            self._blocks.append(self._lead + block)
            self._lead = "\n\n"


def _is_block(element: etree._Element) -> bool:
    """A lone paragraph in a cell is part of its row."""
    parent = element.getparent()
    in_cell = element.tag == "p" and parent is not None and parent.tag in ("td", "th")
    return element.tag in _BLOCKS and not (
        in_cell and element.getnext() is None and element.getprevious() is None
    )


def _is_skipped(element: etree._Element) -> bool:
    return (
        element.tag in _SKIPPED
        or "hidden" in element.attrib
        or (element.tag == "a" and "headerlink" in element.get("class", ""))
    )

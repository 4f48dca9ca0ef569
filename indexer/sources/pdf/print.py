"""What printing does to texts, and programs that print to titles, undone."""

import re

_LIGATURES = str.maketrans(
    dict(zip(map(chr, range(0xFB00, 0xFB07)), ["ff", "fi", "fl", "ffi", "ffl", "st", "st"], strict=True))
)
_AT_LINE_END = re.compile(r"([^\W\d_]+|\d+)([-\u2010\xad])[ \t]*\n{1,2}[ \t]*([^\W_]+)")

_EXTENSIONS = r"docx?|dotx?|rtf|odt|txt|pdf|tex|dvi|ps|eps|indd|qxd|pmd|fm|tmp|xlsx?|pptx?|html?|p65"
_USELESS = re.compile(
    rf"""
    microsoft\ (office\ )?(word|powerpoint|excel|publisher|visio)\b.*
    | (untitled|unbenannt|sans\ titre|sin\ título|no\ title|unknown|none|null|title|titel|default)([\s_-]*\d*)
    | (document|dokument|doc|slide|folie|book|mappe|sheet|tabelle|page|seite|presentation|scan|image|img
        |print|layout|camscanner)
      [\s_\d.-]*
    | \(?(anonymous|unspecified)\)? | about:\w+ | full\ page\ (photo|fax\ print)
    | (presentaci[oó]n|présentation|apresentação)\ (de\ )?powerpoint
    | (powerpoint|word|excel)[\s_-]*(presentation|präsentation|document|dokument|template)?
    | [^\s]*\.({_EXTENSIONS})
    | .+\.({_EXTENSIONS})([\s_-]*\(?\d*\)?)
    | ([a-z]:)?[\\/].*[\\/].* | [a-z]:\\.* | file:.* | https?://\S+
    | \{{?[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\}}?
    | (?=[a-f]*\d)[0-9a-f]{{16,}}
    | [\W\d_]*
    """,
    re.IGNORECASE | re.VERBOSE,
)


def mended(text: str) -> str:
    """A text without ligatures, soft hyphens and hyphens at the ends of lines."""
    text = text.translate(_LIGATURES)
    words = set(re.findall(r"\w+-\w+", text.lower()))
    joined = _AT_LINE_END.sub(lambda found: _joined(found[1], found[2], found[3], words), text)
    return joined.replace("\xad", "").strip()


def _joined(before: str, hyphen: str, after: str, words: set[str]) -> str:
    """Two parts of a word as one; with the hyphen where it is a word's own: the text has the word with it in
    the middle of a line, a number is part of it, or another capital follows."""
    if hyphen == "\xad":
        return before + after
    divided = after[0].islower() or (
        before.isupper() and len(before) > 1 and after.isupper() and len(after) > 1
    )
    own = f"{before}-{after}".lower() in words
    return before + after if divided and before[-1].isalpha() and not own else f"{before}-{after}"


def is_title(text: str) -> bool:
    """Whether somebody chose a title: names of files, programs and templates were put there by one."""
    return not _USELESS.fullmatch(text.strip())

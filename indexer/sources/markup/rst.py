"""reStructuredText into HTML by docutils; Sphinx's dialect is read for its words."""

import re
from collections import defaultdict
from typing import Any, ClassVar

from docutils import core, nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en
from docutils.parsers.rst.states import Inliner
from docutils.readers import standalone
from docutils.transforms import Transform

_DIRECTIVE = re.compile(r"^[^\S\n]*\.\. +([\w:.+-]{1,80})::", re.MULTILINE)
_ROLE = re.compile(r":([\w:.+-]{1,80}):`")
_LINKED = re.compile(r"\s*<[^<>]*>$")

_WITHOUT_TEXT = {
    *("currentmodule", "default-domain", "highlight", "index", "module", "py:currentmodule", "py:module"),
    *("tabularcolumns", "testsetup", "testcleanup", "toctree"),
}
_CODE = {"code", "code-block", "sourcecode", "doctest", "testcode", "testoutput", "productionlist"}
_CONDITIONS = {"only", "ifconfig", "rst-class", "cssclass"}
_VERSIONS = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
}
_SETTINGS = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "halt_level": 6,
    "line_length_limit": 1
    << 30,  # of a text with a line of more than 10,000 characters nothing would be left
    "math_output": "LaTeX",
    "raw_enabled": False,
    "report_level": 5,
    "syntax_highlight": "none",
    "warning_stream": False,
}


def rst_to_html(text: str) -> str:
    """The body of a page, its title as a heading. Nothing is included from other files."""
    _make_known(text)
    parts = core.publish_parts(text, reader=_Reader(), writer="html5", settings_overrides=_SETTINGS)
    return str(parts["html_body"])


def _make_known(text: str) -> None:
    """Registers what the text uses and docutils does not know, so that it is read instead of refused."""
    for name in {name.lower() for name in _DIRECTIVE.findall(text)}:
        if name in _CODE or name not in en.directives:
            directives.register_directive(name, _AnyDirective)
    for name in {name.lower() for name in _ROLE.findall(text)} - set(en.roles):
        roles.register_local_role(name, _any_role)  # type: ignore[arg-type]  # the stubs know no plain nodes


def _any_role(
    _name: str, _raw: str, text: str, _line: int, _inliner: Inliner, *_: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The words of a cross reference: of `title <target>` the title, of `~a.b.c` the last name."""
    words = nodes.unescape(text)
    words = words.rsplit(".", 1)[-1] if words.startswith("~") else _LINKED.sub("", words) or words
    return [nodes.literal(words, words)], []


class _AnyDirective(Directive):
    """A directive of Sphinx or an extension: its argument and its content are text, its options are not."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = defaultdict(lambda: directives.unchanged, name=directives.unchanged)
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.name.lower()
        if name in _WITHOUT_TEXT:
            return []
        if name in _CODE:
            code = "\n".join(self.content)
            return [nodes.literal_block(code, code)]
        container = nodes.container()
        if argument := self._argument(name):
            inline, _messages = self.state.inline_text(argument, self.lineno)
            container += nodes.paragraph(argument, "", *inline)
        self.state.nested_parse(self.content, self.content_offset, container)
        return [container]

    def _argument(self, name: str) -> str:
        if not self.arguments or name in _CONDITIONS:
            return ""
        if name not in _VERSIONS:
            return self.arguments[0]
        version, _, what = self.arguments[0].partition(" ")
        return f"{_VERSIONS[name]} {version}: {what}" if what else f"{_VERSIONS[name]} {version}."


class _KeepRefused(Transform):
    """What docutils refuses (a malformed table, an impossible heading) stays in the text as it was written,
    without the complaint about it."""

    default_priority = 800  # before the messages are filtered out at 870

    def apply(self) -> None:
        for message in list(self.document.findall(nodes.system_message)):
            if message["level"] >= 3 and message.parent is not None:
                kept = [child for child in message.children if isinstance(child, nodes.literal_block)]
                index = message.parent.index(message)
                message.parent[index : index + 1] = kept


class _Reader(standalone.Reader):  # type: ignore[type-arg]
    def get_transforms(self) -> list[type[Transform]]:
        return [*super().get_transforms(), _KeepRefused]

"""The documentation says what the program does: made pages are current, what others name is there."""

import inspect
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from search import errors
from search.settings import Settings
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WRITTEN = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(page for page in sorted(DOCS.rglob("*.md")) if page.name not in ("LOG.md", *reference.PAGES)),
]
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_that_is_made_is_current(name: str) -> None:
    made = reference.PAGES[name]()
    assert (reference.FOLDER / name).read_text("utf-8") == made, "run python -m tools.reference"


def test_variables_that_pages_name_are_settings() -> None:
    known = {reference.variable(name) for name in Settings.model_fields}
    for page in WRITTEN:
        named = set(re.findall(r"\bREFRACT_[A-Z_]+|\bDATABASE_URL\b", page.read_text("utf-8")))
        assert named <= known, page.name


def test_the_tree_that_the_errors_draw_is_that_of_their_classes() -> None:
    lines = inspect.cleandoc(errors.__doc__ or "").splitlines()
    drawn = [
        (place[1], place.start(1) // 4, place[2])
        for line in lines[2:]
        if (place := re.match(r"[│├└─ ]*([A-Z]\w+)(?: +(\d{3}))?(?: {2,}|$)", line))
    ]
    tree = reference.tree()
    depth = {kind: len(inspect.getmro(kind)) - len(inspect.getmro(tree[0])) for kind in tree}
    assert [(name, level) for name, level, _ in drawn] == [(kind.__name__, depth[kind]) for kind in tree]
    assert all(status in (None, str(kind.status)) for (_, _, status), kind in zip(drawn, tree, strict=True))


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_pages_outside_the_site_lead_somewhere() -> None:
    for page in WRITTEN[:4]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem[:4])
def test_a_decision_has_its_parts_and_names_what_there_is(page: Path) -> None:
    text = page.read_text("utf-8")
    assert f"({page.name})" in (DOCS / "decisions" / "index.md").read_text("utf-8")
    for part in ("**Status:**", "## Decision", "## Figure", "## Command"):
        assert part in text, part
    for module in re.findall(r"^python -m (\S+)", text, flags=re.MULTILINE):
        assert find_spec(module), module
    for path in re.findall(r"`((?:search|indexer|api)/[\w/]+\.py)`", text):
        assert (ROOT / path).exists(), path


def test_decisions_that_code_cites_are_there() -> None:
    cited = {
        (path, number)
        for layer in ("search", "indexer", "api")
        for path in (ROOT / layer).rglob("*")
        if path.suffix in (".py", ".md")
        for number in re.findall(r"docs/decisions/(\d{4})", path.read_text("utf-8"))
    }
    assert {number for _, number in cited} <= {page.name[:4] for page in DECISIONS}
    assert len(cited) > 5

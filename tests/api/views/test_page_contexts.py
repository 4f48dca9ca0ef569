"""Each page's context has what its template uses, and nothing else."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
from jinja2 import meta, nodes

from api.views.rendering import ENVIRONMENT, TEMPLATES, Page
from api.web import routes

GIVEN = {"path", "fragment", "csrf"} | ENVIRONMENT.globals.keys()
"""What `render` and the environment give to every template."""


def pages(above: type[Page] = Page) -> Iterator[type[Page]]:
    for page in above.__subclasses__():
        if hasattr(page, "template") and page.__module__.startswith("api."):
            yield page
        yield from pages(page)


def parsed(template: str) -> nodes.Template:
    return ENVIRONMENT.parse((TEMPLATES / template).read_text(encoding="utf-8"))


def filled_in(tree: nodes.Template) -> Iterator[str]:
    """The templates that a template extends and includes, which see its context."""
    for node in tree.find_all((nodes.Extends, nodes.Include)):
        name = getattr(node, "template", None)
        assert isinstance(name, nodes.Const)
        yield name.value


def used(tree: nodes.Template) -> set[str]:
    """The variables of a template and of all that it extends and includes, but for those that it sets itself
    or asks whether they are there."""
    own = {node.name for node in tree.find_all(nodes.Macro)}
    own |= {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    tests = (test.node for test in tree.find_all(nodes.Test) if test.name == "defined")
    own |= {node.name for node in tests if isinstance(node, nodes.Name)}
    names = meta.find_undeclared_variables(tree) - own
    return names.union(*(used(parsed(name)) for name in filled_in(tree)))


def used_by(page: type[Page]) -> set[str]:
    """What is used of a page's context: by its blocks alone where no more is ever rendered."""
    whole = parsed(page.template)
    if not page.part:
        return used(whole)
    blocks = [block for block in whole.find_all(nodes.Block) if block.name in page.blocks]
    alone = nodes.Template([node for block in blocks for node in block.body], lineno=1)
    alone.set_environment(ENVIRONMENT)
    return used(alone)


@pytest.mark.parametrize("page", [*pages()], ids=lambda page: page.__name__)
def test_a_page_has_the_variables_of_its_template_and_no_others(page: type[Page]) -> None:
    assert {field.name for field in fields(page)} == used_by(page) - GIVEN


@pytest.mark.parametrize("page", [*pages()], ids=lambda page: page.__name__)
def test_the_blocks_of_a_page_are_in_its_template(page: type[Page]) -> None:
    assert set(page.blocks) <= {block.name for block in parsed(page.template).find_all(nodes.Block)}


def test_every_template_belongs_to_a_page() -> None:
    assert routes.PAGE_ROUTERS  # they bring the modules that define the pages
    templates = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    shared = {name for name in templates if name.startswith("partials/") or "/_" in name} | {"base.html"}
    assert {page.template for page in pages()} == templates - shared

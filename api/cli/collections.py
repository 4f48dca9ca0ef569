"""The commands below `refract collections`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.terminal.context import opened, opened_engine
from api.cli.terminal.output import console, output
from search.errors import InvalidRequest

if TYPE_CHECKING:
    from search.responses.collections import CollectionInfo

app = typer.Typer(help="List, rename, describe, hide, copy and delete collections.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the collection.")]
NewName = Annotated[str, typer.Argument(metavar="NEW", help="Its new name, or that of the copy.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 100,
    after: Annotated[str, typer.Option(help="Only those whose name comes after this one.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As the API has them.")] = False,
) -> None:
    """List the collections by name: what they are about, how large they are, where they stand."""
    from pydantic import TypeAdapter

    from search.browse.collections import collections
    from search.responses.collections import CollectionInfo

    with opened_engine() as engine:
        found = collections(engine, after=after, limit=limit + 1)
    page = found[:limit]
    if as_json:
        print(TypeAdapter(list[CollectionInfo]).dump_json(page).decode())
    else:
        table = Table("collection", "state", "seen", "documents", "passages", "about", header_style="bold")
        for info in page:
            sizes = f"{info.documents:,}", f"{info.passages:,}"
            state = f"{info.state}, default" if info.default else info.state
            seen = "private" if info.private else "public"
            table.add_row(info.name, state, seen, *sizes, escape(_about(info)))
        output.print(table)
    if len(found) > limit:
        console.print(f"There are more: --after {page[-1].name}", markup=False)


@app.command()
def rename(name: Name, new: NewName) -> None:
    """Give a collection another name; everything else stays."""
    from indexer.collections import rename_collection

    with opened() as (_, database):
        rename_collection(database, name, new)
    console.print(f"{name} is {new} now.", markup=False)


@app.command()
def describe(
    name: Name,
    description: Annotated[
        str | None, typer.Argument(help="What it is about, in one line; '' takes it away.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="What people read instead of its name; '' takes it away.")
    ] = None,
) -> None:
    """Say what a collection is about, and what it is called where people read of it."""
    from indexer.collections import About, describe_collection

    if description is None and title is None:
        raise InvalidRequest("There is nothing to say.", hint="Give a description, or a --title.")
    with opened() as (_, database):
        describe_collection(database, name, About(title, description))
    told = " and ".join(
        what for what, given in (("title", title), ("description", description)) if given is not None
    )
    console.print(f"{name} has its {told}.", markup=False)


@app.command()
def default(name: Name) -> None:
    """Make a collection the one that requests go to that name none."""
    from indexer.default_collection import choose_default

    with opened() as (_, database):
        choose_default(database, name)
    console.print(f"{name} is the default now.", markup=False)


@app.command()
def private(name: Name) -> None:
    """Hide a collection from everybody but those whose key reaches it."""
    _set_private(name, private=True)


@app.command()
def public(name: Name) -> None:
    """Show a collection to everybody, as it is at first."""
    _set_private(name, private=False)


@app.command()
def copy(name: Name, new: NewName) -> None:
    """Make a new, empty collection with another one's settings: model, passage length, index, title and
    description."""
    from indexer.collections import copy_collection

    with opened() as (_, database):
        copy_collection(database, name, new)
    console.print(f"{new} has the settings of {name}, and no document yet.", markup=False)


@app.command()
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a collection with its documents, index, labels and presets; it asks first."""
    from sqlalchemy.orm import Session

    from indexer.collections import delete_collection
    from indexer.stats import count_documents
    from search.db.lookup import find_collection

    with opened() as (settings, database):
        with Session(database) as session:
            documents = count_documents(session, find_collection(session, name).id)
        held = f"{documents:,} document{'' if documents == 1 else 's'}"
        if not (
            yes or _is_sure(f"Delete {name} with its {held}, labels and presets? Nothing brings it back.")
        ):
            raise InvalidRequest(f"{name!r} was not deleted.", hint="Confirm with y, or with --yes.")
        delete_collection(database, settings.data, name)
    console.print(f"{name} is deleted, with {held}.", markup=False)


def _set_private(name: str, *, private: bool) -> None:
    from indexer.collections import set_private

    with opened() as (_, database):
        set_private(database, name, private=private)
    seen = "is there only for those whose key reaches it" if private else "is there for everybody"
    console.print(f"{name} {seen}.", markup=False)


def _about(info: "CollectionInfo") -> str:
    return ": ".join(said for said in (info.title, info.description) if said)


def _is_sure(question: str) -> bool:
    """Asks a person; where nobody is there to answer it is a no."""
    return sys.stdin.isatty() and typer.confirm(question, default=False, err=True)

"""The command that prints events, and follows them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal.context import opened
from api.views.numbers import moment

if TYPE_CHECKING:
    from indexer.hooks.events import EventInfo

PAGE = 500
POLL_SECONDS = 1.0

app = typer.Typer()


@app.command()
def events(
    after: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those that happen.")] = False,
    kind: Annotated[
        list[str], typer.Option(metavar="KIND", help="Only of this kind, as job.failed; may be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    collection: Annotated[str, typer.Option(help="Only of this collection.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON Lines.")] = False,
) -> None:
    """Print what has happened, the first first: jobs that ended, generations that changed."""
    from pydantic import TypeAdapter
    from sqlalchemy.orm import Session

    from indexer.hooks.events import EventInfo, read_events
    from search.db.listener import listening

    as_the_api = TypeAdapter(EventInfo)
    with opened() as (_, database), listening(database) as wait:
        while True:
            with Session(database) as session:
                page = read_events(session, after=after, kinds=kind, collection=collection, limit=PAGE)
            if page.missed:
                print("refract: Some events after that number are not kept any more.", file=sys.stderr)
            for event in page.events:
                print(as_the_api.dump_json(event).decode() if as_json else _line(event), flush=True)
            after = page.last
            if len(page.events) == PAGE:
                continue
            if not follow:
                return
            wait(POLL_SECONDS)


def _line(event: "EventInfo") -> str:
    told = ", ".join(f"{name} {value}" for name, value in event.data.items() if value is not None)
    parts = [str(event.id), moment(event.at.astimezone()), event.kind, event.collection or "", told]
    return "  ".join(part for part in parts if part)

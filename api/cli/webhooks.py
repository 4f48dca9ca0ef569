"""The commands below `refract webhooks`."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.terminal.context import opened
from api.cli.terminal.output import console, output
from api.views.numbers import moment

app = typer.Typer(
    help="Have events sent to addresses: make, list, test and remove webhooks.", no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="Number of the webhook in `refract webhooks list`.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent to, by POST.")],
    kind: Annotated[
        list[str], typer.Option(metavar="KIND", help="Only of this kind, as job.failed; may be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    collections: Annotated[
        str, typer.Option(metavar="NAMES", help="Only of these collections, with commas between them.")
    ] = "",
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a webhook and print its secret, this once: its receiver checks signatures with it."""
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import make_webhook
    from search.settings import comma_separated

    names = comma_separated(collections)
    with opened() as (_, database), Session(database) as session:
        made = make_webhook(session, url, kinds=kind, collections=names, note=note)
        session.commit()
    print(made.secret)  # alone on standard output
    print(f"Webhook {made.id} is made. Keep its secret: it is shown this once.", file=sys.stderr)


@app.command("list")
def list_() -> None:
    """List all webhooks: what each hears of, and whether it is taken."""
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import list_webhooks

    table = Table(header_style="bold")
    for heading in ("number", "address", "events", "collections", "state", "waiting", "note"):
        table.add_column(heading)
    with opened() as (_, database), Session(database) as session:
        for each in list_webhooks(session):
            state = "enabled"
            if each.disabled_at:
                state = f"disabled {moment(each.disabled_at.astimezone())} {each.reason}".strip()
            elif each.failing_since:
                state = f"failing since {moment(each.failing_since.astimezone())}"
            kinds, names = ", ".join(each.kinds or ["all"]), ", ".join(each.collections or ["all"])
            told = (each.url, kinds, names, state, str(each.waiting), each.note)
            table.add_row(str(each.id), *map(escape, told))
    output.print(table)


@app.command()
def deliveries(
    number: Number, limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20
) -> None:
    """List what was sent to a webhook and what came of it, the latest event first."""
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import list_deliveries

    table = Table(header_style="bold")
    for heading in ("event", "kind", "collection", "state", "attempts", "answer", "next"):
        table.add_column(heading)
    with opened() as (_, database), Session(database) as session:
        for each in list_deliveries(session, number, limit=limit):
            next_at = moment(each.next_at.astimezone()) if each.next_at else ""
            told = (each.kind, each.collection or "", each.state, str(each.attempts), each.answer, next_at)
            table.add_row(str(each.event), *map(escape, told))
    output.print(table)


@app.command()
def test(number: Number) -> None:
    """Send a ping to a webhook now, from this machine; exit status 1 if it is not taken."""
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import try_webhook

    with opened() as (_, database), Session(database) as session:
        outcome = try_webhook(session, number)
    console.print(f"Webhook {number}: {escape(outcome.answer)}, after {outcome.milliseconds} ms.")
    if not outcome.delivered:
        raise typer.Exit(1)


@app.command()
def disable(number: Number) -> None:
    """Let a webhook hear of nothing any more; what waits for it stays."""
    _set_enabled(number, enabled=False)
    console.print(f"Webhook {number} is disabled.")


@app.command()
def enable(number: Number) -> None:
    """Let a webhook hear of events again, and of what waited."""
    _set_enabled(number, enabled=True)
    console.print(f"Webhook {number} is enabled.")


@app.command()
def remove(number: Number) -> None:
    """Delete a webhook with its deliveries."""
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import delete_webhook

    with opened() as (_, database), Session(database) as session:
        delete_webhook(session, number)
        session.commit()
    console.print(f"Webhook {number} is deleted.")


def _set_enabled(number: int, *, enabled: bool) -> None:
    from sqlalchemy.orm import Session

    from indexer.hooks.webhooks import set_enabled

    with opened() as (_, database), Session(database) as session:
        set_enabled(session, number, enabled=enabled)
        session.commit()

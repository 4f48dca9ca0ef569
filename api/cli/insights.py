"""The command that prints what people ask of a collection."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import console, output

if TYPE_CHECKING:
    from indexer.insights.listing import Insights

app = typer.Typer()


@app.command()
def insights(
    collection: Collection = "default",
    as_csv: Annotated[bool, typer.Option("--csv", help="All questions that are kept, as a table.")] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            help="Keep questions for so many days from now on; 0: keep none, and delete those that are kept."
        ),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete all that are kept.")] = False,
) -> None:
    """Say what is asked of a collection, where that is kept: most often, without a good answer, and with
    words that are nowhere."""
    from api.views.insights import MOST, table
    from indexer.insights.listing import list_questions, read_insights
    from indexer.insights.setting import delete_questions, keep_questions
    from search.db.connection import open_session
    from search.db.lookup import find_collection

    with opened() as (_, database):
        if keep is not None:
            keep_questions(database, collection, keep)
        if delete:
            console.print(f"{delete_questions(database, collection):,} are deleted.", markup=False)
        with open_session(database) as session:
            row = find_collection(session, collection)
            if as_csv:
                print(table(list_questions(session, row, limit=MOST)), end="")
            else:
                _print(read_insights(session, row))


def _print(found: "Insights") -> None:
    if found.days is None:
        console.print(
            f"No questions are kept of {found.collection}: --keep 30 keeps them for 30 days.", markup=False
        )
        return
    output.print(
        f"{found.asked:,} asked ({found.questions:,} different), {found.weak:,} without a good answer; kept "
        f"for {found.days} days.",
        markup=False,
    )
    for title, questions in (("Asked most", found.most_asked), ("Without a good answer", found.unanswered)):
        _list(title, [(each.asked, each.question) for each in questions])
    for title, counted in (("Words that are nowhere", found.nowhere), ("Turned most", found.knobs)):
        _list(title, [(each.questions, each.name) for each in counted])


def _list(title: str, lines: list[tuple[int, str]]) -> None:
    if lines:
        output.print(f"\n{title}", style="bold")
    for number, line in lines:
        output.print(f"{number:>6,}  {line}", markup=False, highlight=False)

"""The command line knows which commands there are, and how errors and signals end them."""

import logging
import os
import signal
import sys
from importlib.metadata import version
from threading import Timer
from typing import Annotated, Any, ClassVar, NoReturn

import typer

from api.cli.terminal.lazy_group import LazyGroup
from search.errors import RefractError
from search.logs import configure


class Commands(LazyGroup):
    """Lists the commands. Their modules import the database and the model when a command runs, so that help
    and a wrong option need not wait for torch."""

    modules: ClassVar = {
        "api.cli.serve": {
            "run": "Index the demo (the documentation of the installed Python) if it is not there yet, "
            "and serve it.",
            "demo": "",
            "serve": "Serve what is indexed: the web page at / and the JSON API at /v1.",
            "serving": "",
            "worker": "Add new documents to what is searched and do the jobs of the queue, as a process of "
            "its own.",
        },
        "api.cli.index": {
            "index": "Read documents from PATH and make them searchable; only what changed is embedded "
            "again.",
            "add": "Write one document, or replace it, and make it searchable.",
            "delete": "Delete documents; searches do not find them any more at once.",
            "reindex": "Build a new generation from the documents in the store; unchanged passages are not "
            "embedded again. It\nsays first what is, and asks on a terminal.",
        },
        "api.cli.maintain": {
            "documents": "List the documents of a collection by their ids, all of them if wanted.",
            "generations": "List the collection's generations: the live one, and the one before, that "
            "rollback goes back to.",
            "rollback": "Make an earlier generation live again, at once: its texts as they were, its "
            "dictionary, its index.",
            "verify": "Compare the database with the files made from it; exit status 1 if something is "
            "wrong.",
            "dump": "Write documents, labels, dictionaries, live indexes and keys into one file, also while "
            "serving.",
            "backup": "Do now what the worker does by REFRACT_BACKUP_TO: dump all, restore it for trial, "
            "drop the oldest.",
            "restore": "Put a dump into an empty database, embedded or of DATABASE_URL: all of it or, if "
            "stopped, nothing.",
            "scorecard": "Show how good the collection's dictionary is.",
        },
        "api.cli.search": {
            "search": "Search a collection and show what each score is made of.",
            "compare": "Show why one document stands before another, term by term.",
            "why-not": "Show where a document stands, what it lacks, and the smallest steering that brings "
            "it up.",
            "analyze": "Show the features of any text, and of its sentences, as knobs to search with.",
            "refine": "Show the features that tell liked documents from others, and the steering that says "
            "the same.",
        },
        "api.cli.collections": {"collections": "List, rename, describe, hide, copy and delete collections."},
        "api.cli.labels": {"labels": "Give features other names, by hand."},
        "api.cli.audit": {"audit": "Print who changed what, and what was denied, as JSON Lines."},
        "api.cli.events": {
            "events": "Print what has happened, the first first: jobs that ended, generations that changed."
        },
        "api.cli.webhooks": {
            "webhooks": "Have events sent to addresses: make, list, test and remove webhooks."
        },
        "api.cli.doctor": {
            "doctor": "Check this set-up and say what to do; exit status 1 if something is wrong."
        },
        "api.cli.mcp": {"mcp": "Serve agents by the Model Context Protocol over standard input and output."},
        "api.cli.jobs": {"jobs": "List the jobs of the queue, cancel them, begin them again."},
        "api.cli.keys": {"keys": "Make, list and revoke keys of API clients and admins."},
        "api.cli.presets": {"presets": "Keep steering under a name, and share it."},
        "api.cli.judgements": {"judgements": "Keep what people say of results, as files."},
        "api.cli.insights": {
            "insights": "Say what is asked of a collection, where that is kept: most often, without a good "
            "answer, and with\nwords that are nowhere."
        },
        "api.cli.repairs": {"repairs": "List, export and undo what was put right in searches."},
        "api.cli.evaluate": {
            "evaluate": "Say how good searches are by what was judged, with 95% intervals; of two settings, "
            "generations or\ncollections also which questions are better and worse, and by which terms."
        },
        "api.cli.learn": {
            "learn": "Learn from what was judged how far to turn which features for all searches. What does "
            "not help\nquestions that it was not learned from is not offered; nothing changes without "
            "--accept."
        },
    }

    def invoke(self, ctx: Any) -> Any:
        """Runs a command. Typer would end with Ctrl-C's status without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail("stopped.", 130)


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"Refract {version('refract')}")
        raise typer.Exit


@app.callback()
def refract(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Refract: semantic search that can say why."""


def main() -> None:
    """Runs the command line: a foreseen error is one line on standard error and exit status 1."""
    configure()
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # its errors are raised as well
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)  # the terminal was closed
    sys.unraisablehook = _end_again
    try:
        app()
    except KeyboardInterrupt:
        _fail("stopped.", 130)
    except Exception as error:
        if _was_stopped(error):
            _fail("stopped.", 130)
        if isinstance(error, RefractError):
            _fail(str(error), 1)
        raise


def _was_stopped(error: BaseException | None) -> bool:
    """Tells whether Ctrl-C led to an error: the database's driver fails when it cleans up after a statement
    that was stopped."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _fail(message: str, status: int) -> NoReturn:
    print(f"refract: {message}", file=sys.stderr, flush=True)
    sys.exit(status)


def _terminate(signum: int, _frame: object) -> None:
    """Ends the process in order, so that the embedded database is stopped too."""
    sys.exit(128 + signum)


def _end_again(lost: "sys.UnraisableHookArgs") -> None:
    """Sends a signal once more where Python has dropped the exception that was to end the process.

    A handler runs wherever the main thread happens to be. In a finalizer or the callback of a weak reference
    (imports have those), Python reports the exception and goes on, and the process would stay.
    """
    if not issubclass(lost.exc_type, SystemExit | KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    signum = signal.SIGINT if lost.exc_type is KeyboardInterrupt else signal.SIGTERM
    timer = Timer(0.1, os.kill, (os.getpid(), signum))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()

"""The commands below `refract keys`."""

from typing import Annotated

import typer

from api.auth.scopes import Scope

keys = typer.Typer(help="Make, list and revoke keys of API clients and admins.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, or what it is for.")],
    scope: Annotated[Scope, typer.Option(help="What it may do; each may do what those before it may.")],
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    from api.cli import key_commands

    key_commands.create(name, scope)


@keys.command("list")
def list_() -> None:
    """List all keys: when each was made, last used, revoked."""
    from api.cli import key_commands

    key_commands.show()


@keys.command()
def revoke(number: Annotated[int, typer.Argument(help="Number of the key in `refract keys list`.")]) -> None:
    """Make a key worthless at once, and end the sessions opened with it."""
    from api.cli import key_commands

    key_commands.revoke(number)

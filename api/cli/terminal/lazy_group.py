"""A lazy group of commands imports the module of a command only when that command is called."""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer.main
from typer.core import TyperCommand, TyperGroup


class LazyGroup(TyperGroup):
    """Lists its commands from a table of modules.

    Each module has a Typer called `app`: the commands that the table names are below it, or it is itself the
    one (a group of commands).
    """

    modules: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By module, its commands and what the list says of each; one of which it says nothing is not listed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._module_of = {name: module for module, listed in self.modules.items() for name in listed}
        self.commands = {
            name: TyperCommand(name, help=told, hidden=not told)
            for listed in self.modules.values()
            for name, told in listed.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Loads the command that is called, from its module; for a name that is not listed no module is
        loaded."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and self.load(name), rest

    def load(self, name: str) -> Any:
        """Imports the command itself."""
        group = typer.main.get_group(importlib.import_module(self._module_of[name]).app)
        return group.commands.get(name, group)

"""The list of commands says what the commands say themselves."""

from importlib import import_module

import pytest
from typer.main import get_group

from api.cli.main import Commands

LISTED = [(name, told) for listed in Commands.modules.values() for name, told in listed.items() if told]


@pytest.mark.parametrize(("name", "told"), LISTED)
def test_the_list_says_of_a_command_what_its_help_says(name: str, told: str) -> None:
    assert Commands().load(name).help == told


def test_every_command_of_a_module_is_listed_or_below_the_group_that_is() -> None:
    for module, listed in Commands.modules.items():
        below = list(get_group(import_module(module).app).commands)
        assert list(listed) in (below, [module.rpartition(".")[2]])

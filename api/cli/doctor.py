"""The command that checks a set-up."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.terminal.output import output

app = typer.Typer()

SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list, for programs.")] = False,
) -> None:
    """Check this set-up and say what to do; exit status 1 if something is wrong."""
    from api.doctor.examination import examine

    found = []
    for check in examine():
        found.append(check)
        if not as_json:
            output.print(f"{SIGNS[check.state]}  {check.name}: {check.message}", markup=False, soft_wrap=True)
            if check.hint:
                output.print(f"      {check.hint}", markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)

"""What the terminal shows of progress, and who has none."""

import pytest

from api.cli.terminal.output import ProgressDisplay
from search.responses.collections import Progress


def shown(capsys: pytest.CaptureFixture[str], display: ProgressDisplay) -> list[str]:
    with display:
        for done in (0, 3, 4):
            display(Progress(step="embedding passages", done=done, total=9, rate=2.0, seconds_left=3.0))
        display(Progress(step="reading documents", done=0, total=0))
        display(Progress(step="reading documents", done=1200, total=0, rate=60.0))
    return capsys.readouterr().err.splitlines()


def test_a_line_says_every_now_and_then_how_far_a_step_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ProgressDisplay(seconds=0)) == [
        "embedding passages …",
        "embedding passages: 3 of 9 (2/s, 3 s left)",
        "embedding passages: 4 of 9 (2/s, 3 s left)",
        "reading documents …",
        "reading documents: 1,200 (60/s)",
    ]


def test_lines_are_seldom_and_none_where_nobody_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ProgressDisplay(seconds=1000)) == ["embedding passages …", "reading documents …"]
    assert shown(capsys, ProgressDisplay(seconds=0, quiet=True)) == []

"""Deadlines: work that is of no use any more stops."""

import pytest

from search import deadline
from search.deadline import Deadline, unhurried, within
from search.errors import TimedOut


def test_work_goes_on_while_there_is_time_and_without_a_deadline() -> None:
    deadline.check()
    with within(Deadline(60)):
        deadline.check()
    assert deadline.current() is None


def test_work_stops_when_its_time_is_up_and_says_how_long_that_was() -> None:
    with within(Deadline(0)), pytest.raises(TimedOut, match=r"longer than 0 s") as told:
        deadline.check()
    assert told.value.status == 503


def test_work_stops_when_nobody_waits_for_it() -> None:
    limit = Deadline(60)
    limit.hang_up()
    assert limit.left == 0
    with within(limit), pytest.raises(TimedOut, match="Nobody waits"):
        deadline.check()


def test_what_is_worked_out_for_all_is_not_stopped() -> None:
    with within(Deadline(0)):
        with unhurried():
            deadline.check()
        with pytest.raises(TimedOut):
            deadline.check()

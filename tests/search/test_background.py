"""Work in the background ends with what it is for, however that ended."""

import threading

import pytest

from search.background import in_background


def test_work_is_asked_to_end_and_waited_for() -> None:
    done: list[str] = []

    def work(ended: threading.Event) -> None:
        done.append(threading.current_thread().name)
        ended.wait(60)
        done.append("ended")

    with pytest.raises(ZeroDivisionError), in_background("helper", work):
        raise ZeroDivisionError
    assert done == ["helper", "ended"]

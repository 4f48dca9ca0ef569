"""What does not hear that it is to stop."""

from procrastinate.job_context import AbortReason

from indexer.jobs.watchdog import Watchdog


def test_a_job_that_was_asked_to_stop_and_does_not_is_deaf() -> None:
    watchdog = Watchdog(patience=0)
    asked: list[AbortReason] = []
    with watchdog.watching(7, lambda: asked[0] if asked else None):
        assert not watchdog.deaf()
        asked.append(AbortReason.USER_REQUEST)
        assert watchdog.deaf() == {7: AbortReason.USER_REQUEST}
        asked[0] = AbortReason.SHUTDOWN
        assert watchdog.deaf() == {7: AbortReason.SHUTDOWN}
    assert not watchdog.deaf()


def test_a_job_has_time_to_stop_by_itself() -> None:
    watchdog = Watchdog(patience=3600)
    with watchdog.watching(7, lambda: AbortReason.USER_REQUEST):
        assert not watchdog.deaf()
        assert not watchdog.deaf()

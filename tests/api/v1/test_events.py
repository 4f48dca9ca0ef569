"""Events are followed by a number, by the JSON API and by a command; who waits for them costs nothing."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key
from api.v1.events import Followers
from indexer.hooks.events import EventInfo, EventPage, tell
from indexer.jobs.queue import cancel_job, start_job
from search.deadline import Deadline, within
from search.engine.engine import SearchEngine
from search.errors import Overloaded, TimedOut
from tests.support.building import eventually, write
from tests.support.commands import Shell, assert_one_line, served, started

pytestmark = [pytest.mark.database, pytest.mark.sql]

NOTHING = EventPage([], 0, missed=False)


@pytest.fixture
def ask(database: Engine, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    with Session(database) as session:
        keys = {scope: create_key(session, scope, scope) for scope in ("search", "admin")}
        session.commit()
    with TestClient(create_app(SearchEngine(database, tmp_path))) as client:

        def asked(query: str = "", scope: str = "admin") -> Any:
            return client.get(f"/v1/events{query}", headers={"Authorization": f"Bearer {keys[scope]}"})

        yield asked


def told(database: Engine, *kinds: str) -> None:
    with Session(database) as session:
        for kind in kinds:
            tell(session, kind, "notes", generation=1)
        session.commit()


def test_events_are_read_page_by_page(database: Engine, ask: Callable[..., Any]) -> None:
    told(database, "job.done", "generation.live", "job.failed")
    answer = ask("?limit=2")
    assert answer.headers["Cache-Control"] == "no-store"  # it is another one each time
    page = answer.json()
    assert [event["kind"] for event in page["events"]] == ["job.done", "generation.live"]
    assert (page["last"], page["missed"]) == (2, False)
    assert page["events"][0]["collection"] == "notes"
    rest = ask(f"?after={page['last']}&limit=2").json()
    assert [event["kind"] for event in rest["events"]] == ["job.failed"]
    assert ask("?kind=job.done&kind=job.failed").json()["last"] == 3
    assert len(ask("?collection=drafts").json()["events"]) == 0


def test_jobs_are_told_to_admins_alone(database: Engine, ask: Callable[..., Any]) -> None:
    write(database, "notes", [])
    cancel_job(database, start_job(database, "verify", "notes"))
    told(database, "generation.live")
    assert [event["kind"] for event in ask(scope="search").json()["events"]] == ["generation.live"]
    assert [event["kind"] for event in ask().json()["events"]] == ["job.cancelled", "generation.live"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?after=9", "no event 9 yet"),
        ("?after=-1", "after='-1'"),
        (f"?after={2**63}", "after="),
        ("?wait=21", "wait='21'"),
        ("?wait=nan", "wait='nan'"),
        ("?kind=job.finished", "no events 'job.finished'"),
        ("?limit=0", "limit=0"),
        ("?" + "kind=job.done&" * 50, "kind="),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Callable[..., Any], query: str, told: str) -> None:
    refused = ask(query)
    assert refused.status_code == 400
    assert told in refused.json()["error"]["message"]


def test_who_waits_is_answered_as_soon_as_something_happens(
    database: Engine, ask: Callable[..., Any]
) -> None:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(ask("?wait=20").json()))
    thread.start()
    told(database, "job.done")
    thread.join(20)
    assert [event["kind"] for event in answers[0]["events"]] == ["job.done"]


def test_who_waits_in_vain_gets_the_number_to_go_on_with(ask: Callable[..., Any]) -> None:
    assert ask("?wait=0.01").json() == {"events": [], "last": 0, "missed": False}


def test_only_so_many_wait() -> None:
    async def asked() -> None:
        followers, nothing = Followers(most=1), lambda: NOTHING
        first = asyncio.create_task(followers.first(nothing, 60))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="1 clients wait") as refused:
            await followers.first(nothing, 60)
        assert refused.value.retry_after
        assert await followers.first(nothing, 0) == NOTHING  # who does not wait is answered
        followers.end()  # the server stops
        assert await first == NOTHING

    asyncio.run(asked())


def test_nobody_waits_for_a_client_that_hung_up() -> None:
    async def asked() -> None:
        deadline = Deadline(60)
        with within(deadline):
            waiting = asyncio.create_task(Followers().first(lambda: NOTHING, 60))
        await asyncio.sleep(0)
        deadline.hang_up()
        with pytest.raises(TimedOut):
            await waiting

    asyncio.run(asked())


def test_a_server_that_stops_lets_nobody_wait(database: Engine, tmp_path: Path) -> None:
    with Session(database) as session:
        key = create_key(session, "follower", "search")
        session.commit()
    answers: list[httpx2.Response] = []
    with served(Shell(database, tmp_path).settings, "--no-worker") as (url, _, process):

        def follow() -> None:
            headers = {"Authorization": f"Bearer {key}"}
            answers.append(httpx2.get(f"{url}v1/events?wait=20", headers=headers, timeout=60))

        thread = threading.Thread(target=follow)
        thread.start()
        eventually(lambda: waits(httpx2.get(f"{url}metrics").text))
        process.terminate()
        process.wait()
        thread.join()
    assert answers[0].json() == {"events": [], "last": 0, "missed": False}


def waits(metrics: str) -> bool:
    """Whether another request is being answered beside the one for these metrics."""
    return "refract_http_requests_in_progress 2" in metrics


def test_a_page_with_events_is_not_waited_for() -> None:
    event = EventInfo(1, None, "job.done", None, {})  # type: ignore[arg-type]
    page = EventPage([event], 1, missed=False)
    assert asyncio.run(Followers().first(lambda: page, 60)) == page


def test_the_command_prints_them_and_goes_on_after_a_number(database: Engine, tmp_path: Path) -> None:
    told(database, "job.done", "generation.live")
    shell = Shell(database, tmp_path)
    lines = shell.tried("events").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert "generation.live  notes  generation 1" in lines[1]
    (line,) = shell.tried("events", "--after", "1", "--json").stdout.splitlines()
    event = json.loads(line)
    assert (event["id"], event["kind"], event["data"]) == (2, "generation.live", {"generation": 1})
    assert shell.run("events", "--kind", "job.failed") == ""
    assert_one_line(shell.tried("events", "--kind", "nothing"), "no events 'nothing'", "job.done")
    assert_one_line(shell.tried("events", "--after", "7"), "no event 7 yet")


def test_the_command_follows_them(database: Engine, tmp_path: Path) -> None:
    environment = Shell(database, tmp_path).settings
    told(database, "job.done")
    with started("events", "--follow", "--json", **environment) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1
        told(database, "job.failed")
        assert json.loads(process.stdout.readline())["id"] == 2
        process.terminate()
        eventually(lambda: process.poll() is not None)

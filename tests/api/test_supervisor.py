"""Several processes behind one port: they serve as one, and nothing is left of them."""

import contextlib
import itertools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx2
import psutil
import pytest
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

from api import supervisor
from api.auth.keys import create_key
from api.listening import listen
from api.supervisor import LEAST_CONNECTIONS, Place, Share, share_of
from indexer.build.generations import roll_back
from search.db.database import CONNECTIONS
from search.embedding.embedder import Embedder
from search.errors import ConfigurationError
from search.machine import cores
from search.shared_tables import new_file
from tests.support.building import build, document, eventually
from tests.support.commands import address, assert_one_line, refract, started

LIMIT = 60
"""Requests a minute of one key of the server."""

ASKED = {"q": "whale", "collection": "notes"}

BEATS_ONCE = "import os, sys, time; os.write(int(sys.argv[3]), b'.'); time.sleep(600)"
ENDS = "import sys; sys.exit(3)"


@pytest.fixture
def place() -> Iterator[Place]:
    file = new_file()
    with listen("127.0.0.1", 0) as listening:
        made = Place(0, listening, Share(2, 1, 5), file)
        yield made
        if made.child is not None:
            made.child.kill()
    os.close(file)


def looked_at(place: Place, until: Callable[[], bool]) -> None:
    eventually(lambda: (place.look() is not None, until())[1])


@pytest.mark.slow
def test_one_that_does_not_answer_for_long_is_ended_and_another_begun(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.beside.COMMAND", [sys.executable, "-c", BEATS_ONCE])
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.0)
    looked_at(place, lambda: place.has_answered)
    first = place.child
    assert first is not None
    for _ in range(int(supervisor.HANGS_SECONDS / supervisor.LOOK_SECONDS) - 5):
        place.look()
    assert first.poll() is None
    looked_at(place, lambda: place.child not in (None, first) and place.has_answered)
    assert first.poll() == -signal.SIGKILL
    assert "has not answered for 60 s" in caplog.text


@pytest.mark.slow
def test_the_pauses_before_one_that_ends_at_once_grow(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.beside.COMMAND", [sys.executable, "-c", ENDS])
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.004)
    pauses = list[float]()

    def ended() -> bool:
        if (status := place.look()) is not None:
            assert status == 3
            pauses.append(place.pause)
        return len(pauses) == 4

    eventually(ended)
    assert pauses == [0.001, 0.002, 0.004, 0.004]


@pytest.mark.database
def test_processes_share_cores_and_the_connections_of_the_database(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert share_of(database, 1) == Share(1, cores(), CONNECTIONS)
    with database.connect() as connection:
        there = int(connection.exec_driver_sql("SHOW max_connections").scalar_one())
    for number in (2, 12):
        found = share_of(database, number)
        assert found.cores == max(1, cores() // number)
        assert LEAST_CONNECTIONS <= found.connections <= CONNECTIONS
        assert number * found.connections < there
    with pytest.raises(ConfigurationError, match="connections"):
        share_of(database, there)
    monkeypatch.setattr("search.machine.cores", lambda: 64)
    monkeypatch.setattr("search.machine.free_memory", lambda: 3 << 30)
    assert share_of(database, None).processes == 3
    monkeypatch.setattr("search.machine.free_memory", lambda: 1 << 40)
    assert share_of(database, None).processes == share_of(database, 12).processes + 2


@dataclass
class Fleet:
    """A server of two processes."""

    process: "Popen[str]"
    url: str
    link: str
    database: Engine
    data: Path
    keys: dict[str, str]

    def client(self, key: str = "") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)

    def serving(self) -> list[psutil.Process]:
        return [each for each in psutil.Process(self.process.pid).children() if is_serving(each)]

    def answering(self) -> int:
        try:
            found = httpx2.get(f"{self.url}metrics").text.partition("\nrefract_serving_processes ")[2]
        except httpx2.TransportError:  # of a process that was killed just now
            return 0
        return int(float(found.split()[0]))

    @contextlib.contextmanager
    def clients(self, key: str = "") -> Iterator[dict[int, httpx2.Client]]:
        """A client of each process, by its number: of one whose connection that process has."""
        with contextlib.ExitStack() as stack:
            found = dict[int, httpx2.Client]()
            while len(found) < 2:
                client = stack.enter_context(self.client(key))
                answer = client.get("healthz")
                port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
                held = [each for each in self.serving() if port in _remote_ports(each)]
                found.update((each.pid, client) for each in held)
            yield found


def is_serving(process: psutil.Process) -> bool:
    """Whether it is one that serves, and not dead."""
    try:
        return "serving" in process.cmdline()
    except psutil.Error:
        return False


def _remote_ports(process: psutil.Process) -> set[int]:
    return {
        each.raddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED
    }


@pytest.fixture(scope="module")
def fleet(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Fleet]:
    data = tmp_path_factory.mktemp("fleet")
    with new_database() as url:
        database = create_engine(url)
        for count in (3, 4):
            build(database, data, small_embedder, "notes", [document(each) for each in range(count)])
        with Session(database) as session:
            keys = {name: create_key(session, name, "admin") for name in ("counted", "writing")}
            session.commit()
        environment = {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "REFRACT_DATA": str(data),
            "REFRACT_KEY_RATE_LIMIT": str(LIMIT),
        }
        arguments = ("serve", "--port", "0", "--no-worker", "--processes", "2")
        with started(*arguments, **environment) as process:
            at = address(process)
            assert process.stdout is not None
            link = process.stdout.readline().split()[2]
            served = Fleet(process, at, link, database, data, keys)
            eventually(lambda: served.answering() == 2)
            yield served
            below = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)
            assert (process.returncode, said[1].count("Traceback")) == (0, 0), said
            assert not [each for each in below if each.is_running()]
        database.dispose()


@pytest.mark.database
@pytest.mark.slow
class TestOfTwoProcesses:
    def test_both_answer_and_a_link_works_once_in_whichever_it_is_used(self, fleet: Fleet) -> None:
        with fleet.clients() as clients:
            assert clients.keys() == {each.pid for each in fleet.serving()}
            for client in clients.values():
                assert client.get("v1/search", params=ASKED).status_code == 200
            opened = [client.get(fleet.link).status_code for client in reversed(clients.values())]
            assert opened == [303, 401]

    def test_a_share_is_one_for_all_processes(self, fleet: Fleet) -> None:
        with fleet.clients("counted") as clients:
            begun = time.monotonic()
            asked = [
                client.get("v1/collections").status_code for _ in range(LIMIT) for client in clients.values()
            ]
            allowed = LIMIT + 1 + (time.monotonic() - begun) * LIMIT / 60  # the first one is not known yet
        assert LIMIT <= asked.count(200) <= allowed
        assert set(asked) <= {200, 429}

    def test_what_one_process_changed_the_next_request_sees_in_another(self, fleet: Fleet) -> None:
        with fleet.clients("writing") as clients:
            here, there = clients.values()
            for number in range(6):
                body = {"steer": [{"concept": "whales", "strength": 1}], "description": f"number {number}"}
                saved = here.put("v1/presets/wet", params={"collection": "notes"}, json=body)
                assert saved.status_code == 200, saved.text
                (found,) = there.get("v1/presets", params={"collection": "notes"}).json()
                assert found["description"] == f"number {number}"

    def test_another_generation_goes_live_in_both(self, fleet: Fleet) -> None:
        with fleet.clients() as clients:

            def live() -> set[int]:
                found = [client.get("v1/search", params=ASKED).json() for client in clients.values()]
                return {each["generation"] for each in found}

            (before,) = live()
            after = roll_back(fleet.database, "notes")
            assert before != after
            eventually(lambda: live() == {after})

    def test_one_that_is_killed_takes_its_own_requests_along_and_is_replaced(self, fleet: Fleet) -> None:
        ended, statuses, broken = threading.Event(), list[int](), list[str]()

        def ask() -> None:
            with fleet.client() as client:
                for number in itertools.count():
                    if ended.is_set():
                        return
                    asked = {**ASKED, "q": f"whale {number}"}
                    try:
                        statuses.append(client.get("v1/search", params=asked).status_code)
                    except httpx2.TransportError as error:
                        broken.append(repr(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(statuses) > 8)
        victim = fleet.serving()[0]
        victim.kill()
        eventually(lambda: victim not in fleet.serving() and fleet.answering() == 2)
        ended.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}
        assert len(broken) <= len(threads)  # at most what each was asking just then

    def test_files_that_are_cut_short_while_they_are_mapped_are_made_again(self, fleet: Fleet) -> None:
        def results(client: httpx2.Client, question: str) -> object:
            answer = client.get("v1/search", params={**ASKED, "q": question})
            assert answer.status_code == 200, answer.text
            return answer.json()["results"]

        questions = [f"whales and {word}" for word in ("water", "bread", "stars", "the sea")]
        with fleet.clients() as clients:
            here, _ = clients.values()
            expected = [results(here, question) for question in questions]
            mapped = list(clients)
        for path in fleet.data.glob("generations/*/*"):
            os.truncate(path, 0)

        def both_are_others() -> bool:
            with contextlib.suppress(httpx2.TransportError), fleet.client() as client:  # who reads it dies
                asked = f"whales {time.monotonic()}"  # an answer that is known is not looked up
                assert client.get("v1/search", params={**ASKED, "q": asked}).status_code == 200
            return not {each.pid for each in fleet.serving()} & set(mapped) and fleet.answering() == 2

        eventually(both_are_others)
        with fleet.clients() as clients:
            for client in clients.values():
                assert [results(client, question) for question in questions] == expected
        assert any(path.stat().st_size for path in fleet.data.glob("generations/*/vectors.faiss"))

    def test_a_port_in_use_is_one_line(self, fleet: Fleet) -> None:
        port = fleet.url.rstrip("/").rpartition(":")[2]
        url = fleet.database.url.render_as_string(hide_password=False)
        failed = refract("serve", "--port", port, "--processes", "2", DATABASE_URL=url)
        assert_one_line(failed, port, "in use")


@pytest.mark.database
@pytest.mark.slow
def test_more_processes_than_the_database_has_connections_for_are_refused(database: Engine) -> None:
    url = database.url.render_as_string(hide_password=False)
    failed = refract("serve", "--port", "0", "--processes", "200", DATABASE_URL=url)
    assert_one_line(failed, "connections", "max_connections", "fewer processes")


@pytest.mark.database
@pytest.mark.slow
def test_what_keeps_the_first_from_serving_is_said_once(database: Engine, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "REFRACT_DATA": str(tmp_path),
        "REFRACT_OIDC_ISSUER": "http://127.0.0.1:1",
    }
    with started("serve", "--port", "0", "--processes", "3", **environment) as process:
        said = process.communicate(timeout=300)
        assert process.returncode == 1
        assert said[1].strip().count("\n") == 0, said
        assert "REFRACT_OIDC_ISSUER" in said[1]


@pytest.mark.database
@pytest.mark.slow
def test_after_a_kill_nothing_is_left(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    environment = {"REFRACT_DATA": str(data), "REFRACT_PROCESSES": "2"}
    with started("serve", "--port", "0", **environment) as process:
        url = address(process)
        below = psutil.Process(process.pid).children(recursive=True)
        assert sum("serving" in each.cmdline() for each in below) >= 1
        process.kill()
        process.communicate(timeout=120)
        eventually(lambda: not any(each.is_running() for each in below))
    with socket.socket() as asking:
        assert asking.connect_ex(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) != 0
    assert not [each for each in psutil.process_iter(["cmdline"]) if str(data) in str(each.info["cmdline"])]

"""This benchmark puts one and ten times as much on a server as it can take, and kills its worker and its
database meanwhile.

    python -m benchmarks.load DATA [--minutes 10] [--rate REQUESTS_A_SECOND] [--collection demo]

Copies the data folder DATA, which has an index in it, and runs `refract serve` there as users do, with its
worker and the embedded database. Without a rate it looks for the greatest at which none is refused and 99 of
100 are answered within five seconds (a page alone takes one or two). Then 32 clients ask for so long at that
rate, ten times as many (but at most 288, so many connections) at ten times the rate, and 32 at the rate
again, for a tenth of the time. They ask questions that are new and others that were asked before, steer, look
at pages and documents, and sometimes want what is dear or write. A third into each of the first two the
worker is killed, and at two thirds the database.

Requests arrive by themselves; who finds no client free is not sent. *Refused*: 429 or 503 that says when to
come again. *Failed*: whatever else is no answer, in all and outside of the seconds from a kill to the
recovery. *Health*: `/healthz`, asked five times a second by a process of its own, beside a server that does
nothing else, which says what the machine adds; `/metrics` is asked for every two seconds. *Recovery*: from a
kill to `/readyz`, and from that of a worker to a document in the answers that was written after it.
"""

import argparse
import asyncio
import contextlib
import http.client
import http.server
import itertools
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx2 as httpx
import numpy as np
import psutil

from benchmarks.harness.common import report, table
from benchmarks.harness.server import copied, serving
from benchmarks.harness.traffic import HANGS, Answer, Call, Traffic, drive

CLIENTS, MOST_CLIENTS = 32, 288
FINE_MS = 5000.0
RATES = [4 * 1.4**step for step in range(14)]
LOOK_SECONDS = 20.0
HEALTH_SECONDS, SCRAPE_BEATS = 0.2, 10
WRITTEN = 40  # documents that are written again and again
DOING = ["sort", "open", "read", "parse", "close", "copy", "compare", "join", "split", "count", "encode"]
WHAT = ["a list", "a file", "dates", "a socket", "JSON", "an array", "text", "a zip archive", "threads"]
KINDS = {
    "asked before": 45,
    "new question": 25,
    "steered": 10,
    "page": 3,
    "document": 8,
    "features": 4,
    "why not": 1,
    "analyze": 1,
    "page of why not": 1,
    "write": 2,
}


class Calls:
    """Draws calls in the shares of `KINDS`, of their own for each seed."""

    def __init__(self, collection: str, documents: Sequence[str], key: str, seed: int) -> None:
        self._collection, self._documents, self._key = collection, documents, key
        self._chance, self._numbers = random.Random(seed), itertools.count()
        self._seed = seed

    def __iter__(self) -> Iterator[Call]:
        while True:
            (kind,) = self._chance.choices(list(KINDS), list(KINDS.values()))
            yield self._call(kind)

    def _call(self, kind: str) -> Call:
        old = f"{self._chance.choice(DOING)} {self._chance.choice(WHAT)}"
        new = f"{old} {self._seed}.{next(self._numbers)}"
        document = self._chance.choice(self._documents)
        match kind:
            case "asked before":
                return self._get(kind, "/v1/search", q=old)
            case "new question":
                return self._get(kind, "/v1/search", q=new, facets="true")
            case "steered":
                return self._get(
                    kind, "/v1/search", q=old, steer=f"concept:files:{self._chance.random():.1f}"
                )
            case "page":
                return self._get(kind, "/", q=self._chance.choice([old, new]))
            case "document":
                return self._get(kind, f"/v1/documents/{quote_plus(document)}")
            case "features":
                return self._get(kind, "/v1/features", q=old)
            case "why not":
                return self._get(kind, "/v1/why-not", q=new, document=document)
            case "page of why not":
                return self._get(kind, "/why-not", q=old, document=document)
            case "analyze":
                body = {"collection": self._collection, "text": f"How to {new}. " * 20}
                return Call(kind, "POST", "/v1/analyze", json.dumps(body).encode())
            case _:
                body = {"text": f"The load has written {new}. It is to {old} again."}
                target = f"/v1/documents/load-{self._chance.randrange(WRITTEN)}?collection={self._collection}"
                return Call(kind, "PUT", target, json.dumps(body).encode(), self._key)

    def _get(self, kind: str, path: str, **asked: str) -> Call:
        query = "&".join(f"{name}={quote_plus(value)}" for name, value in asked.items())
        return Call(kind, "GET", f"{path}?collection={self._collection}&{query}")


@dataclass
class Recovery:
    """Says what was killed when, and in how many seconds it was there again."""

    what: str
    at: float
    seconds: float = float("nan")

    def covers(self, answer: Answer) -> bool:
        """Whether an answer may have to do with it. The guard of the database looks once a second."""
        return answer.at + answer.ms / 1000 >= self.at and answer.at <= self.at + self.seconds + 1


@dataclass
class Phase:
    """Holds what was seen of one load."""

    name: str
    rate: float
    seconds: float
    traffic: Traffic
    health_ms: list[float] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)
    scrape_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)

    @property
    def row(self) -> list[Any]:
        answers = self.traffic.answers
        good = [each.ms for each in answers if not (each.is_failure or each.is_refusal)]
        failed = [each for each in answers if each.is_failure]
        outside = [each for each in failed if not any(kill.covers(each) for kill in self.recoveries)]
        return [
            self.name,
            f"{self.rate:.1f}",
            f"{len(good) / self.seconds:.1f}",
            *(f"{value:.0f}" for value in np.percentile(good, [50, 99])),
            sum(each.is_refusal for each in answers),
            self.traffic.unsent,
            len(failed),
            len(outside),
            sum(each.status == HANGS for each in answers),
            *(_spread(times) for times in (self.health_ms, self.idle_ms, self.scrape_ms)),
        ]


def _spread(times: list[float]) -> str:
    return " / ".join(f"{value:.0f}" for value in np.percentile(times, [50, 99, 100]))


HEADER = ["load", "asked a second", "answered", "p50 ms", "p99 ms", "refused", "not sent", "failed"]
HEADER += [
    "of them outside of kills",
    "hanging",
    "health p50 / p99 / max ms",
    "of an idle server",
    "of a scrape",
]


class Server:
    """Knows a server that runs on a data folder: its address, processes, and how to kill them."""

    def __init__(self, address: str, number: int, data: Path, collection: str, key: str) -> None:
        self.address, self.collection, self.key = address, collection, key
        self.process, self._data = psutil.Process(number), data
        self.at = urlsplit(address)

    def kill_worker(self) -> Recovery:
        """Kills the worker beside the server; waits until a document that is written then is found."""
        for child in self.process.children():
            if "worker" in child.cmdline():
                child.kill()
        killed, word = time.monotonic(), f"recovered{random.randrange(10**9)}"
        with self.client() as client:
            where = {"collection": self.collection}
            _insist(lambda: client.put("/v1/documents/load-again", params=where, json={"text": word}))
            asked = {"q": f'"{word}"', **where}
            _insist(lambda: client.get("/v1/search", params=asked), lambda found: found["total"] > 0)
        return Recovery("worker", killed, time.monotonic() - killed)

    def kill_database(self) -> Recovery:
        """Kills the embedded server; waits until the database answers."""
        pid = int((self._data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        with self.client() as client:
            _insist(lambda: client.get("/readyz"), first=1.0)
        return Recovery("database", killed, time.monotonic() - killed)

    @property
    def memory(self) -> int:
        """What it and the processes that serve for it take up, in bytes."""
        serving = [each for each in self.process.children() if "serving" in each.cmdline()]
        return sum(each.memory_info().rss for each in [self.process, *serving])

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60)

    def documents(self) -> list[str]:
        with self.client() as client:
            asked: dict[str, str | int] = {"collection": self.collection, "limit": 100}
            return [each["id"] for each in client.get("/v1/documents", params=asked).json()]


def _insist(ask: Any, holds: Any = lambda _: True, first: float = 0.0) -> None:
    """Asks until the answer is good, four times a second."""
    time.sleep(first)
    while True:
        with contextlib.suppress(httpx.HTTPError):
            answer = ask()
            if answer.status_code == 200 and holds(answer.json()):
                return
        time.sleep(0.25)


def main() -> None:
    parser = argparse.ArgumentParser(description="Put one and ten times its capacity on a server.")
    parser.add_argument("data", type=Path, help="a data folder with an index; it is copied")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, help="the capacity, where it is known")
    parser.add_argument("--collection", default="demo")
    given = parser.parse_args()
    os.environ["REFRACT_SLOW_MS"] = "0"  # no line for each of thousands
    with copied(given.data) as folder, serving(folder, None) as (address, number):
        key = _key(folder)
        server = Server(address, number, folder, given.collection, key)
        rate = given.rate or _capacity(server)
        phases = list(_phases(server, rate, 60 * given.minutes))
    _report(rate, phases)


def _key(data: Path) -> str:
    command = [sys.executable, "-m", "api.cli.main", "keys", "create", "load", "--scope", "write"]
    environment = {**os.environ, "REFRACT_DATA": str(data)}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def _capacity(server: Server) -> float:
    """Looks for the greatest rate at which 99 of 100 are answered within `FINE_MS`, none of them refused."""
    found, documents = RATES[0] / 2, server.documents()
    for turn, rate in enumerate([RATES[0] / 2, *RATES]):
        calls = Calls(server.collection, documents, server.key, 1000 + turn)
        traffic = _driven(server, calls, rate, CLIENTS, LOOK_SECONDS)
        worst = float(np.percentile([each.ms for each in traffic.answers], 99))
        print(f"{rate:.1f} a second: p99 {worst:.0f} ms", flush=True)
        fine = worst <= FINE_MS and not traffic.unsent and all(each.status < 400 for each in traffic.answers)
        if turn and not fine:  # the first is to warm up
            break
        found = rate
    return found


def _driven(server: Server, calls: Calls, rate: float, clients: int, seconds: float) -> Traffic:
    host, port = server.at.hostname or "", server.at.port or 0
    return asyncio.run(drive(host, port, iter(calls), rate=rate, clients=clients, seconds=seconds))


def _phases(server: Server, rate: float, seconds: float) -> Iterator[Phase]:
    loads = [
        ("1×", 1, seconds, True),
        ("10×", 10, seconds, True),
        ("1× again", 1, max(seconds / 10, LOOK_SECONDS), False),
    ]
    documents = server.documents()
    for seed, (name, times, lasting, kills) in enumerate(loads):
        calls = Calls(server.collection, documents, server.key, seed)
        phase = Phase(name, rate * times, lasting, Traffic())
        with _watching(server, phase), _killing(server, phase, kills=kills):
            clients = min(CLIENTS * times, MOST_CLIENTS)
            phase.traffic = _driven(server, calls, phase.rate, clients, lasting)
        print(" | ".join(map(str, phase.row)), flush=True)
        yield phase


@contextlib.contextmanager
def _watching(server: Server, phase: Phase) -> Iterator[None]:
    """Measures health and memory until the block ends."""
    ended, context = threading.Event(), multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    prober = context.Process(target=_probe, args=(server.at.hostname, server.at.port, theirs))
    prober.start()
    idle_ours, idle_theirs = context.Pipe()
    idle = context.Process(target=_idle, args=(idle_theirs,), daemon=True)
    idle.start()
    ours.send(idle_ours.recv())

    def measure() -> None:
        while True:
            phase.memory_mib.append(server.memory / 2**20)
            if ended.wait(min(60.0, phase.seconds / 4)):
                return

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        ours.send(None)
        phase.health_ms, phase.idle_ms, phase.scrape_ms = ours.recv()
        prober.join()
        idle.kill()


def _probe(host: str, port: int, pipe: Connection) -> None:
    """Asks for the health, the same of an idle server, and now and then for the metrics, until something
    comes through the pipe; sends the times of all three."""
    idle = pipe.recv()

    def ask(path: str, port: int) -> float:
        begun = time.perf_counter()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return 1000 * (time.perf_counter() - begun) if answer.status == 200 else float("inf")

    health, beside, scrapes = list[float](), list[float](), list[float]()
    for beat in itertools.count():
        health.append(ask("/healthz", port))
        beside.append(ask("/healthz", idle))
        if beat % SCRAPE_BEATS == 0:
            scrapes.append(ask("/metrics", port))
        if pipe.poll(HEALTH_SECONDS):
            break
    pipe.send((health, beside, scrapes))


class _Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _idle(pipe: Connection) -> None:
    """Answers whoever asks that it is well; sends its port."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Well)
    pipe.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def _killing(server: Server, phase: Phase, *, kills: bool) -> Iterator[None]:
    """Kills the worker a third into the block and the database at two thirds, if they are to be."""

    def kill() -> None:
        begun = time.monotonic()
        for share, how in ((1 / 3, server.kill_worker), (2 / 3, server.kill_database)):
            time.sleep(max(0.0, begun + share * phase.seconds - time.monotonic()))
            phase.recoveries.append(how())

    thread = threading.Thread(target=kill)
    if kills:
        thread.start()
    yield
    if kills:
        thread.join()


def _report(rate: float, phases: Sequence[Phase]) -> None:
    lines = [table(HEADER, [phase.row for phase in phases])]
    for phase in phases:
        lines.append(f"{phase.name}: memory, MiB: {', '.join(f'{mib:.0f}' for mib in phase.memory_mib)}")
        back = [f"{each.what} after {each.seconds:.1f} s" for each in phase.recoveries]
        lines.append(f"{phase.name}: {'; '.join(back) or 'nothing was killed'}")
        odd = Counter((each.kind, each.status) for each in phase.traffic.answers if each.is_failure)
        lines += [f"{phase.name}: {kind} {status}: {count}" for (kind, status), count in odd.items()]
    kinds = [[kind, *(_median(phase, kind) for phase in phases)] for kind in KINDS]
    lines.append(table(["p50 ms", *(phase.name for phase in phases)], kinds))
    record = {"rate": rate, "phases": [_record(phase) for phase in phases]}
    report("load", "\n\n".join(lines), record)


def _median(phase: Phase, kind: str) -> str:
    good = [each.ms for each in phase.traffic.answers if each.kind == kind and 200 <= each.status < 400]
    return f"{np.median(good):.0f}" if good else "-"


def _record(phase: Phase) -> dict[str, Any]:
    found = asdict(phase)
    found["traffic"]["answers"] = [tuple(each.values()) for each in found["traffic"]["answers"]]
    return found


if __name__ == "__main__":
    main()

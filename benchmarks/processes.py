"""This benchmark asks servers of one and of several processes the same over HTTP, in turns.

    python -m benchmarks.processes DATA [--processes 1 2] [--clients 1 16 64] [--seconds 10] [--rounds 3]

Copies the data folder DATA, which has an index in it, once for each server, and runs `refract serve` there as
users do, without a worker. So many clients ask as fast as they are answered, each over a connection that it
keeps: questions that are new, steered by a phrase (*steered*), and one question whose knob is turned a tenth
further each time (*slider*). In each round every server is asked both, one server after the other, for so
many seconds; `/healthz` is asked five times a second beside it, over connections of its own.

*Scaling* is the throughput a process by that of one process; .8 is wanted where there are as many free cores
as processes, and one for the clients. *Cores*: how many the processes that serve got, and *CPU*, what an
answer took of them, which tells more where others use the machine. *Busiest*: the share of connections that
the process with most has, the median of the rounds; an even one is one by the number of processes.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx2 as httpx
import numpy as np
import psutil

from benchmarks.harness.common import report, table
from benchmarks.harness.server import copied, serving
from benchmarks.harness.traffic import Answer, Call, Client
from benchmarks.load import DOING, WHAT

HEALTH_SECONDS = 0.2
WARM_SECONDS = 2.0
KINDS = ("steered", "slider")
HEADER = ["kind", "clients", "processes", "answered a second", "scaling", "cores", "CPU ms", "p50 ms"]
HEADER += ["p99 ms", "failed", "health p50 ms", "p99 ms", "busiest"]

_number = itertools.count()


class Seen:
    """Holds what was seen of one kind of call, number of clients and number of processes, over all rounds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.answers = list[Answer]()
        self.health_ms = list[float]()
        self.busiest = list[float]()
        self.worked = 0.0

    @property
    def throughput(self) -> float:
        return len(self.good) / self.seconds

    @property
    def good(self) -> list[float]:
        return [each.ms for each in self.answers if each.status == 200]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what more processes bring.")
    parser.add_argument("data", type=Path, help="a data folder with an index; it is copied")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--collection", default="demo")
    given = parser.parse_args()
    os.environ["REFRACT_SLOW_MS"] = "0"  # no line for each of thousands
    seen: dict[tuple[str, int, int], Seen] = defaultdict(Seen)
    with contextlib.ExitStack() as stack:
        servers = {number: stack.enter_context(_server(given.data, number)) for number in given.processes}
        for _ in range(given.rounds):
            for kind, clients, number in itertools.product(KINDS, given.clients, given.processes):
                address, process = servers[number]
                calls = [_calls(kind, given.collection) for _ in range(clients)]
                asyncio.run(_ask(address, process, calls, given.seconds, seen[kind, clients, number]))
    rows = [_row(seen, *key, given.processes[0]) for key in sorted(seen, key=_order)]
    report("processes", table(HEADER, rows), {"rows": rows})


@contextlib.contextmanager
def _server(data: Path, number: int) -> Iterator[tuple[str, psutil.Process]]:
    with (
        copied(data) as folder,
        serving(folder, None, "--no-worker", "--processes", str(number)) as (at, pid),
    ):
        process = psutil.Process(pid)
        while f"refract_serving_processes {number}" not in httpx.get(f"{at}metrics").text:
            time.sleep(0.5)
        yield at, process


def _calls(kind: str, collection: str) -> Iterator[Call]:
    """Draws the calls of one client."""
    asked = f"{DOING[next(_number) % len(DOING)]} {WHAT[next(_number) % len(WHAT)]}"
    for step in itertools.count():
        question = asked if kind == "slider" else f"{asked} {next(_number)}"
        strength = 0.1 * (step % 20 + 1)
        steer = quote_plus(f"concept:files:{strength:.1f}")
        target = f"/v1/search?collection={collection}&q={quote_plus(question)}&steer={steer}"
        yield Call(kind, "GET", target)


async def _ask(
    address: str, process: psutil.Process, calls: list[Iterator[Call]], seconds: float, seen: Seen
) -> None:
    at = urlsplit(address)
    host, port = at.hostname or "", at.port or 0
    begun = time.monotonic() + WARM_SECONDS
    end, health = begun + seconds, Call("health", "GET", "/healthz")

    async def client(mine: Iterator[Call]) -> None:
        asking = Client(host, port)
        while time.monotonic() < end:
            answer = await asking.ask(next(mine))
            if begun <= answer.at + answer.ms / 1000 <= end:
                seen.answers.append(answer)
        asking.close()

    async def probe() -> None:
        while time.monotonic() < end:
            asking = Client(host, port)
            answer = await asking.ask(health)
            asking.close()
            if begun <= answer.at:
                seen.health_ms.append(answer.ms)
            await asyncio.sleep(HEALTH_SECONDS)

    async def count() -> None:
        await asyncio.sleep(WARM_SECONDS)
        worked = _worked(process)
        await asyncio.sleep(seconds / 2)
        held = [_connections(each) for each in _serving(process)]
        seen.busiest.append(max(held) / max(1, sum(held)))
        await asyncio.sleep(end - time.monotonic())
        seen.worked += _worked(process) - worked

    await asyncio.gather(probe(), count(), *map(client, calls))
    seen.seconds += seconds


def _serving(process: psutil.Process) -> list[psutil.Process]:
    """Gives the processes of a server that answer."""
    return [each for each in process.children() if "serving" in each.cmdline()] or [process]


def _worked(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in _serving(process)]
    return sum(each.user + each.system for each in times)


def _connections(process: psutil.Process) -> int:
    return sum(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections("tcp"))


def _order(key: tuple[str, int, int]) -> tuple[int, int, int]:
    return KINDS.index(key[0]), *key[1:]


def _row(
    seen: dict[tuple[str, int, int], Seen], kind: str, clients: int, number: int, first: int
) -> list[Any]:
    found, alone = seen[kind, clients, number], seen[kind, clients, first]
    scaling = found.throughput / alone.throughput * first / number
    return [
        kind,
        clients,
        number,
        f"{found.throughput:.1f}",
        f"{scaling:.2f}",
        f"{found.worked / found.seconds:.2f}",
        f"{1000 * found.worked / max(1, len(found.good)):.1f}",
        *(f"{value:.0f}" for value in np.percentile(found.good, [50, 99])),
        len(found.answers) - len(found.good),
        *(f"{value:.0f}" for value in np.percentile(found.health_ms, [50, 99])),
        f"{statistics.median(found.busiest):.2f}",
    ]


if __name__ == "__main__":
    main()

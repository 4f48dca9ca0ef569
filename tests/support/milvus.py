"""The small Milvus server that its makers ship, as a process on this machine alone."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus import MilvusClient
from pymilvus.grpc_gen import milvus_pb2_grpc

from search.errors import VectorsUnavailable
from search.index.milvus_server import MilvusServer

SECONDS = 120


class SmallMilvus:
    """Starts the server in a folder, and again after it was stopped: at the same address, with what it
    held."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder

    def start(self) -> None:
        # It listens everywhere unless it is told otherwise.
        where = ("--data-dir", str(self._folder), "--host", "127.0.0.1", "--port", str(self.port))
        log = (self._folder.parent / f"{self._folder.name}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "milvus_lite", "server", *where], stdout=log, stderr=log
            )
        server, end = MilvusServer(self.address), time.monotonic() + SECONDS
        while True:
            try:
                server.version()
            except VectorsUnavailable:
                assert self.process.poll() is None, "the small Milvus ended"
                assert time.monotonic() < end, "the small Milvus does not answer"
                time.sleep(0.1)
            else:
                return

    def pause(self) -> None:
        """Lets it neither answer nor end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> MilvusClient:
        """Gives a client of somebody else's."""
        return MilvusClient(self.address)

    def settle(self) -> None:
        """Waits until it writes nothing any more: killed amid that, it does not read its own files again."""
        before, end = None, time.monotonic() + SECONDS
        while (now := self._files()) != before:
            assert time.monotonic() < end, "the small Milvus does not stop writing"
            before = now
            time.sleep(0.5)

    def _files(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in self._folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                found[path] = (path.stat().st_size, path.stat().st_mtime_ns)
        return found

    def stop(self) -> None:
        """Ends it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def small_milvus(folder: Path) -> Iterator[SmallMilvus]:
    """Runs the server until the block ends."""
    server = SmallMilvus(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Silence:
    """Takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Silence":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class OldMilvus(MilvusServicer):
    """Says that it is of an earlier version."""

    def GetVersion(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        answer = super().GetVersion(request, context)
        answer.version = "v2.4.1"
        return answer


class ForgetfulMilvus(MilvusServicer):
    """Finds one vector however many are asked for."""

    def Search(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = super().Search(request, context)
        found = answer.results
        del found.ids.int_id.data[1:], found.scores[1:]
        for field in found.fields_data:
            del field.vectors.float_vector.data[field.vectors.dim :]
        found.topks[:] = [1]
        return answer


@contextlib.contextmanager
def changed_milvus(
    folder: Path, kind: type[MilvusServicer] = MilvusServicer, most_bytes: int = 64 << 20
) -> Iterator[str]:
    """Runs the server in this process, in one thing another; gives its address. It takes so many bytes in one
    message."""
    database = MilvusLite(str(folder))
    options = [("grpc.max_receive_message_length", most_bytes)]
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(kind(database), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
        database.close()

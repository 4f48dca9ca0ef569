"""A real server that embeds as OpenAI's does, on this machine alone, with a model of this process."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedding.embedder import Embedder

KEY = "sk-of-the-tests-0123456789"
NAME = "a/model"


@dataclass(frozen=True)
class Answer:
    """What is answered once instead of vectors: a status, headers, and what stands in the body."""

    status: int
    said: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class EmbeddingServer(ThreadingHTTPServer):
    """Answers what `instead` holds first; then the vectors of `embedder`. `asked` has the texts of each
    request, in the order they came."""

    daemon_threads = True

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.embedder = embedder
        self.instead: list[Answer] = []
        self.asked: list[list[str]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def model(self) -> str:
        return f"{self.address}#{NAME}"

    @property
    def texts(self) -> list[str]:
        return [text for texts in self.asked for text in texts]

    def answer(self, path: str, key: str, body: dict[str, Any]) -> Answer:
        with self.lock:
            self.asked.append(body["input"])
            if self.instead:
                return self.instead.pop(0)
        if path != "/v1/embeddings" or body["model"] != NAME:
            return Answer(404, {"error": {"message": f"The model {body['model']} is not here."}})
        if key != f"Bearer {KEY}":
            return Answer(401, {"error": {"message": f"Incorrect API key: {key}"}})
        return Answer(200, vectors(self.embedder.encode(body["input"])))


def vectors(x_ND: NDArray[np.float16]) -> dict[str, Any]:
    """An answer with these vectors. They come as they were worked out, the last one first."""
    rows = [{"index": number, "embedding": x_D.tolist()} for number, x_D in enumerate(x_ND)]
    return {"object": "list", "data": rows[::-1]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answer(self.path, self.headers.get("Authorization", ""), body)
        told = answer.said if isinstance(answer.said, str) else json.dumps(answer.said)
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(told.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def embedding_server(embedder: Embedder) -> Iterator[EmbeddingServer]:
    """Runs a server until the block ends."""
    with EmbeddingServer(embedder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""A real server that completes chats as OpenAI's does, on this machine alone: it answers what a test says."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.endpoint import Answer

KEY = "sk-of-the-editor-0123456789"
MODEL = "an/editor"

Rewrite = Callable[[str], Any]
"""What comes back of a text."""


class EditingServer(ThreadingHTTPServer):
    """Answers what `instead` holds first; then what `rewrite` makes of the text. `asked` has what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rewrite: Rewrite = lambda text: text
        self.instead: list[Answer] = []
        self.asked: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def answer(self, path: str, key: str, body: dict[str, Any]) -> Answer:
        self.asked.append(body)
        if self.instead:
            return self.instead.pop(0)
        if path != "/v1/chat/completions" or body["model"] != MODEL:
            return Answer(404, {"error": {"message": f"The model {body['model']} is not here."}})
        if key != f"Bearer {KEY}":
            return Answer(401, {"error": {"message": f"Incorrect API key: {key}"}})
        text = body["messages"][-1]["content"].partition("Text:\n")[2]
        return completion(self.rewrite(text))


def completion(content: Any, end: str = "stop") -> Answer:
    """An answer with this message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": end}
    return Answer(200, {"object": "chat.completion", "choices": [choice]})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EditingServer

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
def editing_server() -> Iterator[EditingServer]:
    """Runs a server until the block ends."""
    with EditingServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

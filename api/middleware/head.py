"""HEAD is answered wherever GET is."""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET, without the body (ASGI middleware): the same status and headers everywhere.

    Not where a GET changes something: the link that signs an admin in works once, and who looks whether it
    leads somewhere must not use it up.
    """

    def __init__(self, app: ASGIApp, but: Collection[str] = ()) -> None:
        self.app = app
        self.but = but

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] in self.but:
            await self.app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, send_no_body)

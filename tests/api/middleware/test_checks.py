"""What is wrong with a request as such is told wherever it goes."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.checks import Checks
from search.errors import InvalidRequest


def refuse_strangers(request: Request) -> None:
    if request.headers.get("X-From") == "a stranger":
        raise InvalidRequest("Who are you?")


def test_a_check_holds_where_there_is_a_route_and_where_there_is_none() -> None:
    app = Starlette(routes=[Route("/here", lambda _: PlainTextResponse("here"))])
    app.add_middleware(
        Checks, checks=[refuse_strangers], answer=lambda _, error: PlainTextResponse(str(error), 400)
    )
    client = TestClient(app, follow_redirects=False)
    for path, status in (("/here", 200), ("/here/", 307), ("/nowhere", 404)):
        assert client.get(path).status_code == status
        refused = client.get(path, headers={"X-From": "a stranger"})
        assert (refused.status_code, refused.text) == (400, "Who are you?")

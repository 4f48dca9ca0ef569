"""What is kept of a page asks its server well, and what is no stamp asks nothing."""

import pytest

from indexer.sources.web.fetching import Response
from indexer.sources.web.stamps import MOST_LINKS, Stamp

DATE = "Wed, 01 May 2024 10:00:00 GMT"


def answer(tag: str = "", date: str = "") -> Response:
    return Response(200, "text/html", None, b"", tag=tag, date=date)


def test_a_stamp_is_read_as_it_was_written() -> None:
    for links in ((), ("http://a.example/b",), None):
        stamp = Stamp.of(answer('W/"1-a"', DATE), links)
        assert Stamp.read(stamp.write()) == stamp
        assert stamp.conditions == {"If-None-Match": 'W/"1-a"', "If-Modified-Since": DATE}


@pytest.mark.parametrize("written", [None, "", "{}", "[]", "5", "[0, 1, 2, 3]", "1-2-3", '["x"', "[[1]]"])
def test_what_is_no_stamp_asks_nothing(written: str | None) -> None:
    assert Stamp.read(written) == Stamp()
    assert Stamp().conditions == {}
    assert Stamp().write() is None


@pytest.mark.parametrize(("tag", "date"), [('"a\r\nX: y"', DATE), ("a", "soon"), ('"é"', f"{DATE}\r\nX: y")])
def test_what_no_server_should_send_is_left_out(tag: str, date: str) -> None:
    assert "\n" not in str(Stamp.of(answer(tag, date), ()).conditions.values())
    assert "If-None-Match" not in Stamp.of(answer(tag, date), ()).conditions


def test_a_page_of_many_links_has_no_stamp() -> None:
    links = tuple(f"http://a.example/{number}" for number in range(MOST_LINKS + 1))
    assert Stamp.of(answer('"1"'), links).write() is None

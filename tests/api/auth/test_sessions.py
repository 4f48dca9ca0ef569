"""Sessions behind a cookie, and links that open one."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from api.auth.keys import create_key, find_key, revoke_key
from api.auth.sessions import Caller, OneTimeLinks, begin_session, csrf_token, end_session, find_session
from search.db.models import AdminSessionRow, KeyRow
from search.shared_tables import SharedTable


@pytest.mark.database
def test_a_session_is_its_keys_and_ends_with_it(database: Engine) -> None:
    with Session(database) as session:
        key = find_key(session, create_key(session, "me", "admin"))
        assert key is not None
        cookie = begin_session(session, key)
        assert find_session(session, cookie) == Caller("me", "admin")
        assert find_session(session, cookie + "x") is None
        revoke_key(session, key.id)
        assert find_session(session, cookie) is None


@pytest.mark.database
def test_a_session_of_a_link_is_an_admins_until_it_is_ended(database: Engine) -> None:
    with Session(database) as session:
        cookie, other = begin_session(session, None), begin_session(session, None)
        assert find_session(session, cookie) == Caller("one-time link", "admin")
        end_session(session, cookie)
        end_session(session, "nobody's")
        assert find_session(session, cookie) is None
        assert find_session(session, other) is not None


@pytest.mark.database
def test_a_session_that_has_run_out_is_none_and_is_deleted_by_the_next(database: Engine) -> None:
    with Session(database) as session:
        cookie = begin_session(session, None)
        session.execute(update(AdminSessionRow).values(expires_at=func.now() - timedelta(seconds=1)))
        assert find_session(session, cookie) is None
        begin_session(session, None)
        assert len(session.scalars(select(AdminSessionRow)).all()) == 1


@pytest.mark.database
def test_the_store_holds_no_cookie(database: Engine) -> None:
    with Session(database) as session:
        cookie = begin_session(session, None)
        stored = session.scalars(select(AdminSessionRow)).one()
        assert cookie.encode() not in stored.sha256
        assert session.scalars(select(KeyRow)).all() == []


def test_the_token_of_forms_is_the_cookies_alone() -> None:
    assert csrf_token("a") == csrf_token("a") != csrf_token("b")
    assert "cookie" not in csrf_token("cookie")


def test_a_link_opens_once_and_stays_where_opening_failed() -> None:
    links = OneTimeLinks(SharedTable())
    token = links.make()

    def opening_fails() -> None:
        with links.using(token) as valid:
            assert valid
            raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        opening_fails()
    with links.using(token) as valid:
        assert valid
    with links.using(token) as valid:
        assert not valid
    with links.using("made up") as valid:
        assert not valid


def test_a_link_runs_out() -> None:
    links = OneTimeLinks(SharedTable(), seconds=0)
    with links.using(links.make()) as valid:
        assert not valid

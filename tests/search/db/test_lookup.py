"""The name of an installation: the same for all of one database, another one's nowhere."""

import contextlib
from collections.abc import Callable

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.orm import Session

from search.db.lookup import installation_of

pytestmark = [pytest.mark.database, pytest.mark.sql]


def _asked(url: URL, role: str = "") -> str:
    engine = create_engine(url)
    with Session(engine) as session:
        if role:
            session.execute(text(f"CREATE ROLE {role}"))
            session.execute(text(f"SET LOCAL ROLE {role}"))
        found = installation_of(session)
    engine.dispose()
    return found


def test_each_database_has_a_name_of_its_own(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
) -> None:
    with new_database() as one, new_database() as other:
        assert _asked(one) == _asked(one)
        assert _asked(one) != _asked(other)
        assert len(_asked(one)) == 12


def test_whoever_may_read_may_ask_for_it(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
) -> None:
    with new_database() as url:
        assert _asked(url, role="refract_nobody") == _asked(url)

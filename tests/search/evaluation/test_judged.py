"""What people have judged, as an evaluation counts it."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.documents import delete_documents
from indexer.judgements.store import Given, keep_judgements
from search.errors import InvalidRequest
from search.evaluation.judged import Judged, read_judged
from search.query.question_key import question_key
from tests.support.building import document, write

pytestmark = pytest.mark.database


def read(database: Engine, *collections: int) -> Judged:
    with Session(database) as session:
        return read_judged(session, *collections)


def keep(database: Engine, *said: tuple[str, str, int, str]) -> None:
    keep_judgements(database, "c", [Given(*each) for each in said])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Who sings", "who  SINGS\n", True),
        ("naïve “quotes”", 'naive "quotes"', True),
        ("who sings", "who sings?", False),
        ("who sings", "whosings", False),
    ],
)
def test_a_question_is_the_same_one_however_it_is_spelled(one: str, other: str, same: bool) -> None:
    assert (question_key(one) == question_key(other)) is same


def test_where_people_differ_the_mean_counts_a_half_rounded_down(database: Engine) -> None:
    number = write(database, "c", [document(number) for number in range(5)])
    keep(database, ("q", "d0", 1, "ann"), ("q", "d0", 0, "bob"))
    keep(database, ("Q", "d1", 1, "ann"), ("Q", "d1", 1, "bob"), ("q", "d1", 0, "eve"))
    keep(database, ("q", "d2", 4, "ann"), ("q", "d2", 1, "bob"), ("q", "d3", 2, "ann"))
    judged = read(database, number)
    assert judged.grades == {"q": {"d0": 0, "d1": 1, "d2": 2, "d3": 2}}
    assert (judged.judgements, judged.judges) == (8, ("ann", "bob", "eve"))
    assert [(each.document, each.said, each.counts) for each in judged.contradictions] == [
        ("d0", {"ann": 1, "bob": 0}, 0),
        ("d1", {"ann": 1, "bob": 1, "eve": 0}, 1),
        ("d2", {"ann": 4, "bob": 1}, 2),
    ]
    judged.check("c")


def test_what_is_gone_is_not_counted_and_told(database: Engine) -> None:
    number = write(database, "c", [document(number) for number in range(4)])
    other = write(database, "other", [document(number) for number in range(1, 9)])
    keep(database, ("a", "d0", 1, "ann"), ("a", "d1", 0, "ann"), ("b", "d1", 1, "ann"), ("b", "d2", 1, "ann"))
    with Session(database) as session:
        delete_documents(session, number, ["d2"])
        session.commit()
    judged = read(database, number)
    assert judged.grades == {"a": {"d0": 1, "d1": 0}, "b": {"d1": 1}}
    assert (judged.judgements, judged.gone, judged.unanswerable) == (4, 1, ())
    both = read(database, number, other)
    assert both.grades == {"b": {"d1": 1}}
    assert (both.gone, both.unanswerable) == (2, ("a",))
    write(database, "c", [document(2)])  # it is back
    assert read(database, number).gone == 0


def test_nothing_can_be_measured_of_nothing(database: Engine) -> None:
    number = write(database, "c", [document(0)])
    with pytest.raises(InvalidRequest, match="Nothing has been judged in 'c'"):
        read(database, number).check("c")
    keep(database, ("q", "d0", 0, "ann"))
    with pytest.raises(InvalidRequest, match="None of the 1 judgements in 'c' says"):
        read(database, number).check("c")

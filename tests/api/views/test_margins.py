"""Two scores beside each other: rows sum as shown, and the sentence above them is true of the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.views.margins import Margins, faint, short_name, short_names, verdict
from search.responses.explanations import Comparison, Margin
from search.responses.search import DocumentRef, PassageText, Result, Term, TermKind


def term(kind: TermKind, first: float, second: float, label: str = "") -> Margin:
    feature = 1 if kind == "feature" else None
    return Margin(kind, label or kind, first, second, first - second, feature=feature)


def comparison(*terms: Margin, titles: tuple[str, str] = ("One", "Two")) -> Comparison:
    first, second = (
        Result(1, 1, sum(scores), DocumentRef(title.lower(), title), PassageText(1, "x", 0, 1), [])
        for title, scores in zip(
            titles, ([each.first for each in terms], [each.second for each in terms]), strict=True
        )
    )
    return Comparison("q", "c", 1, 1, first, second, first.score - second.score, list(terms), [])


def test_rows_sum_as_shown_and_small_ones_share_one() -> None:
    terms = [term("word", 0.3004, 0.1), term("feature", 0.2, 0.25)]
    terms += [term("feature", 0.0014, 0.001) for _ in range(7)]
    found = Margins.of(terms)
    rows = [*found.terms, *found.smaller]
    assert sum(each.units for each in rows) == found.units
    assert sum(each.first for each in rows) == round(1000 * sum(each.first for each in terms))
    assert sum(each.second for each in rows) == round(1000 * sum(each.second for each in terms))
    assert len(found.smaller) == 7


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=9))
def test_every_shown_difference_is_that_of_the_numbers_beside_it(values: list[tuple[float, float]]) -> None:
    found = Margins.of([term("feature", first, second) for first, second in values])
    rows = [*found.terms, *found.smaller]
    assert all(each.units == each.first - each.second for each in rows)
    assert found.units == sum(each.first for each in rows) - sum(each.second for each in rows)


def test_a_single_small_term_keeps_its_row() -> None:
    found = Margins.of([term("word", 0.3, 0.1), term("feature", 0.001, 0.0)])
    assert (len(found.terms), found.smaller) == (2, [])


def test_what_is_ahead_only_by_a_word_is_said_to_be() -> None:
    told = verdict(comparison(term("word", 0.3, 0.0), term("remainder", 0.1, 0.25)))
    assert (told.ahead, told.behind, told.only, told.meaning) == ("One", "Two", True, "Two")
    told = verdict(comparison(term("remainder", 0.1, 0.25), term("word", 0.0, 0.1)))
    assert (told.ahead, told.only, told.meaning) == ("Two", False, "")


def test_a_feature_is_never_the_only_reason() -> None:
    """Taking it out of the question would move all the rest, too."""
    told = verdict(comparison(term("feature", 0.3, 0.0), term("remainder", 0.1, 0.25)))
    assert told.term is not None
    assert (told.term.kind, told.only) == ("feature", False)


def test_nothing_parts_two_of_one_score() -> None:
    assert verdict(comparison(term("word", 0.2, 0.2))).term is None


@pytest.mark.parametrize(
    ("title", "name"),
    [("list.sort — Sort the list", "list.sort"), ("x" * 500, "x" * 36 + "…"), ("", "id")],
)
def test_titles_end_where_they_begin_to_explain(title: str, name: str) -> None:
    assert short_name(DocumentRef("id", title)) == name


def test_documents_of_one_name_keep_their_whole_titles() -> None:
    assert short_names(DocumentRef("a", "inv — of numpy"), DocumentRef("b", "inv — of scipy")) == (
        "inv — of numpy",
        "inv — of scipy",
    )


def test_features_that_a_document_does_not_show_are_faint() -> None:
    terms = [
        Term("feature", 0.3, "sea", 1, shared=True),
        Term("feature", 0.2, "ship", 2, shared=False),
        Term("steering", 0.2, "boat", 3, shared=False),
        Term("feature", 0.2, "other topics", shared=False),
    ]
    result = Result(1, 1, 0.9, DocumentRef("one", "One"), PassageText(1, "x", 0, 1), terms)
    assert faint(result) == {2}

"""What readers agree with: the signs that the gate looks at, and eight questions that must not get worse."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from search.db.card import Card
from search.dictionary.autoencoder import Dictionary
from search.engine.engine import SearchEngine
from search.index.agreement import NameWords, about, density, shared
from search.index.bm25 import Counts
from search.query.request import SearchRequest

ACCEPTABLE = {
    "cancel an asyncio task": {"asyncio", "cancellation requests", "cancellation", "cancel", "task"},
    "sort a list in reverse": {"list sorting", "reverse", "sorting", "sort", "list"},
    "define a class with inheritance": {
        "class definition",
        "inheritance",
        "class",
        "base class",
        "class object",
        "Customizing class creation",
    },
    "import a module by name": {
        "import module",
        "imported module",
        "import statement",
        "module",
        "import",
        "Module Namespaces",
    },
    "what is a generator": {"generator", "asynchronous generator"},
    "compare two objects for equality": {"object equality", "compare equal", "equality"},
    "write a lambda expression": {"lambda expression", "lambda"},
    "parse command line arguments": {
        "command line argument",
        "command-line",
        "command-line parser",
        "parse",
        "argparse",
        "argparse.ArgumentParser",
        "ArgumentParser",
        "argument parsing",
        "parsing argument",
    },
}
"""Questions over the beginning of Python's documentation, and names that a reader would call right there."""


@pytest.mark.database
@pytest.mark.parametrize("question", ACCEPTABLE)
def test_reasons_read_like_a_persons(engine: SearchEngine, question: str) -> None:
    results = engine.search(SearchRequest(question), collection="manual", limit=3).results
    shown = [
        [term.label for term in result.terms if term.kind == "feature" and term.feature is not None]
        for result in results
    ]
    assert {name for names in shown for name in names} <= ACCEPTABLE[question]
    assert shown[0], "the first answer has no reason that a reader would see"


def agreed(names: list[str], question: str, text: str, *, beside: bool = False) -> list[float]:
    words = NameWords(names)
    counts = Counts.of([text])
    has_PT = counts.holding(np.array([0]), words.known)
    near = np.full(len(names), 0.5)
    some = density(np.full(len(names), 20), 4000)
    found = shared(words, question, near, near[None], has_PT, np.array([0.6]), some, beside=beside)
    return [float(value) for value in found[0]]


def test_a_name_that_both_say_is_surer_than_one_that_neither_does() -> None:
    said, unsaid = agreed(["hash", "cipher"], "hash a password", "How to hash passwords with a salt.")
    assert said > 0.68 > unsaid


def test_a_letter_that_was_not_asked_for_is_another_thing() -> None:
    text = "Treatment of hepatitis B and hepatitis C in adults."
    asked, other = agreed(["hepatitis C", "hepatitis B"], "hepatitis c treatment", text)
    assert asked > other + 0.2


def test_a_word_that_only_shares_its_stem_with_the_question_is_less_sure() -> None:
    text = "The command line. A commandment."
    literal, stem = agreed(["command", "commandment"], "command line arguments", text)
    assert literal > stem


def test_a_part_of_a_longer_name_says_less_beside_it() -> None:
    names, question, text = ["net present value", "net"], "net present value", "The net present value method."
    alone, together = (agreed(names, question, text, beside=beside)[1] for beside in (False, True))
    assert together < alone


def test_plurals_and_case_do_not_matter() -> None:
    words = NameWords(["interest rate", "Matrix", "query"])
    assert words.said("Interest rates, matrix and queries").tolist() == [True, True, True]
    assert words.said("the rate of interest").tolist() == [True, False, False]


def test_a_passage_is_about_near_names_whose_words_it_has() -> None:
    w_FD = np.eye(4, dtype=np.float32)
    names = (("whale",), ("ship",), ("desert",), ("steam engine",))
    dictionary = Dictionary.tied(w_FD, Card(model="m", active=4), names=names)
    acts = csr_matrix(np.array([[0.5, 0.5, 0.3, 0.3], [0.05, 0.9, 0.0, 0.2]], np.float32))
    counts = Counts.of(["Whales sing far from any engine.", "A tale."])
    found = about(acts, counts, dictionary).toarray()
    assert (found[0] > 0).tolist() == [True, False, False, False]
    assert (found[1] > 0).tolist() == [False, True, False, False]  # so near that no word is needed
    learned = Dictionary.tied(w_FD, Card(model="m", active=4))
    assert about(acts, counts, learned) is acts

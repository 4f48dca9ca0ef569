"""Where a document is from is told by the fields that say most, those that people look for first."""

import numpy as np
from scipy.sparse import csr_matrix

from search.filtering.doc_values import DocValues
from search.filtering.field_values import DATE, NUMBER, TEXT, kind_of, same
from search.presentation.provenance import TOLD, with_facts
from search.responses.search import DocumentRef, Fact, PassageText, Result


def doc_values(*documents: dict[str, list[str]]) -> DocValues:
    """The values of documents that are numbered from 10 on."""
    pairs = [[(name, text) for name, texts in meta.items() for text in texts] for meta in documents]
    known = list(dict.fromkeys(pair for each in pairs for pair in each))
    held = np.array([[pair in each for pair in known] for each in pairs], np.int32)
    return DocValues(
        documents_R=np.arange(10, 10 + len(documents)),
        values={(name, same(text)): number for number, (name, text) in enumerate(known)},
        written=[(text, kind_of(text), True) for _, text in known],
        has_RV=csr_matrix(held),
        kinds={name: frozenset(kind_of(text) for other, text in known if other == name) for name, _ in known},
    )


def facts(values: DocValues, document: int) -> list[Fact]:
    result = Result(1, 1, 0.5, DocumentRef("d", "D"), PassageText(1, "Text.", 0, 5), [])
    (told,) = with_facts([result], values, np.array([document]))
    return told.facts


def test_path_kind_package_and_date_come_first_and_few_are_told() -> None:
    first = {
        "mood": ["calm"],
        "published": ["2020-05-01"],
        "package": ["shelves"],
        "kind": ["function"],
        "path": ["a/", "a/b/"],
    }
    second = {
        "mood": ["loud"],
        "published": ["2021-05-01"],
        "package": ["rooms"],
        "kind": ["class"],
        "path": ["c/"],
    }
    values = doc_values(first, second)
    assert values.kinds["published"] == {DATE}
    assert facts(values, 10) == [
        Fact("path", "a/b/"),
        Fact("kind", "function"),
        Fact("package", "shelves"),
        Fact("published", "2020-05-01"),
    ]
    assert len(facts(values, 11)) == TOLD


def test_what_all_documents_share_a_bare_number_and_a_long_text_tell_nothing() -> None:
    values = doc_values(
        {"lang": ["en"], "pages": ["12"], "about": ["x" * 80], "author": ["Ada", "Grace"]},
        {"lang": ["en"], "pages": ["13"], "about": ["y" * 80], "author": ["Alan"]},
    )
    assert values.kinds["pages"] == {NUMBER}
    assert values.kinds["about"] == {TEXT}
    assert facts(values, 10) == [Fact("author", "Grace, Ada")]


def test_a_document_without_metadata_has_no_facts() -> None:
    assert facts(doc_values({"kind": ["a"]}, {"kind": ["b"]}, {}), 12) == []
    assert facts(doc_values({}), 10) == []

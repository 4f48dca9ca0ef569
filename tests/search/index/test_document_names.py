"""Names of documents: looked up by their hash, in a file that is mapped."""

from pathlib import Path

import numpy as np
import pytest

from search.errors import IndexDamaged
from search.index.document_names import LONGEST, Names

DOCUMENTS = [
    (7, "os.path.join", "os.path.join"),
    (3, "guide/intro.md", "First steps"),
    (5, "n5", "First steps"),
    (9, "n9", ""),
    (2, "n2", "long " * LONGEST),
]


def asked(names: Names, question: str) -> list[int]:
    return [int(document) for document in names.documents(question)]


def test_documents_are_found_by_id_title_and_last_parts_each_once() -> None:
    names = Names.of(DOCUMENTS)
    assert asked(names, "os.path.join()") == [7]
    assert asked(names, "path.join") == [7]
    assert asked(names, "intro.md") == asked(names, "guide/intro.md") == [3]
    assert asked(names, "first STEPS") == [3, 5]
    for nothing in ("", "?", "join", "md", "long " * LONGEST):
        assert asked(names, nothing) == []


def test_names_that_follow_others_are_found_beside_them() -> None:
    both = Names.of(DOCUMENTS[:2]).followed_by(Names.of(DOCUMENTS[2:]))
    whole = Names.of(DOCUMENTS)
    assert np.array_equal(both.hashes_K, whole.hashes_K)
    assert np.array_equal(both.documents_K, whole.documents_K)
    assert asked(Names().followed_by(Names()), "anything") == []


def test_a_file_of_names_is_mapped_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "names"
    for documents in (DOCUMENTS, []):
        names = Names.of(documents)
        sha256 = names.save(path)
        again = Names.load(path, sha256)
        assert np.array_equal(again.hashes_K, names.hashes_K)
        assert again.hashes_K.dtype == np.uint64
        assert np.array_equal(again.documents_K, names.documents_K)
    with pytest.raises(IndexDamaged):
        Names.load(path, "0" * 64)

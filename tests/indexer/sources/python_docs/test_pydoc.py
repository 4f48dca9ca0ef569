"""The documentation of the running Python: enough of it, readable, the same on every run."""

import sys
from pathlib import Path

import pytest

from indexer.sources import Failure, SourceDocument, open_source
from indexer.sources.python_docs.docstrings import clean_docstring, summary
from indexer.sources.python_docs.pydoc import module_documents


@pytest.fixture(scope="module")
def documents() -> dict[str, SourceDocument]:
    items = list(open_source(None, "pydoc"))
    found = [item for item in items if isinstance(item, SourceDocument)]
    assert [item for item in items if isinstance(item, Failure)] == []
    assert len({document.id for document in found}) == len(found)
    return {document.id: document for document in found}


def test_there_is_enough_to_search_in(documents: dict[str, SourceDocument]) -> None:
    kinds = [document.meta["kind"] for document in documents.values()]
    assert len(documents) >= 3_000
    assert all(kinds.count(kind) >= 50 for kind in ("topic", "module", "class", "function", "method"))


def test_a_function_of_the_standard_library(documents: dict[str, SourceDocument]) -> None:
    found = documents["json.dumps"]
    assert found.title == "json.dumps — Serialize obj to a JSON formatted str"
    assert found.text.startswith("json.dumps(obj, *, skipkeys=False, ensure_ascii=True")
    assert "`" not in found.text
    assert found.url == "https://docs.python.org/3/library/json.html#json.dumps"
    assert found.meta == {"package": "json", "kind": "function"}


@pytest.mark.parametrize("id", ["list.append", "re.match", "datetime.datetime.strptime", "len", "os.getcwd"])
def test_what_is_called_is_there_however_little_it_says(
    documents: dict[str, SourceDocument], id: str
) -> None:
    assert documents[id].title.startswith(f"{id} — ")


def test_no_title_says_a_name_twice_or_promises_what_does_not_come(
    documents: dict[str, SourceDocument],
) -> None:
    parts = [document.title.partition(" — ") for document in documents.values()]
    assert not [name for name, dash, told in parts if dash and told in ("", name)]


@pytest.mark.parametrize("id", ["UnicodeDecodeError.start", "ast.Add", "os.stat_result.st_gid"])
def test_what_only_says_its_name_in_other_words_is_not(documents: dict[str, SourceDocument], id: str) -> None:
    assert id not in documents


@pytest.mark.parametrize(
    ("id", "url"),
    [
        ("json", "https://docs.python.org/3/library/json.html#module-json"),
        ("print", "https://docs.python.org/3/library/functions.html#print"),
        ("str.split", "https://docs.python.org/3/library/stdtypes.html#str.split"),
        ("numpy.linalg.svd", "https://numpy.org/doc/stable/reference/generated/numpy.linalg.svd.html"),
        (
            "scipy.optimize.minimize",
            "https://docs.scipy.org/doc/scipy/reference/generated/scipy.optimize.minimize.html",
        ),
        (
            "sklearn.cluster.KMeans",
            "https://scikit-learn.org/stable/modules/generated/sklearn.cluster.KMeans.html",
        ),
    ],
)
def test_documents_point_to_their_page(documents: dict[str, SourceDocument], id: str, url: str) -> None:
    assert documents[id].url == url


def test_a_topic_of_the_language(documents: dict[str, SourceDocument]) -> None:
    found = documents["topics.assert"]
    assert found.title == "The assert statement"
    assert found.text.startswith("Assert statements are a convenient way")


def test_no_text_comes_twice_and_no_address_comes_at_all(documents: dict[str, SourceDocument]) -> None:
    texts = [document.text for document in documents.values() if document.meta["kind"] in ("topic", "module")]
    assert len(set(texts)) == len(texts)
    assert not [document.id for document in documents.values() if " at 0x7f" in document.text]
    assert not [id for id in documents if any(part.startswith("_") for part in id.split("."))]


def test_the_order_is_the_same_again(documents: dict[str, SourceDocument]) -> None:
    again = [item for item in open_source(None, "pydoc") if isinstance(item, SourceDocument)]
    assert again == list(documents.values())


MODULE = f'''
"""{"A module of the test that says what it is. " * 5}"""
import sys, warnings
print("noise"); print("noise", file=sys.stderr); warnings.warn("noise")

def told(x, y=object()):
    """{"A function of the test that says what it does. " * 5}"""

alias = told

def short():
    """Too short."""

def old():
    """Deprecated since long: {"do not use this any more. " * 10}"""
'''


def test_a_module_is_imported_without_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "refract_told.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    found = module_documents("refract_told", set())
    assert capfd.readouterr() == ("", "")
    assert [getattr(item, "id", None) for item in found] == ["refract_told", "refract_told.told"]
    assert isinstance(found[1], SourceDocument)
    assert found[1].text.startswith("refract_told.told(x, y=...)\n\nA function of the test")
    del sys.modules["refract_told"]


@pytest.mark.parametrize("statement", ["1 / 0", "raise SystemExit(3)", "import this is broken"])
def test_a_module_that_breaks_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    (tmp_path / "refract_broken.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    (failure,) = module_documents("refract_broken", set())
    assert isinstance(failure, Failure)
    assert failure.name == "refract_broken"
    assert failure.reason.startswith("it cannot be imported")


def test_a_signal_amid_an_import_is_no_fault_of_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "refract_ended.py").write_text("raise SystemExit(143)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SystemExit):
        module_documents("refract_ended", set())


def test_a_module_that_is_not_there_is_passed_over() -> None:
    assert module_documents("refract_nowhere", set()) == []


NUMPY_STYLE = """
    Solve a thing [1]_ for ``x``.

    It calls :func:`~numpy.solve` or `other`, as in
    :ref:`the guide <guide>`. Also `quoted' words.

    .. versionadded:: 1.2

    Parameters
    ----------
    a : array

    Notes
    -----
    Some notes.

    **Array API Standard Support**

    ====  ====
    CPU   GPU
    ====  ====

    Examples
    --------
    >>> 1
    1
    """


def test_a_docstring_is_cleaned_for_a_reader() -> None:
    assert clean_docstring(NUMPY_STYLE) == (
        "Solve a thing [1] for x.\n\nIt calls numpy.solve or other, as in\nthe guide. Also quoted words.\n\n"
        "Added in version 1.2\n\nNotes\n\nSome notes."
    )


def test_the_summary_is_the_first_sentence() -> None:
    assert summary("f(x) -> y\n\nDo a\nthing. Then another.") == "Do a thing"
    assert summary("Do a thing.\n\nMore.") == "Do a thing"

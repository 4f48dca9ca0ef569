"""Documents of several sources in one collection: each is known by where it was read and its id there."""

import shutil
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from indexer.documents import IngestReport, delete_documents, ensure_collection, ingest, read_stamps
from indexer.progress import Reporter
from indexer.sources import Failure, Item, SourceDocument, Unchanged, checked, open_source
from search.db.models import DocumentRow

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def collection(database: Engine) -> int:
    with Session(database) as session:
        number = ensure_collection(session, "c", "m").id
        session.commit()
    return number


def folder(path: Path, **texts: str) -> Path:
    """A folder with a Markdown file for each text."""
    path.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (path / f"{name}.md").write_text(text)
    return path


def read(database: Engine, collection: int, path: Path, *, sync: bool = True) -> IngestReport:
    """What `refract index` does with a path."""
    items = open_source(path)
    return ingest(database, collection, items, Reporter(database), source=str(path.resolve()), sync=sync)


def put(database: Engine, collection: int, id: str, text: str) -> IngestReport:
    """What the API does with a document."""
    items = checked([SourceDocument(id, id, text)])
    return ingest(database, collection, items, Reporter(database))


def texts(database: Engine) -> dict[str, str]:
    with Session(database) as session:
        rows = select(DocumentRow.external_id, DocumentRow.text).where(DocumentRow.superseded.is_(None))
        return {row.external_id: row.text for row in session.execute(rows)}


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.deleted


COMPOSED, DECOMPOSED = "caf\u00e9.md", "cafe\u0301.md"


def test_an_id_is_composed_and_found_in_either_form(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    there = folder(tmp_path / "d", **{DECOMPOSED.removesuffix(".md"): "Whales sing."})
    assert counts(read(database, collection, there)) == (1, 0, 0, 0)
    assert texts(database) == {COMPOSED: "Whales sing."}
    assert counts(read(database, collection, there)) == (0, 0, 1, 0)
    assert counts(put(database, collection, DECOMPOSED, "Bats hunt.")) == (0, 1, 0, 0)
    with Session(database) as session:
        assert delete_documents(session, collection, [DECOMPOSED, "no"]) == [DECOMPOSED]


def test_an_id_of_before_ids_were_composed_is_still_that_document(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    there = folder(tmp_path / "d", **{DECOMPOSED.removesuffix(".md"): "Whales sing."})
    read(database, collection, there)
    with Session(database) as session:
        session.execute(update(DocumentRow).values(external_id=DECOMPOSED))
        session.commit()
    assert counts(read(database, collection, there)) == (0, 0, 1, 0)
    folder(there, **{DECOMPOSED.removesuffix(".md"): "Bats hunt."})
    assert counts(read(database, collection, there)) == (0, 1, 0, 0)
    assert texts(database) == {DECOMPOSED: "Bats hunt."}
    with Session(database) as session:
        assert delete_documents(session, collection, [COMPOSED]) == [COMPOSED]


def test_files_of_one_name_in_two_folders_both_stay(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    a = folder(tmp_path / "a", README="Whales sing.")
    b = folder(tmp_path / "b", README="Bats hunt.", more="Owls see.")
    assert counts(read(database, collection, a)) == (1, 0, 0, 0)
    report = read(database, collection, b)
    assert (counts(report), report.qualified, report.qualified_id) == ((2, 0, 0, 0), 1, "b/README.md")
    both = {"README.md": "Whales sing.", "b/README.md": "Bats hunt.", "more.md": "Owls see."}
    for _ in range(2):
        assert counts(read(database, collection, a)) == (0, 0, 1, 0)
        report = read(database, collection, b)
        assert (counts(report), report.qualified) == ((0, 0, 2, 0), 0)
        assert texts(database) == both


def test_each_source_changes_and_deletes_its_own(database: Engine, collection: int, tmp_path: Path) -> None:
    a, b = (
        folder(tmp_path / "a", x="Whales sing.", y="Stars."),
        folder(tmp_path / "b", x="Bats hunt.", y="Sun."),
    )
    read(database, collection, a)
    read(database, collection, b)
    folder(b, x="Bats hunt by echo.")
    (b / "y.md").unlink()
    (a / "x.md").unlink()
    assert counts(read(database, collection, b)) == (0, 1, 0, 1)
    assert counts(read(database, collection, a)) == (0, 0, 1, 1)
    # The id is free again, and b's file keeps the one it has.
    assert texts(database) == {"y.md": "Stars.", "b/x.md": "Bats hunt by echo."}
    assert counts(read(database, collection, b)) == (0, 0, 1, 0)


def test_records_of_one_id_in_two_files_both_stay(database: Engine, collection: int, tmp_path: Path) -> None:
    for name in ("birds", "trees"):
        lines = [f'{{"id": {number}, "text": "{name} number {number}"}}\n' for number in (1, 2, 3)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
        read(database, collection, tmp_path / f"{name}.jsonl", sync=False)
    assert texts(database) == {
        **{f"{number}": f"birds number {number}" for number in (1, 2, 3)},
        **{f"trees.jsonl/{number}": f"trees number {number}" for number in (1, 2, 3)},
    }


def test_folders_of_one_name_are_told_apart_by_what_they_are_in(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    for number, parent in enumerate(("x", "y", "z")):
        read(database, collection, folder(tmp_path / parent / "docs", a=f"Text {number}."))
    assert texts(database) == {"a.md": "Text 0.", "docs/a.md": "Text 1.", "z/docs/a.md": "Text 2."}


def test_an_id_made_of_a_folder_s_name_may_be_a_file_s_own(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    a, b = folder(tmp_path / "a", x="Whales sing."), folder(tmp_path / "b", x="Bats hunt.")
    folder(b / "b", x="Owls see.")
    read(database, collection, a)
    read(database, collection, b)
    assert sorted(texts(database).values()) == ["Bats hunt.", "Owls see.", "Whales sing."]
    before = texts(database)
    assert counts(read(database, collection, b)) == (0, 0, 2, 0)
    assert texts(database) == before


def test_one_folder_has_many_spellings(
    database: Engine, collection: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = folder(tmp_path / "a", x="Whales sing.")
    (tmp_path / "link").symlink_to(a)
    monkeypatch.chdir(tmp_path)
    assert counts(read(database, collection, a)) == (1, 0, 0, 0)
    for spelling in ("a", "./a/", "a/../a", "link", f"{a}/"):
        assert counts(read(database, collection, Path(spelling))) == (0, 0, 1, 0), spelling


def test_a_folder_that_moved_keeps_its_documents_and_their_ids(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    other = folder(tmp_path / "other", a="Another text.")
    here = folder(tmp_path / "here", a="Whales sing.", b="Bats hunt.", c="Owls see.")
    read(database, collection, other)
    read(database, collection, here)
    before = texts(database)
    there = tmp_path / "there"
    shutil.move(here, there)
    folder(there, b="Bats hunt by echo.")
    assert counts(read(database, collection, there)) == (0, 1, 2, 0)
    assert texts(database) == before | {"b.md": "Bats hunt by echo."}


def test_a_folder_that_is_gone_loses_nothing_to_one_that_has_a_file_of_it(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    many = {f"n{number}": f"Note {number}." for number in range(5)}
    gone, other = folder(tmp_path / "gone", licence="MIT", **many), folder(tmp_path / "other", licence="MIT")
    read(database, collection, gone)
    shutil.rmtree(gone)
    read(database, collection, other)
    assert len(texts(database)) == 7


def test_a_file_read_alone_and_with_its_folder_is_one_document(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    a = folder(tmp_path / "a", x="Whales sing.", y="Bats hunt.")
    read(database, collection, a / "x.md", sync=False)
    assert counts(read(database, collection, a)) == (1, 0, 1, 0)
    folder(a, x="Whales dive.")
    assert counts(read(database, collection, a / "x.md", sync=False)) == (0, 1, 0, 0)
    assert counts(read(database, collection, a)) == (0, 0, 2, 0)
    (a / "x.md").unlink()
    assert counts(read(database, collection, a)) == (0, 0, 1, 1)


def test_what_is_written_over_the_api_and_a_file_of_that_name_both_stay(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    a = folder(tmp_path / "a", x="Whales sing.")
    put(database, collection, "x.md", "By hand.")
    read(database, collection, a)
    assert texts(database) == {"x.md": "By hand.", "a/x.md": "Whales sing."}
    put(database, collection, "a/x.md", "By hand too.")  # who writes to an id replaces what is there
    for _ in range(2):
        read(database, collection, a)
        assert sorted(texts(database).values()) == ["By hand too.", "By hand.", "Whales sing."]
    assert counts(put(database, collection, "x.md", "By hand.")) == (0, 0, 1, 0)


def test_an_id_that_would_be_too_long_is_a_failure(database: Engine, collection: int, tmp_path: Path) -> None:
    long = "x" * 500
    for name in ("one", "other-and-longer"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"id": "{long}", "text": "{name}"}}\n')
    read(database, collection, tmp_path / "one.jsonl", sync=False)
    report = read(database, collection, tmp_path / "other-and-longer.jsonl", sync=False)
    assert counts(report) == (0, 0, 0, 0)
    assert [failure.name for failure in report.failures] == [long]
    assert "other sources" in report.failures[0].reason


def items(database: Engine, collection: int, path: Path) -> list[Item]:
    with Session(database) as session:
        known = read_stamps(session, collection, str(path.resolve()))
    return list(open_source(path, known=known))


def settle(folder: Path) -> None:
    """Lets files be older than what counts as just now."""
    import time

    from indexer.sources.files import SETTLED_NS

    newest = max(file.stat().st_ctime_ns for file in folder.rglob("*.md"))
    while time.time_ns() - newest < SETTLED_NS:
        time.sleep(0.1)


def test_only_files_that_changed_are_read_again(database: Engine, collection: int, tmp_path: Path) -> None:
    a = folder(tmp_path / "a", x="Whales sing.", y="Bats hunt.", z="Owls see.")
    settle(a)
    source = str(a.resolve())

    def run() -> tuple[int, list[str]]:
        given = items(database, collection, a)
        parsed = [item.id for item in given if isinstance(item, SourceDocument)]
        report = ingest(database, collection, given, Reporter(database), source=source, sync=True)
        assert report.documents == 3 - report.deleted
        return report.unread, parsed

    assert run() == (0, ["x.md", "y.md", "z.md"])
    assert run() == (3, [])
    stat = (a / "y.md").stat()
    (a / "y.md").write_text("Bats rest.")  # as long as before, and its clock set back
    import os

    os.utime(a / "y.md", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    settle(a)
    assert run() == (2, ["y.md"])
    assert run() == (3, [])
    assert texts(database)["y.md"] == "Bats rest."
    (a / "z.md").unlink()
    report = ingest(
        database, collection, items(database, collection, a), Reporter(database), source=source, sync=True
    )
    assert (report.unread, report.deleted) == (2, 1)


def test_what_is_written_to_a_file_just_read_is_seen(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    a = folder(tmp_path / "a", x="Whales sing.")
    read(database, collection, a)
    assert not any(isinstance(item, Unchanged | Failure) for item in items(database, collection, a))


def test_a_document_that_was_deleted_is_read_again(database: Engine, collection: int, tmp_path: Path) -> None:
    from indexer.documents import delete_documents

    a = folder(tmp_path / "a", x="Whales sing.")
    settle(a)
    read(database, collection, a)
    assert isinstance(items(database, collection, a)[0], Unchanged)
    with Session(database) as session:
        delete_documents(session, collection, ["x.md"])
        session.commit()
    assert isinstance(items(database, collection, a)[0], SourceDocument)


def test_a_file_of_many_documents_keeps_those_it_has_and_loses_those_that_went(
    database: Engine, collection: int, tmp_path: Path
) -> None:
    def pack(**texts: str) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name, text in texts.items():
                archive.writestr(f"{name}.md", text)

    pack(a="Whales sing.", b="Bats hunt.")
    assert counts(read(database, collection, tmp_path)) == (2, 0, 0, 0)
    assert counts(read(database, collection, tmp_path)) == (0, 0, 2, 0)
    pack(b="Bats sleep.", c="Owls see.")
    assert counts(read(database, collection, tmp_path)) == (1, 1, 0, 1)
    (tmp_path / "a.zip").write_bytes(b"PK no")
    report = read(database, collection, tmp_path)
    assert ([each.name for each in report.failures], report.deleted) == (["a.zip/"], 0)
    assert texts(database) == {"a.zip/b.md": "Bats sleep.", "a.zip/c.md": "Owls see."}
    (tmp_path / "a.zip").unlink()
    folder(tmp_path, d="Cells divide.")
    assert counts(read(database, collection, tmp_path)) == (1, 0, 0, 2)

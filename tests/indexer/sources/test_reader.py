"""No file can hang an index: what takes too long, or too much memory, is given up by name."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from indexer.sources import Failure, Item, SourceDocument, open_source
from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.reader import Reader
from tests.support.office import paragraph, word
from tests.support.pdfs import pdf

pytestmark = pytest.mark.slow


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader(seconds=8, memory=1 << 30)
    yield made
    made.end()


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def endless_page() -> bytes:
    """A PDF whose one page shows a letter some hundred thousand times, in a few bytes."""
    shown = zlib.compress(b"BT /F1 9 Tf " + b"(a) Tj " * 450_000 + b"ET")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(shown), shown),
    ]
    data, places = io.BytesIO(b"%PDF-1.4\n"), []
    data.seek(0, io.SEEK_END)
    for number, each in enumerate(objects, start=1):
        places.append(data.tell())
        data.write(b"%d 0 obj%s endobj\n" % (number, each))
    start = data.tell()
    data.write(
        b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    )
    data.write(b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)
    return data.getvalue()


SPAN = "<w:tcPr><w:gridSpan w:val='2000000'/></w:tcPr>"
ATTRIBUTES = " ".join(f"a{number}='x'" for number in range(200_000))
SLOW: dict[str, Callable[[], str | bytes]] = {
    "span.docx": lambda: word(f"<w:tbl><w:tr><w:tc>{SPAN}{paragraph('Whales sing.')}</w:tc></w:tr></w:tbl>"),
    "paragraphs.docx": lambda: word("<w:p/>" * (20 * 1024 * 1024 // 6)),
    "attributes.html": lambda: f"<p {ATTRIBUTES}>Whales sing.</p>",
    "cells.html": lambda: f"<table><tr>{'<td>x' * 60_000}<td>Whales sing.</table>",
    "blank.md": lambda: f"---\ntitle: a{' ' * 60_000}b c\n---\nWhales sing.",
    "colons.rst": lambda: f"Whales sing.\n\n{':' * 60_000}",
    "lines.rst": lambda: "\n" * 60_000 + "Whales sing.",
    "page.pdf": endless_page,
}
"""Each takes the square of its size to read, or all the time there is, where nothing is done about it."""


GIVEN_UP = {"paragraphs.docx", "page.pdf"}
"""Those that hold as much as they say: read by a fast machine, given up by a slow one."""


def tried(reader: Reader, path: Path) -> str:
    """The text of a file, or why it was not read."""
    try:
        return "".join(part.text for part in reader.read(path) if isinstance(part, Parsed))
    except UnreadableError as error:
        return str(error)


@pytest.mark.parametrize("name", SLOW)
def test_a_file_made_to_hang_is_read_in_time_or_given_up(reader: Reader, tmp_path: Path, name: str) -> None:
    told = tried(reader, written(tmp_path / name, SLOW[name]()))
    assert "Whales sing." in told or name in GIVEN_UP
    assert tried(reader, written(tmp_path / "next.txt", "Bats hunt.")) == "Bats hunt."


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("while True: pass", "not read within 2 seconds"),
        ("__import__('re').match('(a|aa)+$', 'a' * 60 + 'b')", "not read within 2 seconds"),
        ("bytearray(1 << 40)", "more than 1,024 MiB of memory"),
        ("[bytearray(1 << 24) for _ in range(1 << 20)]", "more than 1,024 MiB of memory"),
        ("__import__('os').kill(__import__('os').getpid(), 11)", "died of it (signal SIGSEGV)"),
        ("__import__('os')._exit(3)", "died of it (status 3)"),
        ("print('x' * 100)", None),
        ("[0](1)", "TypeError"),
    ],
)
def test_a_parser_that_hangs_dies_or_babbles_costs_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str | None
) -> None:
    """The process gets one more kind of file, whose parser runs it."""
    hook = "from indexer.sources import reading, document; from indexer.sources.parsers import PARSERS;"
    runs = "PARSERS['.py'] = lambda data: (exec(data.decode()), document.Parsed(text='done'))[1];"
    monkeypatch.setattr("indexer.sources.reader._CODE", f"{hook} {runs} reading.serve()")
    reader = Reader(seconds=2 if "2 seconds" in (reason or "") else 60, memory=1 << 30)
    try:
        for _ in range(2):
            assert (reason or "done") in tried(reader, written(tmp_path / "a.py", code))
            assert tried(reader, written(tmp_path / "a.txt", "Bats hunt.")) == "Bats hunt."
    finally:
        reader.end()


def test_a_run_names_what_it_gave_up_and_reads_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.sources.reader._idle", [reader := Reader(seconds=2)])
    written(tmp_path / "a.txt", "Whales sing.")
    written(tmp_path / "b.docx", word("<w:p/>" * 4_000_000))
    written(tmp_path / "c.pdf", pdf(["Bats hunt."]))
    items: list[Item] = list(open_source(tmp_path))
    reader.end()
    assert [item.id for item in items if isinstance(item, SourceDocument)] == ["a.txt", "c.pdf"]
    (failure,) = (item for item in items if isinstance(item, Failure))
    assert failure == Failure("b.docx", "it was not read within 2 seconds, and given up")


def test_ctrl_c_ends_a_run_at_once_and_leaves_no_process(tmp_path: Path) -> None:
    written(tmp_path / "a.docx", word("<w:p/>" * 8_000_000))
    code = """
        import pathlib, signal, sys
        from indexer.sources import open_source
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
        print("begun", flush=True)
        list(open_source(pathlib.Path(sys.argv[1])))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        parent = psutil.Process(process.pid)
        while not (children := parent.children()):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_a_reader_whose_owner_was_killed_ends_by_itself(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "Whales sing.")
    code = """
        import os, pathlib, sys, time
        from indexer.sources.reader import Reader
        reader = Reader()
        list(reader.read(pathlib.Path(sys.argv[1])))
        print("read", flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a.txt")], stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        children = psutil.Process(process.pid).children()
        assert children
        process.kill()
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_runs_at_once_have_a_reader_each(tmp_path: Path) -> None:
    for number in range(20):
        written(tmp_path / f"{number}.txt", f"Whale {number} sings.")
    found: list[list[str]] = []

    def run() -> None:
        found.append([item.text for item in open_source(tmp_path) if isinstance(item, SourceDocument)])

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted(texts) for texts in found] == [sorted(f"Whale {n} sings." for n in range(20))] * 3


def test_a_reader_that_ended_while_it_waited_is_replaced(reader: Reader, tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "Whales sing.")
    before = psutil.Process(os.getpid()).children()
    assert tried(reader, path) == "Whales sing."
    (child,) = (each for each in psutil.Process(os.getpid()).children() if each not in before)
    child.kill()
    child.wait(20)
    assert tried(reader, path) == "Whales sing."

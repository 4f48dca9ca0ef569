"""What the guide shows of the client is run, against a real server."""

import re
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.notes import Notes

pytestmark = pytest.mark.database

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guide" / "programs.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
FRAMEWORKS = {"langchain": "langchain_core", "llama_index": "llama_index", "haystack": "haystack"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_guide_runs(
    library: Notes, program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, package in FRAMEWORKS.items():
        if f"refract_client.{name}" in program and find_spec(package) is None:
            pytest.skip(f"{name} is NOT TESTED here; make adapters does")
    monkeypatch.setenv("KEY", library.keys["write"])
    with ThreadPoolExecutor(1) as pool:  # a browser that is open gives this one an event loop
        asked = program.replace("http://127.0.0.1:8000", library.url)
        pool.submit(exec, asked, {"__name__": "__main__"}).result()
    assert capsys.readouterr().out

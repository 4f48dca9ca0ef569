"""Results as a table: nothing in it is a formula, and nothing is lost."""

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from api.views.tables import as_text
from api.web.export import COLUMNS
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build

ODD = ['=HYPERLINK("http://x/","y")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "\uff1d1"]


@pytest.mark.parametrize("text", ODD)
def test_a_cell_is_no_formula(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a = b", "1 + 1", '"quoted", and\nmore', "עברית"])
def test_another_cell_is_as_it_is(text: str) -> None:
    assert as_text(text) == text


@pytest.mark.database
def test_a_search_comes_as_a_table(database: Engine, tmp_path: Path, small_embedder: Embedder) -> None:
    given = [
        SourceDocument(f"{odd.strip()} {n}", odd, f'{odd} whales, "sing"\nand {n}', "javascript:x()", {})
        for n, odd in enumerate(ODD)
    ]
    build(database, tmp_path, small_embedder, "c", given)
    client = TestClient(app_of(SearchEngine(database, tmp_path)))
    page = client.get("/?q=whales&limit=5")
    link = page.text.partition(">as CSV")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    answer = client.get(link)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert tuple(header) == COLUMNS
    found = client.get("/v1/search?q=whales&limit=100").json()["results"]
    assert [int(row[0]) for row in rows] == [each["rank"] for each in found]
    assert [row[5].removeprefix("'") for row in rows] == [each["passage"]["text"] for each in found]
    assert not any(cell.lstrip(" ")[:1] in set("=+-@\t\r") for row in rows for cell in row[2:] if cell)
    assert {row[4] for row in rows} == {""}
    assert client.get("/search.csv?q=").status_code == 400

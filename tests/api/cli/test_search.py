"""Searches by the command line: tables or the API's JSON."""

import json
from pathlib import Path

import pytest

from tests.support.commands import (
    assert_one_line,
    refract,
)
from tests.support.indexed import Indexed

pytestmark = pytest.mark.slow


@pytest.mark.database
def test_search_prints_a_table_or_json(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    ask = ["search", "sort a list", "--collection", "manual", "--limit", "3"]
    table = refract(*ask, **environment)
    assert table.returncode == 0
    assert "score" in table.stdout
    assert "*sort*" not in table.stdout
    assert "“sort”" in table.stdout  # a word, not the topic of that name
    assert "*" in refract(*ask, "--words", **environment).stdout
    body = json.loads(refract(*ask, "--json", **environment).stdout)
    assert len(body["results"]) == 3
    for result in body["results"]:
        assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"], abs=1e-5)


@pytest.mark.database
def test_values_of_a_field_are_listed_when_asked(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data), "COLUMNS": "200"}
    ask = ["search", "sort a list", "--collection", "manual", "--limit", "1", "--facets"]
    few = refract(*ask, **environment).stdout
    assert "in all: --values-of package" in few
    many = refract(*ask, "--values-of", "package", **environment).stdout
    assert "--values-of" not in many
    assert many.count("package:") > few.count("package:") == 10


@pytest.mark.database
def test_compare_and_why_not_print_terms_or_json(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    options = ["--collection", "manual"]
    found = refract("search", "sort a list", *options, "--limit", "30", "--json", **environment)
    ids = [result["document"]["id"] for result in json.loads(found.stdout)["results"]]
    table = refract("compare", "sort a list", *ids[:2], *options, **environment).stdout
    assert "rank 1, score" in table
    assert "“sort”" in table
    body = json.loads(refract("why-not", "sort a list", ids[25], *options, "--json", **environment).stdout)
    assert (body["result"]["rank"], body["wanted"]) == (26, 10)
    shown = refract("why-not", "sort a list", ids[25], *options, **environment).stdout
    assert all(f"--steer {way['steer']}" in shown for way in body["ways"])
    assert_one_line(refract("compare", "sort", ids[0], ids[0], *options, **environment), "with itself")
    assert_one_line(refract("why-not", "sort", "nowhere", *options, **environment), "'nowhere'")
    assert_one_line(refract("search", "sort", "--filter", "colour:red", *options, **environment), "'colour'")


@pytest.mark.database
def test_analyze_prints_knobs_or_json(indexed: Indexed, tmp_path: Path) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    note = tmp_path / "note.txt"
    note.write_text("Sort a list. Open a socket.")
    ask = ["analyze", "--collection", "manual", "--limit", "3"]
    body = json.loads(refract(*ask, str(note), "--json", **environment).stdout)
    assert len(body["features"]) == 3
    table = refract(*ask, "--text", "Sort a list. Open a socket.", **environment).stdout
    assert all(f"{each['feature']}:{each['strength']:.1f}" in table for each in body["features"])
    assert "Open a socket." in table
    assert_one_line(refract(*ask, "--text", "?!", **environment), "?!")
    assert_one_line(refract(*ask, str(note), "--text", "x", **environment), "--text")
    assert_one_line(refract(*ask, str(tmp_path / "none.txt"), **environment), "none.txt")

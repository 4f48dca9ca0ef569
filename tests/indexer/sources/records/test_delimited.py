"""CSV files: rows become documents, whoever wrote them, and what one row has wrong costs no other."""

from pathlib import Path
from typing import Any

import pytest

from indexer.sources import Note, SourceDocument
from search.errors import SourceError
from tests.support.sources import Yield, read_source, written

PROSE = "Sea water holds about thirty-five grams of salt in every litre."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_columns_become_the_document(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    rows = [
        ["ID", "Title", "Text", "year"],
        ["1", "Sea", f'"{PROSE}\nIt is ""salty""."', "1999"],
        ["2", "", "Lake", ""],
    ]
    path.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in rows), "utf-8")
    documents, failures, _ = read_source(path)
    assert documents == [
        SourceDocument("1", "Sea", f'{PROSE}\nIt is "salty".', None, {"year": 1999}),
        SourceDocument("2", "", "Lake", None, {}),
    ]
    assert not failures


def test_one_bad_row_does_not_end_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,one\n2\n\n3,caf\xe9\n4,"a, ""b\n5,five\n6,"never, closed\n')
    documents, failures, _ = read_source(path)
    assert [document.id for document in documents] == ["1", "3", "5"]
    assert failures == {
        "a.csv:3": "it has 1 fields, the header 2",
        "a.csv:6": "a quote in it is never closed",
        "a.csv:8": "a quote in it is never closed",
    }


def test_csv_names_may_hold_line_breaks_and_other_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'\ufeff"year, in\nwhich";"id";text\n1999;d1;{PROSE}\n', "utf-8")
    assert read_source(path)[:2] == ([SourceDocument("d1", "", PROSE, None, {"year, in\nwhich": 1999})], {})


@pytest.mark.parametrize("header", ['"id"x,text', 'text,"id"x', '"id,text', "id,text\rx"])
def test_a_csv_header_that_cannot_be_read_is_shown(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n1,{PROSE}\n", newline="")
    with pytest.raises(SourceError, match="a header that cannot be read") as caught:
        read_source(path)
    assert str(path) in str(caught.value)
    assert repr(header) in str(caught.value)


def told(found: Yield) -> list[str]:
    return [note.text for note in found.notes]


LITERAL = "line 2: quotes that are not closed are taken for letters of the text"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("end", ["", '99{}"Said in quotes"\n', '99{}and a stray one"\n'])
def test_a_quote_that_is_never_closed_costs_no_other_row(tmp_path: Path, name: str, end: str) -> None:
    mark = "," if name == "a.csv" else "\t"
    rows = "".join(f"{number}{mark}Whales sing {number}.\n" for number in range(2, 1000))
    found = written(tmp_path, name, f'id{mark}text\n1{mark}"Moby Dick begins\n{rows}{end.format(mark)}')
    assert found.texts[0] == '"Moby Dick begins'
    assert len(found.documents) == 999 + bool(end)
    assert told(found) == [LITERAL]
    assert not found.failures


def test_a_quoted_text_of_many_lines_is_one_field(tmp_path: Path) -> None:
    poem = "\n".join(["Roses are red", "Violets, though, are blue", "", 'Said "she"'] * 500)
    quoted = poem.replace('"', '""')
    found = written(tmp_path, "a.csv", f'id,text\r\n1,"{quoted}"\r\n2,Second\r\n')
    assert found.texts == [poem, "Second"]
    assert not found.notes


def test_quotes_of_other_programs_are_read(tmp_path: Path) -> None:
    rows = [r'1,"He said \"hello, there\" twice",x', '2,"Paris, France" ,y', '3,"Moby" Dick,z', '4,5" disk,z']
    found = written(tmp_path, "a.csv", "\n".join(["id,text,c", *rows]))
    assert found.texts == ['He said "hello, there" twice', "Paris, France", '"Moby" Dick', '5" disk']
    assert not found.failures


def test_blanks_around_names_and_values_are_none_of_theirs(tmp_path: Path) -> None:
    content = 'id, city , text\n1, Paris, Whales sing.\n2, "Paris, France", "Bats hunt, at night."\n'
    assert written(tmp_path, "a.csv", content).documents == [
        SourceDocument("1", "", "Whales sing.", None, {"city": "Paris"}),
        SourceDocument("2", "", "Bats hunt, at night.", None, {"city": "Paris, France"}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp932"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "sep=;"])
def test_a_table_is_read_as_spreadsheets_save_it(
    tmp_path: Path, encoding: str, ends: str, above: str
) -> None:
    text = "東京は日本の首都です。ひらがな" if encoding == "cp932" else "Größe, für Bücher"
    rows = [*([above] if above else []), "id;text;n", f"1;{text};5", '2;"Plain; text";7', ""]
    found = written(tmp_path, "a.csv", ends.join(rows).encode(encoding))
    assert [(each.id, each.text, each.meta) for each in found.documents] == [
        ("1", text, {"n": 5}),
        ("2", "Plain; text", {"n": 7}),
    ]
    assumed = {"cp1252": "Windows-1252", "cp932": "Shift-JIS", "utf-16-le": "UTF-16"}.get(encoding)
    assert told(found)[:-1] == [
        f"it is not UTF-8 and nothing says what it is; read as {assumed} (--encoding NAME says another)"
    ] * bool(assumed)


def test_rows_of_other_lengths_are_told_but_for_empty_ends(tmp_path: Path) -> None:
    found = written(tmp_path, "a.csv", "id,text\n1,one,,\n2,two,too many\n3\n,\n\n4,four\n")
    assert found.texts == ["one", "four"]
    assert found.failures == {
        "a.csv:3": "it has 3 fields, the header 2",
        "a.csv:4": "it has 1 fields, the header 2",
    }


def test_columns_without_a_name_or_with_one_of_another_keep_their_values(tmp_path: Path) -> None:
    (found,) = written(tmp_path, "a.csv", "id,text,tag,,tag,\n1,one,a,b,c,\n").documents
    assert found.meta == {"tag": "a", "column_4": "b", "tag_2": "c"}


def read_as(tmp_path: Path, values: list[str], name: str = "x", mark: str = ",") -> list[Any]:
    """What the values of one column become."""
    rows = [f'{at}{mark}Text {at}{mark}"{value}"' for at, value in enumerate(values)]
    found = written(tmp_path, "a.csv", "\n".join([f"id{mark}text{mark}{name}", *rows]))
    return [each.meta.get(name) for each in found.documents]


@pytest.mark.parametrize(
    ("values", "mark", "becomes"),
    [
        (["5", "20", "", "-7"], ",", [5, 20, None, -7]),
        (["5", "2.50", "1e5", ".5"], ",", ["5", "2.50", "1e5", ".5"]),
        (["5", "2.50", "10.00"], ",", [5, 2.5, 10]),
        (["1e5", "0.25"], ",", [100_000, 0.25]),
        (["1,234", "1,234,567.5", "12"], ",", [1234, 1234567.5, 12]),
        (["12,5", "1.234,75", "7"], ";", [12.5, 1234.75, 7]),
        (["1.234", "5.678"], ";", ["1.234", "5.678"]),
        (["5", "cheap"], ",", ["5", "cheap"]),
        (["01234", "90210"], ",", ["01234", "90210"]),
        (["+491234", "5"], ",", ["+491234", "5"]),
        (["1234567890123456"], ",", ["1234567890123456"]),
        (["2.9", "2.10"], ",", ["2.9", "2.10"]),
        (["2020-05-17", "2021-01-02T10:00"], ",", ["2020-05-17", "2021-01-02T10:00"]),
        (["17.5.2020", "02.01.2021"], ";", ["2020-05-17", "2021-01-02"]),
        (["2020/5/7", "2021/01/02"], ",", ["2020-05-07", "2021-01-02"]),
        (["5/17/2020", "1/2/2021"], ",", ["2020-05-17", "2021-01-02"]),
        (["17/5/2020", "1/2/2021"], ",", ["2020-05-17", "2021-02-01"]),
        (["1/2/2021", "3/4/2021"], ",", ["1/2/2021", "3/4/2021"]),
        (["true", "FALSE"], ",", [True, False]),
        (["nan", "inf"], ",", ["nan", "inf"]),
    ],
)
def test_a_column_is_read_as_what_all_its_values_are(
    tmp_path: Path, values: list[str], mark: str, becomes: list[Any]
) -> None:
    assert read_as(tmp_path, values, mark=mark) == becomes


@pytest.mark.parametrize("name", ["zip", "postal_code", "Phone", "customer id", "isbn"])
def test_digits_that_are_a_name_stay_text(tmp_path: Path, name: str) -> None:
    assert read_as(tmp_path, ["12345"], name) == ["12345"]


def test_what_columns_were_read_as_is_told_and_can_be_changed(tmp_path: Path) -> None:
    content = f"id,text,price,year,on,ok\n1,{PROSE},5,1999,2020-05-17,true\n"
    found = written(tmp_path, "a.csv", content)
    hint = "(--as-text NAME keeps a column as it is written)"
    read = f"price, year read as numbers; on read as dates; ok read as yes or no {hint}"
    assert found.notes == [Note("a.csv", read)]
    found = written(tmp_path, "a.csv", content, as_text=["price", "on"])
    assert found.documents[0].meta == {"price": "5", "year": 1999, "on": "2020-05-17", "ok": True}


def test_the_delimiter_is_the_one_that_the_rows_have_too(tmp_path: Path) -> None:
    found = written(tmp_path, "a.csv", "text;place (town, land)\nWhales sing;Bergen\nBats hunt;Bern, CH\n")
    assert [each.meta for each in found.documents] == [
        {"place (town, land)": "Bergen"},
        {"place (town, land)": "Bern, CH"},
    ]

"""Text in the encodings that people have: read, and what was assumed is said."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from indexer.sources import Note, SourceDocument, open_source
from indexer.sources.decoding import SAMPLE, decode, detect
from indexer.sources.document import UnreadableError
from search.errors import SourceError

TEXTS = [
    ("Café\n", "latin-1", "Windows-1252"),
    ("É", "cp1252", "Windows-1252"),
    ("The café’s menu — “naïve”, 5 € at 20 °C", "cp1252", "Windows-1252"),
    ("½ cup © 2020 ® ±5", "cp1252", "Windows-1252"),
    ("Über größere Bären, ÄÖÜ", "cp1252", "Windows-1252"),
    ("L’œuvre d’été à Noël", "cp1252", "Windows-1252"),
    ("Łódź jest piękna, źródło wody", "cp1250", "Windows-1250"),
    ("Příliš žluťoučký kůň úpěl", "cp1250", "Windows-1250"),
    ("Киты поют ночью", "cp1251", "Windows-1251"),
    ("Киты поют ночью", "koi8-r", "KOI8-R"),
    ("Ελληνικά κείμενο", "cp1253", "Windows-1253"),
    ("مرحبا بالعالم", "cp1256", "Windows-1256"),
    ("Київ є столиця України", "koi8-u", "KOI8-U"),
    ("Договор поставки №15 от 3 мая", "iso8859-5", "ISO-8859-5"),
    ("Киты поют ночью", "cp866", "DOS code page 866"),
    ("ВНИМАНИЕ: СРОК СДАЧИ ОТЧЁТА", "cp866", "DOS code page 866"),
    ("Здравствуйте, коллеги. Моя презентация готова.", "mac-cyrillic", "Mac Cyrillic"),
    ("Здравствуйте, коллеги. Моя презентация готова.", "cp1251", "Windows-1251"),
    ("Цена 500 руб.", "cp1251", "Windows-1251"),
    ("Все счастливые семьи похожи друг на друга", "mac-cyrillic", "Mac Cyrillic"),
    ("РОССИЙСКАЯ ФЕДЕРАЦИЯ", "iso8859-5", "ISO-8859-5"),
    ("สวัสดีชาวโลก", "cp874", "Windows-874"),
    ("고양이가 물고기를 먹는다", "euc-kr", "EUC-KR"),
    ("Wieloryby śpiewają nocą.", "iso8859-2", "ISO-8859-2"),
    ("Życie jest piękne", "cp1250", "Windows-1250"),
    ("Zażółć gęślą jaźń", "iso8859-2", "ISO-8859-2"),
    ("Příliš žluťoučký kůň úpěl", "iso8859-2", "ISO-8859-2"),
    ("Velryby zpívají v noci, což je těžké", "iso8859-2", "ISO-8859-2"),
    ("Velryby zpívají v noci, což je těžké", "cp1250", "Windows-1250"),
    ("הלווייתנים שרים בלילה", "cp1255", "Windows-1255"),
    ("วาฬร้องเพลงในเวลากลางคืน", "cp874", "Windows-874"),
    ("الحيتان تغني في الليل", "iso8859-6", "ISO-8859-6"),
    ("고래는 밤에 노래한다. 박쥐는 소리로 사냥한다.", "johab", "Johab"),
    ("Größe und Übermut", "cp850", "DOS code page 850"),
    ("El niño comió piñata mañana", "mac-roman", "Mac Roman"),
    ("今日は東京都庁に行く。海は静かだ。", "shift_jis", "Shift-JIS"),
    ("今日は東京都庁に行く。海は静かだ。", "euc-jp", "EUC-JP"),
    ("今日は東京都庁に行く。", "iso2022_jp", "ISO-2022-JP"),
    ("鲸鱼在夜里唱歌。声音传到很远的地方。", "gb18030", "GB 18030"),
    ("鯨魚在夜裡唱歌", "big5", "Big5"),
    ("한국어 텍스트 파일입니다.", "euc-kr", "EUC-KR"),
    ("Größe of a whale", "utf-16-le", "UTF-16"),
    ("plain words", "utf-16-be", "UTF-16"),
    ("今日は東京都庁に行く。", "utf-16-le", "UTF-16"),
    ("Киты поют ночью", "utf-16-be", "UTF-16"),
    ("Größe", "utf-32-le", "UTF-32"),
    ("Größe 今日は", "utf-8", None),
    ("Größe 今日は", "utf-8-sig", None),
    ("Größe 今日は", "utf-16", None),
    ("Größe 今日は", "utf-32", None),
]


@pytest.mark.parametrize(("text", "encoding", "assumed"), TEXTS, ids=[f"{c[1]}-{c[0][:5]}" for c in TEXTS])
def test_text_is_read_in_its_encoding_and_what_was_assumed_is_said(
    text: str, encoding: str, assumed: str | None
) -> None:
    found, said = decode(text.encode(encoding))
    assert found == text
    assert said == (
        assumed
        and f"it is not UTF-8 and nothing says what it is; read as {assumed} (--encoding NAME says another)"
    )


@pytest.mark.parametrize("sign", ["\0", "\x1e", "\x01", "\x08"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_stray_control_character_changes_no_encoding(sign: str, encoding: str) -> None:
    for text in (f"id,text\n1,Wha{sign}les\n2,b\n", f"A caf\xe9 at night.{sign}\n" * 3):
        for each in (text, f"{text} "):  # of an even or an odd number of bytes
            assert decode(each.encode(encoding))[0] == each


def test_one_letter_late_in_a_long_text_tells_its_encoding() -> None:
    text = "A line of plain words.\n" * (SAMPLE // 10) + "Then a café.\n"
    assert decode(text.encode("cp1252"))[0] == text


def test_a_text_that_is_mostly_utf8_loses_its_bad_letters_only() -> None:
    text, said = decode("Café crème ".encode() + b"\xe9 brul\xc3\xa9e")
    assert text == "Café crème \ufffd brulée"
    assert said == "it is UTF-8 but for 1 of its letters, which are lost"
    assert detect("\ufffd is a character".encode()).assumed is None


def test_what_a_text_declares_counts_where_it_can_be() -> None:
    page = "Ísland: þorskur".encode("latin-1")
    for declared in (
        "iso-8859-1",
        "latin1",
        "windows-1252",
        "x-sjis",
        "utf-8",
        "hex",
        "undefined",
        "no-such",
    ):
        assert decode(page, declared)[0] == "Ísland: þorskur"
    assert decode("Киты".encode("iso8859_5"), "iso-8859-5") == ("Киты", None)


def test_bytes_that_are_no_letters_are_refused() -> None:
    for data in (
        bytes(100) + b"x",
        bytes(range(256)) * 8,
        b"\x7fELF\x02\x01\x01" + bytes(60) + b"\x03\x00\x3e",
    ):
        with pytest.raises(UnreadableError, match="it is not text: it is full of"):
            decode(data)


def test_an_encoding_that_is_given_is_taken_where_nothing_else_is_said(tmp_path: Path) -> None:
    def read(name: str, text: str, encoding: str, given: str) -> tuple[str, list[str]]:
        (tmp_path / name).write_bytes(text.encode(encoding))
        items = list(open_source(tmp_path / name, encoding=given))
        told = [item.text for item in items if isinstance(item, Note)]
        return "".join(item.text for item in items if isinstance(item, SourceDocument)), told

    assert read("a.txt", "кит", "cp866", "866") == ("кит", ["read as cp866, as was asked for"])
    assert read("a.txt", "кит", "cp866", "ibm866")[0] == "кит"
    assert read("a.csv", "id,text\n1,кит\n", "mac-cyrillic", "MacCyrillic") == (
        "кит",
        ["read as mac-cyrillic, as was asked for"],
    )
    assert read("a.jsonl", '{"text": "кит"}', "iso8859-5", "iso8859-5")[0] == "кит"
    assert read("a.txt", "海", "utf-16-be", "utf-16-be")[0] == "海"
    for marked in ("utf-8", "utf-8-sig", "utf-16"):
        assert read("a.txt", "Größe", marked, "cp866") == ("Größe", [])
    for unknown in ("cp99999", "hex", "", "rot13", "a\0b"):
        with pytest.raises(SourceError, match="There is no encoding") if unknown else nullcontext():
            open_source(tmp_path / "a.txt", encoding=unknown)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.html"])
def test_every_kind_of_text_file_is_read_with_a_note(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("<p>Über größere Bären</p>".encode("cp1252"))
    document, note = open_source(tmp_path / name)
    assert isinstance(document, SourceDocument)
    assert "Über größere Bären" in document.text
    assert note == Note(
        name,
        "it is not UTF-8 and nothing says what it is; read as Windows-1252 (--encoding NAME says another)",
    )

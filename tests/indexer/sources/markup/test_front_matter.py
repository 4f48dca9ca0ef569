"""Front matter becomes metadata; what stands between rules stays text."""

from typing import Any

import pytest

from indexer.sources.markup.front_matter import MAX_FRONT, split_front_matter


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nWhales sing at night.\n\n---\n\nBats hunt.\n",
        "---\n\nNote: whales sing.\n\n---\n\nBats hunt.\n",
        "---\nWhales sing.\n---\nBats hunt.\n",
        "---\n- whales\n- bats\n---\n",
        "---\ntitle: never closed\n\nWhales sing.\n",
        "+++\n\nWhales sing.\n\n+++\n",
        "+++\nWhales sing.\n+++\n",
        "----\ntitle: a\n----\n",
        "Whales\n---\ntitle: a\n---\n",
        "--- \n1234\n---\n",
        "---\n# Whales\n---\nBats hunt.\n",
        "---\nx: " + "y" * MAX_FRONT + "\n---\nBats hunt.\n",
        "---",
        "",
    ],
)
def test_text_between_rules_stays_text(text: str) -> None:
    found = split_front_matter(text)
    assert (found.title, found.meta, found.text) == ("", {}, text)


@pytest.mark.parametrize("block", ["---\n---\n", "---\n\n---\n", "---\n...\n", "+++\n+++\n"])
def test_an_empty_block_is_front_matter(block: str) -> None:
    assert split_front_matter(f"{block}# Whales\n\n---\n\nBats") == ("", {}, "# Whales\n\n---\n\nBats", None)


@pytest.mark.parametrize(
    ("block", "title"),
    [
        ("title: >-\n  The life\n  of whales", "The life of whales"),
        ("title: |\n  The life\n  of whales", "The life of whales"),
        ("title: 'It''s whales'", "It's whales"),
        ('title: "Whales\\u0021"', "Whales!"),
        ("title: Whales # draft", "Whales"),
        ("title: Whales#1", "Whales#1"),
        ("Title: 1984", "1984"),
        ("title:", ""),
        ("title: [a, b]", ""),
        ("lang: en", ""),
    ],
)
def test_titles_are_read_as_yaml_has_them(block: str, title: str) -> None:
    found = split_front_matter(f"---\n{block}\n---\nWhales sing.\n")
    assert (found.title, found.text, found.note) == (title, "Whales sing.\n", None)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("[sea, whales]", ["sea", "whales"]),
        ("\n- sea\n- whales", ["sea", "whales"]),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:30:00", "2024-05-01T10:30:00"),
        ("2024-13-45", "2024-13-45"),
        ("{name: Doe, born: 1950-01-02}", {"name": "Doe", "born": "1950-01-02"}),
        ("no", "no"),
        ("true", True),
        ("null", None),
        ("-7", -7),
        ("1.5", 1.5),
        ("01234", "01234"),
        ("1:30", "1:30"),
        ("9" * 5000, "9" * 5000),
        ("!place Oslo", "Oslo"),
        ("!!python/object/apply:os.getcwd []", []),
    ],
)
def test_values_become_metadata_as_json_has_it(written: str, value: Any) -> None:
    assert split_front_matter(f"---\nx: {written}\n---\n").meta == {"x": value}


def test_tags_in_a_row_are_many() -> None:
    found = split_front_matter("---\ntags: sea, whales\nkeywords: one\nplace: Oslo, Norway\n---\n")
    assert found.meta == {"tags": ["sea", "whales"], "keywords": "one", "place": "Oslo, Norway"}


def test_toml_is_read_too() -> None:
    written = (
        '+++\ntitle = "Whales"\ndate = 2024-05-01\nat = 10:30:00\n[author]\nname = "Doe"\n+++\nBats hunt.'
    )
    found = split_front_matter(written)
    assert found.meta == {"date": "2024-05-01", "at": "10:30:00", "author": {"name": "Doe"}}
    assert (found.title, found.text) == ("Whales", "Bats hunt.")


def test_what_is_almost_yaml_is_read_line_by_line_and_noted() -> None:
    block = "# mine\ntitle: Whales: a life\nby: @doe\ntags:\n- sea\n- whales\nabout: {{ x }}\n"
    found = split_front_matter(f"---\n{block}---\nBats hunt.")
    assert (found.title, found.text) == ("Whales: a life", "Bats hunt.")
    assert found.meta == {"by": "@doe", "tags": ["sea", "whales"], "about": "{{ x }}"}
    assert found.note == (
        "its front matter cannot be read: mapping values are not allowed here in line 3; read line by line"
    )


@pytest.mark.parametrize(
    "block",
    [
        'title: "never closed\nWhales sing.',
        "a: &a [*a]",
        "a: &a [1, 2, 3, 4, 5, 6, 7, 8]\n"
        + "".join(
            f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "? [a]\n: b",
        "- " * 5000,
        "\t- x",
    ],
)
def test_what_cannot_be_read_is_kept_as_text_and_noted(block: str) -> None:
    text = f"---\n{block}\n---\nWhales sing."
    found = split_front_matter(text)
    assert (found.title, found.meta, found.text) == ("", {}, text)
    assert found.note
    assert found.note.endswith("it is kept as text")


def test_brackets_without_end_are_one_value() -> None:
    assert split_front_matter("---\na: " + "[" * 1500 + "\n---\nx").meta == {"a": "[" * 1500}

"""A mailbox's mails are documents of their own, whatever else goes from it."""

from pathlib import Path

import pytest

from tests.support.sources import read_source, written

pytestmark = pytest.mark.slow


def mail(
    text: str, id: str = "", subject: str = "The sea", begins: str = "From doe Wed May  1 10:00:00 2024"
) -> str:
    identified = f"Message-ID: <{id}>\n" if id else ""
    return f"{begins}\nFrom: doe@example.org\nSubject: {subject}\n{identified}\n{text}\n\n"


BOX = mail("Whales sing.", "a@x") + mail("Bats hunt.", "b/1@x", "Night") + mail("Owls see.")


def test_each_mail_is_a_document_named_by_its_message_id(tmp_path: Path) -> None:
    found = written(tmp_path, "in.mbox", BOX)
    assert found.texts == ["Whales sing.", "Bats hunt.", "Owls see."]
    assert [each.id for each in found.documents[:2]] == ["in.mbox/a@x", "in.mbox/b_1@x"]
    assert [each.title for each in found.documents] == ["The sea", "Night", "The sea"]
    meta = found.documents[0].meta
    assert (meta["from"], meta["format"], meta["path"]) == ("doe@example.org", "mbox", ["in.mbox/"])
    assert not found.failures


def test_names_stay_when_mails_before_go(tmp_path: Path) -> None:
    before = written(tmp_path, "in.mbox", BOX).documents
    after = written(tmp_path, "in.mbox", BOX.replace(mail("Whales sing.", "a@x"), "")).documents
    assert after == before[1:]


@pytest.mark.parametrize(
    "begins", ["From - Wed May 01 10:00:00 2024", "From ", "From x@y 1 May 2024 10:00 +0200"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_mailboxes_of_all_programs_are_read(tmp_path: Path, begins: str, end: str) -> None:
    box = mail("Whales sing.", "a", begins=begins) + mail("Bats hunt.", "b", begins=begins)
    assert written(tmp_path, "in.mbox", box.replace("\n", end)).texts == ["Whales sing.", "Bats hunt."]


def test_lines_that_only_look_like_a_beginning_are_text(tmp_path: Path) -> None:
    text = "We sail.\n\n>From here on at 10:00\n\nFrom here to there.\nFrom 10:00 on"
    found = written(tmp_path, "in.mbox", mail(text, "a") + mail("Bats hunt.", "b"))
    assert found.texts == [text.replace(">From", "From"), "Bats hunt."]


def test_a_copy_and_a_mail_without_a_header_or_words_cost_no_other(tmp_path: Path) -> None:
    begins = "From doe Wed May  1 10:00:00 2024\n\n"
    box = (
        mail("Whales sing.", "a")
        + mail("Whales sing.", "a")
        + begins
        + mail("", "c")
        + mail("Bats hunt.", "d")
    )
    found = written(tmp_path, "in.mbox", box)
    assert [each.id for each in found.documents] == ["in.mbox/a", "in.mbox/a~2", "in.mbox/d"]
    assert sorted(found.failures.values()) == ["it has no text", "it is no mail: it has no header"]


def test_what_is_no_mailbox_says_so(tmp_path: Path) -> None:
    assert "it is no mailbox" in written(tmp_path, "a.mbox", "Whales sing.").failures["a.mbox/"]
    (tmp_path / "empty.mbox").write_bytes(b"")
    assert read_source(tmp_path).failures.keys() == {"a.mbox/"}

"""The admin's pages by their forms: collections renamed, described, copied, deleted after a question."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import Engine
from starlette.testclient import TestClient

from api.auth.sessions import OneTimeLinks
from api.web.admin.pages import COLLECTIONS
from indexer.collections import About, describe_collection
from indexer.jobs.queue import list_jobs
from search.browse.collections import collections
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import document, write

pytestmark = pytest.mark.database


@pytest.fixture
def engine(database: Engine, tmp_path: Path) -> SearchEngine:
    write(database, "notes", [document(1), document(2)])
    return SearchEngine(database, tmp_path)


@pytest.fixture
def client(engine: SearchEngine) -> Iterator[TestClient]:
    """An admin's browser, which sends its forms from the own pages."""
    app = app_of(engine)
    links: OneTimeLinks = app.state.links
    with TestClient(app, follow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        assert client.get(f"/admin/login?token={links.make()}").status_code == 303
        yield client


def send(client: TestClient, page: str, action: str, **fields: str) -> tuple[int, str]:
    """Sends a form of a page; gives the status, and where it leads or what it says."""
    token = found(client, page, "//input[@name='csrf']/@value")[0]
    answer = client.post(action, data={"csrf": token, **fields})
    return answer.status_code, answer.headers.get("Location", answer.text)


def found(client: TestClient, page: str, path: str) -> list[str]:
    """What is at an XPath of a page, as text."""
    return strings(client.get(page).text, path)


def strings(page: str, path: str) -> list[str]:
    there = html.document_fromstring(page).xpath(path)
    assert isinstance(there, list)
    return [str(each) for each in there]


def names(engine: SearchEngine) -> list[str]:
    return [info.name for info in collections(engine)]


HERE = "/admin/collections/notes"


def test_a_collection_is_renamed_and_described(client: TestClient, engine: SearchEngine) -> None:
    told = {"title": "A <b>diary</b>", "description": "What <I> saw"}
    answer = send(client, HERE, f"{HERE}/settings", name="diary", **told)
    assert answer == (303, "/admin/collections/diary")
    assert names(engine) == ["diary"]
    for page in ("/admin", "/admin/collections/diary"):
        assert "A &lt;b&gt;diary&lt;/b&gt;" in client.get(page).text
        assert "What &lt;I&gt; saw" in client.get(page).text
    status, said = send(client, "/admin", "/admin/collections/diary/settings", name="No name")
    assert status == 400
    assert "cannot name a collection" in said


def test_settings_are_copied(client: TestClient, engine: SearchEngine) -> None:
    describe_collection(engine.database, "notes", About(description="Whales"))
    assert send(client, HERE, f"{HERE}/settings", copy="drafts") == (303, "/admin/collections/drafts")
    assert [(info.name, info.documents, info.description) for info in collections(engine)] == [
        ("drafts", 0, "Whales"),
        ("notes", 2, "Whales"),
    ]


def test_a_collection_is_made_the_default(client: TestClient, engine: SearchEngine) -> None:
    for name in ("notes", "other"):
        write(engine.database, name, [document(3)])
        here = f"/admin/collections/{name}"
        assert "Requests that name no collection" not in client.get(here).text
        assert send(client, here, f"{here}/settings", default="true") == (303, here)
        assert engine.default_collection() == name
        assert "Requests that name no collection" in client.get(here).text


def test_a_collection_is_deleted_where_its_name_is_typed(client: TestClient, engine: SearchEngine) -> None:
    assert found(client, HERE, f"//form[@action='{HERE}/delete']//input[@name='name'][not(@value)]/@required")
    for typed in ("", "note", "NOTES"):
        status, said = send(client, HERE, f"{HERE}/delete", name=typed)
        assert status == 400
        assert "nothing was deleted" in said
    assert names(engine) == ["notes"]
    assert send(client, HERE, f"{HERE}/delete", name=" notes ") == (303, "/admin")
    assert names(engine) == []
    assert client.get(HERE).status_code == 404


def test_a_form_reads_files_without_some_and_with_columns_as_text(
    client: TestClient, engine: SearchEngine
) -> None:
    fields = {
        "kind": "ingest",
        "path": "/srv/manuals",
        "exclude": " *.log\r\n\r\nold drafts/\r\n",
        "as_text": "part, number",
    }
    form = f"//form[@action='{HERE}/jobs'][.//input[@value='ingest']]//*[@name][not(@required)]/@name"
    assert {"exclude", "as_text"} <= {*found(client, HERE, form)}
    assert send(client, HERE, f"{HERE}/jobs", **fields)[0] == 303
    (job,) = list_jobs(engine.database, limit=1)
    assert job.arguments["exclude"] == ["*.log", "old drafts/"]
    assert job.arguments["as_text"] == ["part, number"]
    assert "exclude = *.log, old drafts/" in client.get(f"/admin/jobs/{job.number}").text


def test_a_description_that_is_too_long_renames_nothing(client: TestClient, engine: SearchEngine) -> None:
    status, said = send(client, HERE, f"{HERE}/settings", name="diary", description="w" * 501)
    assert status == 400
    assert "501 characters" in said
    assert names(engine) == ["notes"]


def test_what_a_form_cannot_do_leads_back_to_its_page(client: TestClient) -> None:
    assert send(client, HERE, f"{HERE}/jobs", kind="verify")[0] == 303
    status, said = send(client, HERE, f"{HERE}/settings", name="diary")
    assert status == 409
    assert "Not now" in said
    links = html.document_fromstring(said).xpath("//main//a/@href")
    assert isinstance(links, list)
    assert links[:2] == [HERE, "/admin"]


BEYOND = "9" * 30


@pytest.mark.parametrize("page", [f"{HERE}?offset={BEYOND}", f"/admin/jobs/{BEYOND}", f"/features/{BEYOND}"])
def test_numbers_beyond_any_are_told_on_a_page(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code in (400, 404)
    assert "inside Refract" not in answer.text


@pytest.mark.parametrize(
    "action", [f"{HERE}/jobs", f"/admin/jobs/{BEYOND}/cancel", f"/admin/jobs/{BEYOND}/retry"]
)
def test_a_form_without_what_it_needs_is_told(client: TestClient, action: str) -> None:
    status, _ = send(client, HERE, action)
    assert status in (400, 404)


def test_many_collections_have_pages(client: TestClient, engine: SearchEngine) -> None:
    for number in range(COLLECTIONS):
        write(engine.database, f"c{number:03}", [document(number)])
    first = client.get("/admin").text
    assert 'href="/admin?after=c049"' in first
    assert "/admin/collections/notes" not in first
    assert "/admin/collections/notes" in client.get("/admin?after=c049").text


def test_times_say_their_zone(client: TestClient) -> None:
    answer = send(client, HERE, f"{HERE}/jobs", kind="verify")
    assert answer[0] == 303
    for (time,) in (found(client, HERE, f"//time/{part}") for part in ("@datetime", "text()")):
        assert time.endswith("+00:00")


def test_a_reindex_that_embeds_anew_says_what_it_costs_before_it_begins(
    client: TestClient, engine: SearchEngine, small_embedder: Embedder
) -> None:
    model = small_embedder.space.model
    asked = {"kind": "reindex", "model": model, "dimensions": "16", "index": "rabitq"}
    status, page = send(client, HERE, f"{HERE}/jobs", **asked)
    assert status == 200
    assert "2 of 2 passages are embedded anew" in page
    assert "(16 dimensions)" in page
    assert list_jobs(engine.database, limit=1) == []
    form = "//form[.//button[text()='Reindex at this cost']]//input"
    fields, values = (strings(page, f"{form}/@{part}") for part in ("name", "value"))
    agreed = dict(zip(fields, values, strict=True))
    assert client.post(f"{HERE}/jobs", data=agreed).status_code == 303
    (job,) = list_jobs(engine.database, limit=1)
    assert job.arguments == {"model": model, "dimensions": 16, "index": "rabitq"}


def test_a_reindex_that_changes_no_vector_begins_at_once(client: TestClient, engine: SearchEngine) -> None:
    assert send(client, HERE, f"{HERE}/jobs", kind="reindex", index="rabitq")[0] == 303
    assert len(list_jobs(engine.database, limit=2)) == 1


def test_a_model_that_cannot_be_had_is_told_on_the_page(client: TestClient, engine: SearchEngine) -> None:
    for model, told in {
        "no/such-model": "cannot be loaded",
        "http://10.0.0.1/v1#m": "none that may be asked",
    }.items():
        status, said = send(client, HERE, f"{HERE}/jobs", kind="reindex", model=model)
        assert (status, told in said) == (400, True)
    assert list_jobs(engine.database, limit=1) == []


def test_a_collection_is_hidden_and_shown_and_other_forms_leave_that(
    client: TestClient, engine: SearchEngine
) -> None:
    def private() -> list[bool]:
        return [info.private for info in collections(engine)]

    assert send(client, HERE, f"{HERE}/settings", seen="private")[0] == 303
    assert private() == [True]
    assert send(client, HERE, f"{HERE}/settings", description="Whales")[0] == 303
    assert private() == [True]
    assert found(client, HERE, "//select[@name='seen']/option[@selected]/@value") == ["private"]
    assert send(client, HERE, f"{HERE}/settings", copy="drafts")[0] == 303
    assert private() == [True, True]
    assert send(client, HERE, f"{HERE}/settings", seen="public")[0] == 303
    assert private() == [True, False]


def test_a_key_is_made_that_reaches_a_part_and_ends(client: TestClient) -> None:
    wide = {"name": "wide", "scope": "write"}
    part = {"name": "part", "scope": "search", "collections": "a, b", "filter": "team:blue", "expires": "9d"}
    for fields in (wide, part):
        assert send(client, "/admin/keys", "/admin/keys", **fields)[0] == 200
    cells = found(client, "/admin/keys", "//table[@class='figures']//td[2]/text()")
    assert cells == ["everything", "a, b · team:blue"]
    for odd, says in (({"expires": "soon"}, "no time"), ({"filter": "x"}, "not a filter")):
        status, said = send(client, "/admin/keys", "/admin/keys", **{**part, **odd})
        assert status == 400
        assert says in said

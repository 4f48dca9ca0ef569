"""The JSON API: the contract, and one envelope for everything that goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from search.db.connection import server_url
from search.engine.engine import SearchEngine
from tests.support.apps import app_of

pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def client(engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(app_of(engine), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def feature(client: TestClient) -> int:
    """A feature of the question that the tests ask."""
    found = client.get("/v1/search", params={"q": "sort a list"}).json()
    number: int = found["query_features"][0]["feature"]
    return number


def test_a_search_has_all_that_the_contract_promises(client: TestClient, feature: int) -> None:
    params: dict[str, str | int] = {"q": "sort a list", "steer": f"{feature}:1.5", "limit": 5, "offset": 5}
    answer = client.get("/v1/search", params={**params, "collection": "manual"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["query"], body["mode"], body["collection"]) == ("sort a list", "hybrid", "manual")
    assert {"embed", "search", "explain", "total"} <= set(body["took_ms"])
    assert {"feature", "label", "label_score", "activation"} <= set(body["query_features"][0])
    assert body["steering"][0]["feature"] == feature
    assert body["steering"][0]["strength"] == 1.5
    assert [result["rank"] for result in body["results"]] == [6, 7, 8, 9, 10]
    for result in body["results"]:
        assert {"rank", "rank_unsteered", "score", "document", "passage", "terms"} <= set(result)
        assert {"id", "title", "url"} <= set(result["document"])
        assert {"id", "text", "start", "end"} <= set(result["passage"])
        assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"], abs=1e-4)
        kinds = {term["kind"] for term in result["terms"]}
        assert kinds - {"word"} == {"feature", "steering", "baseline", "remainder"}
    assert {term["word"] for result in body["results"] for term in result["terms"]} <= {"sort", "list", None}


def test_an_answer_says_what_it_left_out_and_how_the_question_may_be_meant(client: TestClient) -> None:
    asked: dict[str, Any] = {"q": "asynchronus", "collapse": False, "min_score": 0.2, "limit": 100}
    got, sent = client.get("/v1/search", params=asked).json(), client.post("/v1/search", json=asked).json()
    assert got["results"] == sent["results"]
    assert all(result["score"] >= 0.2 for result in got["results"])
    assert got["copies"] == 0
    assert got["spelling"]["used"] is True
    assert got["spelling"]["query"].startswith("asynchronous")
    as_typed = client.get("/v1/search", params={**asked, "as_typed": True}).json()
    assert as_typed["spelling"]["used"] is False
    assert client.get("/v1/search", params={"q": "qzxv plonkt"}).json()["weak"] is True
    assert client.get("/v1/search", params={"q": "sort", "min_score": "nan"}).status_code == 400


def test_get_and_post_answer_alike(client: TestClient, feature: int) -> None:
    got = client.get("/v1/search", params={"q": "sort", "steer": f"{feature}:-1,concept:the sea:2"}).json()
    body = {
        "q": "sort",
        "steer": [{"feature": feature, "strength": -1}, {"concept": "the sea", "strength": 2}],
    }
    posted = client.post("/v1/search", json=body).json()
    assert got.pop("took_ms").keys() == posted.pop("took_ms").keys()
    assert got == posted
    off = {"q": "sort", "steer": [{"feature": feature, "strength": "off"}]}
    assert client.post("/v1/search", json=off).json()["steering"][0]["strength"] == "off"


def test_concepts_are_listed_and_steered_by(client: TestClient) -> None:
    listed = client.get("/v1/concepts", params={"q": "dates", "limit": 2}).json()
    assert listed["limit"] == len(listed["concepts"]) == 2
    concept = listed["concepts"][0]
    assert {"family", "name", "passages", "features", "example", "parent", "children"} <= set(concept)
    assert {"feature", "label", "weight"} <= set(concept["features"][0])
    document = client.get("/v1/search", params={"q": "dates"}).json()["results"][0]["document"]["id"]
    other = client.get("/v1/search", params={"q": "files"}).json()["results"][0]["document"]["id"]
    steer = [
        {"family": concept["family"], "strength": 1.5},
        {"like": [document], "unlike": [other], "strength": 1},
    ]
    posted = client.post("/v1/search", json={"q": "sort", "steer": steer}).json()
    text = f"family:{concept['family']}:1.5,like:{quote(document, safe='')}!{quote(other, safe='')}:1"
    got = client.get("/v1/search", params={"q": "sort", "steer": text}).json()
    assert got["results"] == posted["results"]
    assert got["steering"] == posted["steering"]
    terms = [term for term in got["results"][0]["terms"] if term["kind"] == "steering"]
    assert {term["knob"] for term in terms} == {knob.rpartition(":")[0] for knob in text.split(",")}
    assert all({"feature", "label", "share"} <= set(part) for term in terms for part in term["parts"])


def test_documents_one_likes_become_knobs(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "dates", "limit": 3}).json()["results"]
    liked = [result["document"]["id"] for result in found]
    other = client.get("/v1/search", params={"q": "files"}).json()["results"][0]["document"]["id"]
    told = client.post("/v1/refine", json={"like": liked, "unlike": [other]}).json()
    assert [document["id"] for document in told["like"]] == liked
    assert {"feature", "label", "difference", "strength"} <= set(told["features"][0])
    steered = client.get("/v1/search", params={"q": "sort", "steer": told["steer"]}).json()
    assert [(knob["feature"], knob["strength"]) for knob in steered["steering"]] == [
        (each["feature"], each["strength"]) for each in told["features"]
    ]
    for body, status, named in (
        ({"like": ["nobody"]}, 404, "'nobody'"),
        ({"like": liked, "unlike": liked}, 400, "twice"),
        ({"like": []}, 400, "document"),
        ({"like": [f"d{n}" for n in range(200)]}, 400, "200 examples"),
        ({"like": "a"}, 400, "like"),
        ({}, 400, "like"),
    ):
        answer = client.post("/v1/refine", json=body)
        assert answer.status_code == status
        assert named in answer.json()["error"]["message"]


def test_features_documents_and_health(client: TestClient, feature: int) -> None:
    assert client.get("/v1/features", params={"q": "sorting"}).json()["features"]
    detail = client.get(f"/v1/features/{feature}").json()
    assert detail["feature"] == feature
    document = detail["examples"][0]["document"]["id"]
    assert client.get(f"/v1/documents/{document}").json()["id"] == document
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json().items() >= {"status": "ok", "collections": ["manual"]}.items()
    assert client.get("/v1/collections").json()[0]["name"] == "manual"


def test_the_map_has_places_for_what_is_distinctive(client: TestClient) -> None:
    found = client.get("/v1/map").json()
    numbers = [point["feature"] for point in found["points"]]
    assert len(set(numbers)) == len(numbers) > 100
    assert all(0 <= point[axis] <= 1 for point in found["points"] for axis in ("x", "y"))
    listed = client.get("/v1/features", params={"limit": 100}).json()["features"]
    assert [feature["feature"] for feature in listed] == numbers[:100]
    known = {family["family"] for family in found["families"]}
    assert {point["family"] for point in found["points"]} - {None} == known


def test_words_of_a_result_sum_to_what_it_scores(client: TestClient, feature: int) -> None:
    asked = {"q": "sort a list", "steer": f"{feature}:1.5", "mode": "semantic"}
    result = client.get("/v1/search", params=asked).json()["results"][0]
    document, passage = result["document"]["id"], result["passage"]["id"]
    where = {"document": document, "passage": passage, "feature": [feature, 1]}
    body = client.get("/v1/words", params={**where, "q": asked["q"], "steer": asked["steer"]}).json()
    assert body["document"] == result["document"]
    assert [each["feature"] for each in body["features"]] == [feature, 1]
    (found,) = body["passages"]
    assert found["by"] == "word"
    assert found["passage"]["text"] == result["passage"]["text"]
    assert found["question"]["total"] == pytest.approx(result["score"], abs=1e-4)
    for sums in (found["question"], *found["features"]):
        assert len(sums["values"]) == len(found["words"])
        assert sum(sums["values"]) + sums["elsewhere"] == pytest.approx(sums["total"], abs=1e-5)
    assert "passages" in client.get("/v1/words", params={"document": document, "feature": feature}).json()


def test_a_text_is_analysed_and_its_features_are_knobs(client: TestClient) -> None:
    body = client.post("/v1/analyze", json={"text": "Sort a list. Open a socket.", "limit": 4}).json()
    assert (body["collection"], body["characters"], body["analysed"]) == ("manual", 27, 27)
    assert len(body["features"]) == 4 < body["total"]
    assert {"feature", "label", "strength", "share", "activation"} <= set(body["features"][0])
    assert len(body["passages"][0]["sentences"]) == 2
    steer = [{"feature": each["feature"], "strength": each["strength"]} for each in body["features"]]
    answer = client.post(
        "/v1/search", json={"q": "examples", "steer": steer, "dictionary": body["dictionary"]}
    )
    assert answer.status_code == 200
    for text in ("", "?!", "a\0b"):
        refused = client.post("/v1/analyze", json={"text": text})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_query")


BAD = [
    ("GET", "/v1/search", 400, "q"),
    ("GET", "/v1/search?q=", 400, "empty"),
    ("GET", "/v1/search?q=%20%09", 400, "empty"),
    ("GET", "/v1/search?q=%3F%21", 400, "?!"),
    ("GET", "/v1/search?q=" + "x" * 60_000, 400, "60,000"),
    ("GET", "/v1/search?q=a%00b", 400, "NUL"),
    ("GET", "/v1/search?q=%FF%FE", 400, "UTF-8"),
    ("GET", "/v1/search?q=x&mode=hybird", 400, "hybird"),
    ("GET", "/v1/search?q=x&limit=0", 400, "limit=0"),
    ("GET", "/v1/search?q=x&limit=-3", 400, "limit=-3"),
    ("GET", "/v1/search?q=x&limit=1000000", 400, "limit=1000000"),
    ("GET", "/v1/search?q=x&limit=ten", 400, "limit='ten'"),
    ("GET", "/v1/search?q=x&offset=-1", 400, "offset=-1"),
    ("GET", "/v1/search?q=x&offset=99999999999999999999", 400, "offset=99999999999999999999"),
    ("GET", "/v1/search?q=x&steer=abc", 400, "'abc'"),
    ("GET", "/v1/search?q=x&steer=1:nan", 400, "nan"),
    ("GET", "/v1/search?q=x&steer=1:inf", 400, "inf"),
    ("GET", "/v1/search?q=x&steer=1:99", 400, "99"),
    ("GET", "/v1/search?q=x&steer=99999999:1", 400, "99999999"),
    ("GET", "/v1/search?q=x&collection=nope", 404, "'nope'"),
    ("GET", "/v1/search?q=x&steer=family:99999:1", 400, "family 99999"),
    ("GET", "/v1/search?q=x&steer=like:nothing:1", 400, "'nothing'"),
    ("GET", "/v1/search?q=x&steer=like:!a:1", 400, "''"),
    ("GET", "/v1/concepts?limit=0", 400, "limit=0"),
    ("GET", "/v1/concepts?q=%3F", 400, "?"),
    ("GET", "/v1/concepts?collection=nope", 404, "'nope'"),
    ("GET", "/v1/features?q=x&limit=0", 400, "limit=0"),
    ("GET", "/v1/features/99999999", 404, "99999999"),
    ("GET", "/v1/features/-1", 404, "-1"),
    ("GET", "/v1/features/abc", 400, "feature='abc'"),
    ("GET", "/v1/documents/none", 404, "'none'"),
    ("GET", "/v1/documents/a%00b", 400, "NUL"),
    ("GET", "/v1/words?q=x", 400, "document"),
    ("GET", "/v1/words?document=none&q=x", 404, "'none'"),
    ("GET", "/v1/words?document=none&feature=99999999", 404, "99999999"),
    ("GET", "/v1/words?document=none&feature=x", 400, "'x'"),
    ("GET", "/v1/words?document=none", 400, "Neither"),
    ("GET", "/v1/words?document=none&q=x&limit=0", 400, "limit=0"),
    ("GET", "/v1/words?document=none&q=x&steer=a", 400, "'a'"),
    ("GET", "/v1/words?document=none" + "".join(f"&feature={n}" for n in range(7)), 400, "7 features"),
    ("GET", "/v1/nothing", 404, "/v1/nothing"),
    ("DELETE", "/v1/search", 405, "DELETE"),
    ("PUT", "/healthz", 405, "PUT"),
    ("POST", "/v1/search", 400, "body"),
    ("POST", "/v1/analyze", 400, "body"),
]


@pytest.mark.parametrize(("method", "path", "status", "named"), BAD)
def test_bad_input_gets_the_envelope(
    client: TestClient, method: str, path: str, status: int, named: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert named in error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"q": 5}',
        b'{"q": "x", "steer": "1:1"}',
        b'{"q": "x", "steer": [{"feature": 1}]}',
        b'{"q": "x", "steer": [{"feature": 1, "strength": NaN}]}',
        b'{"q": "x", "steer": [{"feature": 1, "strength": Infinity}]}',
        b'{"q": "x", "steer": [{"feature": 1, "concept": "y", "strength": 1}]}',
        b'{"q": "x", "steer": [{"feature": 1, "strength": 1}, {"feature": 1, "strength": 2}]}',
        b'{"q": "x", "steer": [{"family": 99999, "strength": 1}]}',
        b'{"q": "x", "steer": [{"family": 1, "like": ["a"], "strength": 1}]}',
        b'{"q": "x", "steer": [{"unlike": ["a"], "strength": 1}]}',
        b'{"q": "x", "steer": [{"like": [""], "strength": 1}]}',
        b'{"q": "x", "limit": 1e99}',
        b'{"q": "x", "collection": "no\\u0000pe"}',
        b'{"q": "a\\ud800"}',
        b'{"q": "x", "unknown": 1}',
    ],
)
def test_bad_bodies_get_the_envelope(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404)
    assert set(answer.json()["error"]) == {"code", "message", "hint", "request_id"}


def test_no_database_is_a_503_that_says_so(tmp_path: Path) -> None:
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    with TestClient(app_of(SearchEngine(gone, tmp_path)), raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/readyz", "/v1/search?q=x", "/v1/features", "/v1/documents/x"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "store_unavailable"
            assert int(answer.headers["Retry-After"]) > 0
        page = client.get("/?q=x")
        assert page.status_code == 503
        assert "Traceback" not in page.text

"""What jobs made, as rows of this version and of earlier ones have it."""

import pytest

from indexer.jobs.results import (
    BackupResult,
    DumpResult,
    IngestResult,
    JobResult,
    ReindexResult,
    VerifyResult,
    read_result,
)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("reindex", ReindexResult),
        ("ingest", IngestResult),
        ("verify", VerifyResult),
        ("dump", DumpResult),
        ("backup", BackupResult),
    ],
)
def test_a_job_that_made_nothing_yet_is_read_and_written_as_nothing(
    kind: str, model: type[JobResult]
) -> None:
    found = read_result(kind, {})
    assert isinstance(found, model)
    assert found.model_dump(mode="json") == {}


def test_what_was_written_comes_back_with_what_is_unknown() -> None:
    failure = {"name": "b.pdf", "reason": "it is no PDF", "page": 3}
    written = {"added": 2, "failures": [failure], "failed": 1, "kept": 5}
    found = read_result("ingest", written)
    assert isinstance(found, IngestResult)
    assert (found.added, found.deleted, found.failures[0].name) == (2, 0, "b.pdf")
    assert found.model_dump(mode="json") == written


def test_a_file_and_its_bytes() -> None:
    found = DumpResult(file="/a/file", bytes=3)
    assert read_result("dump", found.model_dump(mode="json")) == found


def test_a_kind_of_another_version_is_read_as_it_is() -> None:
    assert read_result("train", {"steps": 5}).model_dump(mode="json") == {"steps": 5}

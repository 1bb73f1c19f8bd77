"""Every setting of the service, read once from `WEBINTEL_*` environment variables, secrets also from files."""

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

PREFIX = "WEBINTEL_"
MIN_SECRET_LENGTH = 32
WELL_KNOWN_SECRETS = frozenset(
    {"", "admin", "changeme", "default", "password", "postgres", "secret", "test", "webintel"}
)

Environment = Literal["development", "production"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["auto", "console", "json"]


class SettingsError(ValueError):
    """A setting is missing or cannot be used; the message is one line that names the variable."""


def _split(value: object) -> object:
    """Read a list as people write it in the environment: `a,b` or `["a", "b"]`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON list ({error.msg})") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _web_address(value: str) -> str:
    """Check an address that people follow, and spell it without a slash at the end."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("is no address such as https://api.example.com")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
PortList = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """What can be set from outside; a field `name` is the variable `WEBINTEL_NAME`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    environment: Environment = "development"
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"
    log_format: LogFormat = "auto"
    """`auto` is JSON lines, except on a terminal in development."""
    data_dir: Path | None = None
    """Where `up` keeps the embedded database and the development secret."""

    # Secrets and connections
    secrets_dir: Path | None = None
    """A folder with files named like variables, as orchestrators mount secrets; the environment goes before it."""
    database_url: SecretStr | None = None
    restored_database_url: SecretStr | None = None
    """What a restore drill compares with the live database."""
    database_password_previous: SecretStr | None = None
    """The other password during a rotation: tried where a database refuses the one in its address."""
    redis_url: SecretStr | None = None
    secret_key: SecretStr | None = None
    """Signs access tokens; at least 32 characters."""
    secret_key_previous: SecretStr | None = None
    """The key before a rotation: tokens signed with it are accepted until they expire."""

    # Database
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    database_max_overflow: Annotated[int, Field(ge=0, le=100)] = 0
    """More for a moment; each is closed after its use, which costs more than to keep it."""
    database_pool_timeout: Annotated[float, Field(gt=0, le=60)] = 2.0
    database_connect_timeout: Annotated[float, Field(gt=0, le=60)] = 2.0
    database_statement_timeout: Annotated[float, Field(gt=0, le=3600)] = 10.0

    # API
    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    cors_origins: TextList = ()
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=10)] = 0
    """How many proxies of ours append to X-Forwarded-For; 0 ignores the header."""
    access_token_seconds: Annotated[int, Field(ge=60, le=86400)] = 900
    refresh_token_seconds: Annotated[int, Field(ge=3600, le=7776000)] = 2592000
    refresh_leeway_seconds: Annotated[int, Field(ge=0, le=300)] = 30
    """How long a used refresh token still gives tokens, for two requests at once; a later use ends the sign-in."""
    requests_at_once: Annotated[int, Field(ge=1, le=10000)] = 500
    """Requests that one process works on; it refuses more with 503, so that those it has are answered in time."""
    rate_limit_per_minute: Annotated[int, Field(ge=1)] = 300
    login_limit_per_minute: Annotated[int, Field(ge=1)] = 5
    idempotency_key_hours: Annotated[int, Field(ge=1, le=720)] = 24

    # Web UI
    web_host: str = "127.0.0.1"
    web_port: Port = 3000
    api_url: WebAddress = "http://127.0.0.1:8000"
    """Where the web UI finds the API."""
    api_patience_seconds: Annotated[float, Field(gt=0, le=30)] = 2.5
    """How long a page waits for the API before it says that the API does not answer."""
    api_public_url: WebAddress | None = None
    """Where visitors find the API, if that is another address."""

    # Crawling
    fetch_user_agent: str | None = None
    fetch_connect_to: TextList = ()
    """HOST:PORT:ADDRESS:PORT, as curl has it."""
    fetch_allow_private: TextList = ()
    """Networks (CIDR) that may be visited although they are not public."""
    fetch_allow_ports: PortList = ()
    fetch_delay: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Seconds between two requests to one host."""
    fetch_max_pages: Annotated[int, Field(ge=1, le=10000)] = 150
    fetch_max_seconds: Annotated[float, Field(ge=1, le=86400)] = 600.0

    # Worker
    worker_host: str = "127.0.0.1"
    worker_port: Port = 9000
    """Health and metrics."""
    worker_concurrency: Annotated[int, Field(ge=2, le=100)] = 20
    """Jobs that one worker runs at once."""
    worker_heartbeat_seconds: Annotated[float, Field(ge=0.2, le=60)] = 2.5
    worker_lost_seconds: Annotated[float, Field(ge=1, le=600)] = 10.0
    """A job without a heartbeat for so long has lost its worker and is started again."""
    worker_poll_seconds: Annotated[float, Field(ge=0.1, le=30)] = 2.0
    worker_grace_seconds: Annotated[float, Field(ge=0, le=600)] = 15.0
    """On SIGTERM, how long a running job may still take before it is handed back."""
    job_max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    job_retry_base_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """The wait before the second attempt; it doubles with each further one."""
    queue_log_days: Annotated[float, Field(gt=0, le=365)] = 7.0

    @field_validator("database_url", "restored_database_url")
    @classmethod
    def _normalise_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(asyncpg_url(value.get_secret_value()))

    @property
    def production(self) -> bool:
        """Whether secrets must be real."""
        return self.environment == "production"

    def require_database_url(self) -> str:
        """Give the database's address, in SQLAlchemy's spelling, or refuse to start."""
        if self.database_url is None:
            raise SettingsError(
                f"{PREFIX}DATABASE_URL is not set: give a PostgreSQL's address (postgresql://user:password@host/name), "
                "or run `webintel up`, which brings its own."
            )
        from sqlalchemy import make_url  # noqa: PLC0415 - the web UI has no database, and need not carry its library

        url = self.database_url.get_secret_value()
        password = make_url(url).password
        if self.production and password is not None and password.lower() in WELL_KNOWN_SECRETS:
            raise SettingsError(f"{PREFIX}DATABASE_URL has a well-known password: production needs a real one.")
        return url

    def require_secret_key(self) -> str:
        """Give the key that signs access tokens, or refuse to start."""
        if self.secret_key is None:
            raise SettingsError(
                f"{PREFIX}SECRET_KEY is not set: give at least {MIN_SECRET_LENGTH} random characters, "
                "for example from `openssl rand -hex 32`."
            )
        key = self.secret_key.get_secret_value()
        if len(key) < MIN_SECRET_LENGTH or len(set(key)) < 8 or key.lower() in WELL_KNOWN_SECRETS:
            raise SettingsError(
                f"{PREFIX}SECRET_KEY is too easy to guess: give at least {MIN_SECRET_LENGTH} random characters, "
                "for example from `openssl rand -hex 32`."
            )
        return key


def asyncpg_url(url: str) -> str:
    """Spell a PostgreSQL address so that SQLAlchemy uses asyncpg.

    Raises:
        ValueError: it is no PostgreSQL address.
    """
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("is no database URL such as postgresql://user:password@host/name") from error
    if parsed.drivername not in {"postgres", "postgresql", "postgresql+asyncpg"}:
        raise ValueError(f"names {parsed.drivername}, but only PostgreSQL works: postgresql://user:password@host/name")
    if not parsed.database:
        raise ValueError("names no database: postgresql://user:password@host/name")
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def load_settings(**overrides: object) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: one line that names the variable and what is wrong with it.
    """
    secrets_dir = os.environ.get(f"{PREFIX}SECRETS_DIR") or None
    if secrets_dir is not None and not Path(secrets_dir).is_dir():
        raise SettingsError(f"{PREFIX}SECRETS_DIR: {secrets_dir} is no folder.")
    try:
        return Settings(_secrets_dir=secrets_dir, **overrides)  # type: ignore[arg-type, call-arg]
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except SourceError as error:
        raise SettingsError(f"{PREFIX}SECRETS_DIR: a file cannot be read: {error.__cause__ or error}.") from error


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{_variable(first['loc'])}: {first['msg'].removeprefix('Value error, ')}."


def _variable(location: Sequence[int | str]) -> str:
    name = str(location[0]) if location else "settings"
    return PREFIX + name.upper()


@functools.cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()

"""Settings of the service, from the environment. What a repository may choose is in `.github/branchwork.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "BRANCHWORK_"


class SettingsError(Exception):
    """The environment is not usable; the text has one line for each variable, with what to do."""


class Settings(BaseSettings):
    """Each field is a variable: `BRANCHWORK_` and its name in capitals, unless a well-known name exists."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, populate_by_name=True, extra="ignore", frozen=True)

    app_id: int = Field(description="the number at the top of the GitHub App's settings page")
    private_key: SecretStr | None = Field(
        None, description="the App's private key as PEM text; or set BRANCHWORK_PRIVATE_KEY_FILE to its path"
    )
    private_key_file: Path | None = Field(None, description="path of the App's private key (.pem)")
    webhook_secret: SecretStr = Field(description="the secret that the GitHub App's webhook is set up with")
    secret_key: Annotated[list[SecretStr], NoDecode] = Field(
        min_length=1,
        description="signs the bot's hidden markers: 32 random characters or more (openssl rand -hex 32). "
        "To change it, put the new one first and the old ones after it, with commas between",
    )
    github_api_url: str = Field(
        "https://api.github.com", validation_alias="GITHUB_API_URL", description="root of GitHub's REST API"
    )
    database_url: str = Field(
        "", validation_alias="DATABASE_URL", description="sqlite:////path/file.db or postgresql://user@host/name"
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="key of the model server"
    )
    openai_base_url: str | None = Field(
        None, validation_alias="OPENAI_BASE_URL", description="an OpenAI-compatible server other than OpenAI's"
    )
    data_dir: Path = Field(
        Path("/var/lib/branchwork"),
        description="workspaces, mirrors and the SQLite database; not under a home of mode 0700",
    )
    sandbox: Literal["auto", "bubblewrap", "sandlock", "external"] = Field("auto", description="what confines commands")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on")
    workers: int = Field(8, ge=1, le=256, description="agents at work at once")
    min_free_mb: int = Field(1024, ge=0, description="MiB of disk below which no agent starts; it waits instead")
    sweep_seconds: float = Field(60.0, gt=0, description="how often GitHub is read again, for webhooks that got lost")
    status_seconds: float = Field(30.0, ge=0, description="least time between two edits of a status comment")
    ci_start_seconds: float = Field(120.0, gt=0, description="how long CI may take to start, then it counts as missing")
    ci_poll_seconds: float = Field(15.0, gt=0, description="longest pause between two looks at running checks")
    shutdown_seconds: float = Field(5.0, ge=0, description="how long a stop waits for running steps")
    log_format: Literal["auto", "json", "console"] = Field("auto", description="auto: console on a terminal, else json")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")

    @field_validator("secret_key", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: list[SecretStr]) -> list[SecretStr]:
        if any(len(key.get_secret_value()) < 32 for key in value):
            raise ValueError("a key is shorter than 32 characters")
        return value

    @field_validator("github_api_url", "openai_base_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it must start with https:// (or http:// for a server on this machine)")
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _one_private_key(self) -> Settings:
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("set exactly one of BRANCHWORK_PRIVATE_KEY and BRANCHWORK_PRIVATE_KEY_FILE")
        self.private_key_pem()
        return self

    def private_key_pem(self) -> str:
        """The App's key; where a shell cannot hold line ends, `\\n` may stand for them."""
        if self.private_key is not None:
            text = self.private_key.get_secret_value().replace("\\n", "\n")
        else:
            path = self.private_key_file or Path()
            try:
                text = path.read_text()
            except OSError as error:
                raise ValueError(f"BRANCHWORK_PRIVATE_KEY_FILE={path} cannot be read: {error.strerror}") from error
        if not text.lstrip().startswith("-----BEGIN"):
            raise ValueError("the private key is not a PEM file; download it again from the App's settings page")
        return text

    def signing_keys(self) -> tuple[str, ...]:
        """The first signs, all are accepted."""
        return tuple(key.get_secret_value() for key in self.secret_key)

    def database(self) -> str:
        """DATABASE_URL, or an SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute()}/branchwork.db"


def load(**given: Any) -> Settings:
    """Settings from the environment and from `given`, which wins; `SettingsError` if something is missing or wrong."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(one) for one in error.errors(include_url=False))) from error


def variable(name: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def _problem(error: Any) -> str:
    place = error["loc"][0] if error["loc"] else ""
    names = {variable(name): name for name in Settings.model_fields} | {name: name for name in Settings.model_fields}
    field = names.get(str(place))
    message = str(error["msg"]).removeprefix("Value error, ")
    if field is None:
        return message
    about = Settings.model_fields[field].description
    if error["type"] == "missing":
        return f"{variable(field)} is not set: {about}"
    return f"{variable(field)} is not usable: {message}. It is {about}"

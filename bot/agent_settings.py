"""Settings of the agents, from the environment: which model, at what price, with which tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.config import PREFIX, SettingsError


class AgentSettings(BaseSettings):
    """What holds for agents where a repository's configuration says nothing. Each is `BRANCHWORK_` and its name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, protected_namespaces=())

    model: str = Field("gpt-5", min_length=1, description="name of the model")
    model_api: Literal["auto", "responses", "chat"] = Field(
        "auto", description="auto: the Responses API, or Chat Completions where a server has nothing else"
    )
    model_input_price: float | None = Field(None, ge=0, description="dollars per million input tokens")
    model_output_price: float | None = Field(None, ge=0, description="dollars per million output tokens")
    toolchain: Path | None = Field(None, description="folder that sandboxes see, read-only, as /toolchain")

    @field_validator("toolchain")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is not a folder")
        return value


def load(**given: Any) -> AgentSettings:
    """From the environment and from `given`, which wins; `SettingsError` with one line for each mistake."""
    try:
        return AgentSettings(**given)
    except ValidationError as error:
        lines = []
        for one in error.errors(include_url=False):
            field = str(one["loc"][0])
            about = AgentSettings.model_fields[field].description if field in AgentSettings.model_fields else ""
            message = str(one["msg"]).removeprefix("Value error, ")
            lines.append(f"{PREFIX}{field.upper()} is not usable: {message}. It is: {about}")
        raise SettingsError("\n".join(lines)) from error

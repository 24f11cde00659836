"""What the replay does on purpose besides replaying: limits of its plans, planned mistakes, a redirect."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Root(Frozen):
    """A root issue, found by its title, that asks for these paths only; no other root touches them."""

    title: str
    only: tuple[str, ...]


class Share(Frozen):
    """A file that several tasks change: lines with the word go with the task that owns the path."""

    path: str
    by: dict[str, str]
    """owner's path → word"""


class Mistake(Frozen):
    """Until told better, `put` stands in the file where the target has `find`."""

    path: str
    find: str
    put: str
    until: Literal["ci", "review"]


class Extra(Frozen):
    """A task that is planned at first and is no part of the target: a person will redirect it away."""

    id: str
    title: str
    files: dict[str, str]
    after: tuple[str, ...] = ()
    """paths whose tasks come first"""


class Redirect(Frozen):
    """What a planner does on a person's words."""

    when: str
    """part of the words"""
    place: str
    """the planner concerned: the one whose paths hold this path"""
    extra: tuple[Extra, ...] = ()
    later: tuple[str, ...] = ()
    """paths of the target that are planned only after the words"""
    reason: str = "a person asked for it"


class Script(Frozen):
    """A replay's settings; the default is a faithful replay without mistakes."""

    max_lines: int = Field(default=300, ge=1)
    """changed lines of one task, about"""
    max_files: int = Field(default=30, ge=1, le=50)
    max_tasks: int = Field(default=8, ge=2, le=90)
    """above this many tasks a planner makes sub-planners"""
    roots: tuple[Root, ...] = ()
    share: tuple[Share, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    doubts: tuple[str, ...] = ()
    """titles of goals whose first claim the judge sends back"""


def load(path: Path | None) -> Script:
    """The script in a YAML file; without a file the default one."""
    if path is None:
        return Script()
    return Script.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})

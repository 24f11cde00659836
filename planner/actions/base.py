"""What every action has."""

from __future__ import annotations

from typing import ClassVar, Literal

from planner.model import Value

Queue = Literal["github", "agents", "git", "timer"]


class Base(Value):
    queue: ClassVar[Queue] = "github"
    key: str = ""
    """filled by `planner.step`: event id and index"""
    coalesce: str | None = None
    delay_s: float = 0

"""What carries out a brief in a workspace: our own loop, or (later) any coding CLI. Adapters do not know each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from worker.messages import Clock, Outcome, Record, free, ignore
from worker.sandbox import Sandbox
from worker.task import Brief, Limits, Usage
from worker.workspace import Workspace


@dataclass(frozen=True)
class Watchers:
    """Who is told while an attempt runs, and who may end it."""

    record: Record = ignore
    on_usage: Callable[[Usage], None] = free
    cancelled: Callable[[], bool] = lambda: False
    clock: Clock = time.monotonic


class Harness(Protocol):
    """One way to get a task done."""

    name: str

    def work(
        self, brief: Brief, workspace: Workspace, sandbox: Sandbox, limits: Limits, watchers: Watchers | None = None
    ) -> Outcome:
        """Change the workspace's tree; always ends with a handoff. Raises only for bugs."""
        ...

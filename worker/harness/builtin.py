"""Our own loop with our own tools."""

from __future__ import annotations

from dataclasses import replace

from worker.agent import Model, run
from worker.harness import Watchers
from worker.messages import Outcome
from worker.prompts import for_brief
from worker.sandbox import Sandbox
from worker.task import Brief, Limits
from worker.tools import Toolbox
from worker.workspace import Workspace


class Builtin:
    """Drives a model with the writing tools."""

    name = "builtin"

    def __init__(self, model: Model) -> None:
        self._model = model

    def work(
        self, brief: Brief, workspace: Workspace, sandbox: Sandbox, limits: Limits, watchers: Watchers | None = None
    ) -> Outcome:
        """Change the workspace's tree; always ends with a handoff."""
        watch = watchers or Watchers()
        box = Toolbox(workspace, sandbox, limits)
        outcome = run(
            self._model,
            box.writing(),
            for_brief(brief),
            limits,
            record=watch.record,
            clock=watch.clock,
            on_usage=watch.on_usage,
            cancelled=watch.cancelled,
        )
        return replace(outcome, written=tuple(sorted(box.written)))

"""`schedule`: cron lines of the default branches, by the hub's clock, which tests drive."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from localhub.actions import cron, triggers
from localhub.actions.workflows import Workflow
from localhub.gitstore import GitRepo
from localhub.render.accounts import simple_user
from localhub.render.repos import webhook

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_LOOK_SECONDS = 20.0


class Schedule:
    """Looks at the clock now and then, and whenever somebody turns it. What was due while nobody looked is lost."""

    def __init__(self, hub: Hub, poke: Callable[[], None]) -> None:
        self._hub = hub
        self._poke = poke
        self._seen = hub.clock.now()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="localhub-schedule")

    def start(self) -> None:
        self._seen = self._hub.clock.now()
        self._hub.clock.watch(self.look)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Start what has become due since the last look, each line once."""
        with self._lock:
            before, self._seen = self._seen, self._hub.clock.now()
            minutes = (self._seen.timestamp() // 60) - (before.timestamp() // 60)
            if minutes < 1 or self._closed.is_set():
                return
            found = [
                (repo, line)
                for repo in self._hub.db.rows("SELECT id FROM repos WHERE NOT archived")
                for line in lines(self._hub, repo["id"])
                if cron.due(line, before, self._seen)
            ]
            for row, line in found:
                self._start(row["id"], line)
        if found:
            self._poke()

    def _start(self, repo_id: int, line: str) -> None:
        hub = self._hub
        repo = hub.access.repo_by_id(repo_id)
        payload = {"schedule": line, "repository": webhook(hub, repo), "sender": simple_user(hub, repo["owner_id"])}
        with hub.tx():
            hub.db.insert(
                "workflow_triggers",
                repo_id=repo_id,
                event="schedule",
                sender_id=repo["owner_id"],
                payload=json.dumps(payload),
                base=hub.root,
            )

    def _loop(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            self.look()


def lines(hub: Hub, repo_id: int) -> set[str]:
    """The cron lines of a repository's default branch."""
    repo: Row = hub.access.repo_by_id(repo_id)
    try:
        if "schedule" not in triggers.listened(hub, repo["id"]):
            return set()
        sha = GitRepo(hub.git_dir(repo)).ref(f"refs/heads/{repo['default_branch']}")
        found = triggers.workflow_files(hub, repo, sha) if sha else []
    except FileNotFoundError:  # the repository is being deleted
        return set()
    return {line for flow in found if isinstance(flow, Workflow) for line in flow.crons}

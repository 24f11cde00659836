"""What checks and statuses say of a commit, as rows that pages show. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub import statuses
from localhub.checks import latest_runs

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_GOOD, _NEUTRAL = ("success",), ("neutral", "skipped", "stale")


@dataclass(frozen=True)
class Check:
    """A check run or a status; state: success, failure, pending or neutral."""

    name: str
    app: str
    state: str
    word: str
    text: str
    href: str | None
    run: Row | None = None
    job: Row | None = None
    flow: tuple[str, str] | None = None
    """of a job: its workflow and the event that started it"""

    @property
    def full(self) -> str:
        """`CI / lint (push)`: the jobs of one workflow for a push and for the pull request bear the same name."""
        return f"{self.flow[0]} / {self.name} ({self.flow[1]})" if self.flow else self.name


def word(status: str, conclusion: str | None) -> str:
    """success, failure, pending or neutral, of a run's, suite's or job's status and conclusion."""
    if status != "completed":
        return "pending"
    return "success" if conclusion in _GOOD else "neutral" if conclusion in _NEUTRAL else "failure"


def of_commit(hub: Hub, repo: Row, sha: str) -> list[Check]:
    """Every check of a commit, suites in their order, then statuses."""
    home = f"/{repo['owner_login']}/{repo['name']}"
    found: list[Check] = []
    suites = hub.db.rows("SELECT * FROM check_suites WHERE repo_id = ? AND head_sha = ? ORDER BY id", repo["id"], sha)
    for suite in suites:
        app = hub.db.get("apps", suite["app_id"])["name"]
        for run in latest_runs(hub, suite["id"]):
            job = hub.db.row("SELECT * FROM workflow_jobs WHERE id = ?", run["id"])
            href = f"{home}/actions/runs/{job['run_id']}/job/{job['id']}" if job else f"{home}/runs/{run['id']}"
            words = (run["conclusion"] or run["status"]).replace("_", " ")
            state = word(run["status"], run["conclusion"])
            found.append(Check(run["name"], app, state, words, run["title"] or "", href, run, job, _flow(hub, job)))
    for status in statuses.latest(hub, repo, sha):
        state = {"success": "success", "pending": "pending"}.get(status["state"], "failure")
        link = status["target_url"]
        safe = link if link and link.startswith(("http://", "https://", "/")) else None
        found.append(Check(status["context"], "status", state, status["state"], status["description"] or "", safe))
    return found


def _flow(hub: Hub, job: Row | None) -> tuple[str, str] | None:
    sql = "SELECT w.name, r.event FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id WHERE r.id = ?"
    row = None if job is None else hub.db.row(sql, job["run_id"])
    return None if row is None else (row["name"], row["event"])


def overall(hub: Hub, repo: Row, sha: str) -> str | None:
    """The worst of a commit's checks; None without any."""
    return worst([each.state for each in of_commit(hub, repo, sha)])


def worst(states: list[str]) -> str | None:
    return next((each for each in ("failure", "pending", "success", "neutral") if each in states), None)


def notes_of(hub: Hub, run_id: int) -> list[Row]:
    return hub.db.rows("SELECT * FROM check_annotations WHERE run_id = ? ORDER BY id", run_id)

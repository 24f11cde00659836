"""A run as the graph of its jobs sees it: its workflow file, its contexts, and what its jobs have done. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub.actions.calling import CallError, typed
from localhub.actions.graph import Graph, Seen
from localhub.actions.surroundings import github_context
from localhub.actions.templates import Known
from localhub.actions.workflows import Problem, Workflow, parse
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def text_at(hub: Hub, repo_id: int, sha: str, path: str) -> str | None:
    """A file of a commit."""
    return _text(str(hub.git_dir(repo_id)), sha, path)


@lru_cache(maxsize=256)
def _text(git_dir: str, sha: str, path: str) -> str | None:
    content = GitRepo(Path(git_dir)).read(sha, path)
    return None if content is None else content.decode("utf-8", "replace")


@lru_cache(maxsize=256)
def parsed(path: str, text: str) -> Workflow | Problem:
    """`parse`, remembered: a run reads its file at every step."""
    return parse(path, text)


def workflow_at(hub: Hub, repo_id: int, sha: str, path: str) -> Workflow | Problem | None:
    """The workflow file at a path of a commit."""
    text = text_at(hub, repo_id, sha, path)
    return None if text is None else parsed(path, text)


def workflow_of(hub: Hub, run: Row) -> Workflow | Problem:
    """The workflow file of a run, as it is in the run's commit."""
    path = hub.db.get("workflows", run["workflow_id"])["path"]
    found = workflow_at(hub, run["repo_id"], _file_sha(run), path)
    return found or Problem(path, 1, f"{path} is not in commit {_file_sha(run)}")


def _file_sha(run: Row) -> str:
    return str(run["checkout_sha"])


def known_of(hub: Hub, run: Row, workflow: Workflow, *, secrets: bool = False) -> Known:
    """The contexts of a run; `secrets` only for a job that starts."""
    payload = json.loads(run["payload"])
    whole: dict[str, Any] = {"vars": values_of(hub, run, "variable"), "inputs": _inputs(workflow, run, payload)}
    whole["secrets"] = values_of(hub, run, "secret") if secrets else {}
    # act says `env.ACT` is true, which GitHub does not know.
    return Known(whole, {"github": github_context(hub, run, payload), "env": {"act": None}})


def values_of(hub: Hub, run: Row, kind: str) -> dict[str, str]:
    """Variables or secrets that a run sees: its repository's before its owner's; none of the secrets for a fork."""
    repo = hub.access.repo_by_id(run["repo_id"])
    if kind == "secret" and run["from_fork"]:
        return {}
    rows = hub.db.rows(
        """SELECT name, value FROM action_values WHERE kind = ? AND (repo_id = ? OR owner_id = ?)
           ORDER BY repo_id NOTNULL""",
        kind,
        repo["id"],
        repo["owner_id"],
    )
    return {row["name"]: row["value"] for row in rows}


def _inputs(workflow: Workflow, run: Row, payload: dict[str, Any]) -> dict[str, Any]:
    if run["event"] != "workflow_dispatch":
        return {}
    given = payload.get("inputs") or {}
    declared = workflow.on.get("workflow_dispatch", {}).get("inputs") or {}
    return {name: typed(name, facts or {}, given.get(name)) for name, facts in declared.items()}


def dispatch_inputs(workflow: Workflow, given: dict[str, Any]) -> dict[str, str]:
    """The inputs of a dispatch as the event has them: text, with defaults. Raises CallError."""
    declared = workflow.on["workflow_dispatch"].get("inputs") or {}
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise CallError(f"Unexpected inputs provided: {json.dumps(unknown)}")
    found = {}
    for name, facts in declared.items():
        facts = facts or {}
        if facts.get("required") is True and given.get(name) in (None, "") and facts.get("default") is None:
            raise CallError(f"Required input '{name}' not provided")
        value = typed(name, facts, given.get(name))
        found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def rows_of(hub: Hub, run: Row) -> list[Row]:
    """The jobs that count for the run's current attempt: its own, and those kept from earlier ones."""
    kept = json.loads(run["kept"])
    own = hub.db.rows(
        "SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id", run["id"], run["attempt"]
    )
    return [hub.db.get("workflow_jobs", job_id) for job_id in kept] + own


def seen(row: Row, attempt: int) -> Seen:
    """A job's row as the graph of this attempt takes it."""
    outputs = json.loads(row["outputs"]) if row["outputs"] else {}
    conclusion = row["conclusion"] if row["status"] == "completed" else None
    return Seen(
        row["key"], row["job_id"], json.loads(row["matrix"]), conclusion, outputs, bool(row["tolerated"]),
        row["attempt"] != attempt,
    )  # fmt: skip


def graph_of(
    hub: Hub, run: Row, workflow: Workflow, rows: Iterable[Row] | None = None, known: Known | None = None
) -> Graph:
    """The run's jobs as they stand (or as `rows` say), with those to make next."""
    known = known or known_of(hub, run, workflow)

    def read(path: str) -> Workflow | Problem | None:
        return workflow_at(hub, run["repo_id"], _file_sha(run), path)

    found = rows_of(hub, run) if rows is None else rows
    rows_seen = [seen(row, run["attempt"]) for row in found]
    return Graph(workflow, known, rows_seen, read, cancelled=bool(run["cancel_asked"]))

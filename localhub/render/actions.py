"""Workflows, workflow runs and jobs as GitHub's JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localhub.ids import node_id
from localhub.render.accounts import simple_user
from localhub.render.checks import repo_path, simple_commit
from localhub.render.pullrefs import pull_by_number
from localhub.render.repos import simple

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def workflow(hub: Hub, row: Row) -> dict[str, Any]:
    """A workflow file."""
    repo = hub.access.repo_by_id(row["repo_id"])
    html = hub.html(f"/{repo['owner_login']}/{repo['name']}")
    return {
        "id": row["id"],
        "node_id": node_id("Workflow", row["id"]),
        "name": row["name"],
        "path": row["path"],
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "url": hub.api(f"{repo_path(repo)}/actions/workflows/{row['id']}"),
        "html_url": f"{html}/blob/{quote(repo['default_branch'])}/{row['path']}",
        "badge_url": f"{html}/workflows/{quote(row['name'])}/badge.svg",
    }


def _head_repository(hub: Hub, row: Row) -> Row | None:
    """The fork that a run's pull request comes from, while it is there."""
    if not row["from_fork"]:
        return None
    head = (json.loads(row["payload"])["pull_request"]["head"].get("repo") or {}).get("id")
    there = hub.db.value("SELECT id FROM repos WHERE id = ?", head)
    return None if there is None else hub.access.repo_by_id(there)


def run(hub: Hub, row: Row) -> dict[str, Any]:
    """A workflow run, in REST and webhooks."""
    repo = hub.access.repo_by_id(row["repo_id"])
    flow = hub.db.get("workflows", row["workflow_id"])
    url = hub.api(f"{repo_path(repo)}/actions/runs/{row['id']}")
    own = row["pull_number"] is not None and not row["from_fork"]
    pull = pull_by_number(hub, repo, row["pull_number"]) if own else None
    return {
        "id": row["id"],
        "name": flow["name"],
        "node_id": node_id("WorkflowRun", row["id"]),
        "head_branch": row["head_branch"],
        "head_sha": row["head_sha"],
        "path": flow["path"],
        "display_title": row["title"],
        "run_number": row["number"],
        "run_attempt": row["attempt"],
        "event": row["event"],
        "status": row["status"],
        "conclusion": row["conclusion"],
        "workflow_id": row["workflow_id"],
        "check_suite_id": row["suite_id"],
        "check_suite_node_id": node_id("CheckSuite", row["suite_id"]),
        "url": url,
        "html_url": hub.html(f"/{repo['owner_login']}/{repo['name']}/actions/runs/{row['id']}"),
        "pull_requests": [pull] if pull else [],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "run_started_at": row["started_at"],
        "actor": simple_user(hub, row["actor_id"]),
        "triggering_actor": simple_user(hub, row["triggering_actor_id"]),
        "referenced_workflows": [],
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": hub.api(f"{repo_path(repo)}/check-suites/{row['suite_id']}"),
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{row['attempt'] - 1}" if row["attempt"] > 1 else None,
        "workflow_url": hub.api(f"{repo_path(repo)}/actions/workflows/{row['workflow_id']}"),
        "head_commit": simple_commit(hub, repo, row["head_sha"]),
        "repository": simple(hub, repo),
        "head_repository": simple(hub, _head_repository(hub, row) or repo),
    }


def attempt(hub: Hub, row: Row, kept: Row) -> dict[str, Any]:
    """A run as it was in one of its attempts, of which `kept` is what is known."""
    shown = run(hub, row)
    number = kept["attempt"]
    url = hub.api(f"{repo_path(hub.access.repo_by_id(row['repo_id']))}/actions/runs/{row['id']}")
    return shown | {
        "run_attempt": number,
        "status": kept["status"],
        "conclusion": kept["conclusion"],
        "run_started_at": kept["started_at"],
        "updated_at": kept["updated_at"],
        "triggering_actor": simple_user(hub, kept["triggering_actor_id"]),
        "jobs_url": f"{url}/attempts/{number}/jobs" if number != row["attempt"] else shown["jobs_url"],
        "logs_url": f"{url}/attempts/{number}/logs" if number != row["attempt"] else shown["logs_url"],
        "previous_attempt_url": f"{url}/attempts/{number - 1}" if number > 1 else None,
    }


def job(hub: Hub, row: Row, *, hook: bool = False) -> dict[str, Any]:
    """A job of a workflow run."""
    repo = hub.access.repo_by_id(row["repo_id"])
    parent = hub.db.get("workflow_runs", row["run_id"])
    ran = row["status"] != "queued" and row["conclusion"] != "skipped"
    steps = json.loads(row["steps"])
    return {
        "id": row["id"],
        "run_id": row["run_id"],
        "workflow_name": hub.db.get("workflows", parent["workflow_id"])["name"],
        "head_branch": parent["head_branch"],
        "run_url": hub.api(f"{repo_path(repo)}/actions/runs/{row['run_id']}"),
        "run_attempt": row["attempt"],
        "node_id": node_id("CheckRun", row["id"]),
        "head_sha": parent["head_sha"],
        "url": hub.api(f"{repo_path(repo)}/actions/jobs/{row['id']}"),
        "html_url": hub.html(f"/{repo['owner_login']}/{repo['name']}/actions/runs/{row['run_id']}/job/{row['id']}"),
        "status": row["status"],
        "conclusion": row["conclusion"],
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "name": row["name"],
        "steps": steps,
        "check_run_url": hub.api(f"{repo_path(repo)}/check-runs/{row['id']}"),
        "labels": json.loads(row["labels"]),
        "runner_id": 1 if ran else None,
        "runner_name": "localhub" if ran else None,
        "runner_group_id": 0 if ran else None,
        "runner_group_name": "GitHub Actions" if ran else None,
    }


def artifact(hub: Hub, row: Row) -> dict[str, Any]:
    """An artifact of a run."""
    repo = hub.access.repo_by_id(row["repo_id"])
    parent = hub.db.get("workflow_runs", row["run_id"])
    url = hub.api(f"{repo_path(repo)}/actions/artifacts/{row['id']}")
    return {
        "id": row["id"],
        "node_id": node_id("Artifact", row["id"]),
        "name": row["name"],
        "size_in_bytes": row["size"],
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": row["expires_at"] <= hub.now(),
        "digest": row["digest"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "updated_at": row["created_at"],
        "workflow_run": {
            "id": parent["id"],
            "repository_id": repo["id"],
            "head_repository_id": repo["id"],
            "head_branch": parent["head_branch"],
            "head_sha": parent["head_sha"],
        },
    }

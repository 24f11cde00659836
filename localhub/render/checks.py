"""Statuses, check suites, check runs and annotations as GitHub's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localhub.clock import iso
from localhub.gitstore import GitRepo
from localhub.ids import node_id
from localhub.render.accounts import simple_user
from localhub.render.apps import integration
from localhub.render.pullrefs import pulls_with_head
from localhub.render.repos import minimal

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def repo_path(repo: Row) -> str:
    """`/repos/OWNER/NAME`."""
    return f"/repos/{repo['owner_login']}/{repo['name']}"


def branch_of(hub: Hub, repo: Row, sha: str) -> str | None:
    """A branch whose head is `sha`: the default branch first."""
    heads = [
        name.removeprefix("refs/heads/")
        for name, at in GitRepo(hub.git_dir(repo)).refs("refs/heads/").items()
        if at == sha
    ]
    return repo["default_branch"] if repo["default_branch"] in heads else (heads[0] if heads else None)


def app(hub: Hub, app_id: int) -> dict[str, Any]:
    """The app that owns a suite or run."""
    return integration(hub, hub.db.get("apps", app_id))


def simple_commit(hub: Hub, repo: Row, sha: str) -> dict[str, Any]:
    """A commit as suites and workflow runs carry it."""
    found = GitRepo(hub.git_dir(repo)).commit(sha)
    if found is None:
        raise LookupError(f"commit {sha} is not in {repo['owner_login']}/{repo['name']}")
    people = {
        key: {"name": who.name, "email": who.email}
        for key, who in (("author", found.author), ("committer", found.committer))
    }
    stamp = iso(datetime.fromtimestamp(found.author.epoch, UTC))
    return {"id": sha, "tree_id": found.tree, "message": found.message, "timestamp": stamp, **people}


def run(hub: Hub, row: Row) -> dict[str, Any]:
    """A check run of the REST API."""
    repo = hub.access.repo_by_id(row["repo_id"])
    path = f"{repo_path(repo)}/check-runs/{row['id']}"
    html = hub.html(f"/{repo['owner_login']}/{repo['name']}/runs/{row['id']}")
    job = hub.db.row("SELECT run_id FROM workflow_jobs WHERE id = ?", row["id"])
    if job is not None:
        html = hub.html(f"/{repo['owner_login']}/{repo['name']}/actions/runs/{job['run_id']}/job/{row['id']}")
    count = hub.db.value("SELECT count(*) FROM check_annotations WHERE run_id = ?", row["id"])
    return {
        "id": row["id"],
        "name": row["name"],
        "node_id": node_id("CheckRun", row["id"]),
        "head_sha": row["head_sha"],
        "external_id": row["external_id"],
        "url": hub.api(path),
        "html_url": html,
        "details_url": row["details_url"] or html,
        "status": row["status"],
        "conclusion": row["conclusion"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "output": {
            "title": row["title"],
            "summary": row["summary"],
            "text": row["text"],
            "annotations_count": count,
            "annotations_url": hub.api(f"{path}/annotations"),
        },
        "check_suite": {"id": row["suite_id"]},
        "app": app(hub, row["app_id"]),
        "pull_requests": pulls_with_head(hub, repo, row["head_sha"]),
    }


def run_hook(hub: Hub, row: Row) -> dict[str, Any]:
    """A check run in a webhook, with its suite."""
    suite = hub.db.get("check_suites", row["suite_id"])
    return run(hub, row) | {"check_suite": _suite_facts(hub, suite)}


def _suite_facts(hub: Hub, row: Row) -> dict[str, Any]:
    repo = hub.access.repo_by_id(row["repo_id"])
    return {
        "id": row["id"],
        "node_id": node_id("CheckSuite", row["id"]),
        "head_branch": row["head_branch"],
        "head_sha": row["head_sha"],
        "status": row["status"],
        "conclusion": row["conclusion"],
        "url": hub.api(f"{repo_path(repo)}/check-suites/{row['id']}"),
        "before": row["before"],
        "after": row["after"],
        "pull_requests": pulls_with_head(hub, repo, row["head_sha"]),
        "app": app(hub, row["app_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def suite_hook(hub: Hub, row: Row) -> dict[str, Any]:
    """A check suite in a webhook."""
    repo = hub.access.repo_by_id(row["repo_id"])
    count = hub.db.value("SELECT count(DISTINCT name) FROM check_runs WHERE suite_id = ?", row["id"])
    return _suite_facts(hub, row) | {
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": count,
        "check_runs_url": hub.api(f"{repo_path(repo)}/check-suites/{row['id']}/check-runs"),
        "head_commit": simple_commit(hub, repo, row["head_sha"]),
    }


def suite(hub: Hub, row: Row) -> dict[str, Any]:
    """A check suite of the REST API."""
    return suite_hook(hub, row) | {"repository": minimal(hub, hub.access.repo_by_id(row["repo_id"]))}


def preferences(hub: Hub, repo: Row) -> dict[str, Any]:
    """Which apps get a suite at every push."""
    rows = hub.db.rows("SELECT * FROM check_preferences WHERE repo_id = ? ORDER BY app_id", repo["id"])
    chosen = [{"app_id": row["app_id"], "setting": bool(row["setting"])} for row in rows]
    return {"preferences": {"auto_trigger_checks": chosen}, "repository": minimal(hub, repo)}


def annotation(hub: Hub, run_row: Row, row: Row) -> dict[str, Any]:
    """One annotation of a run."""
    repo = hub.access.repo_by_id(run_row["repo_id"])
    return {
        "path": row["path"],
        "blob_href": hub.html(f"/{repo['owner_login']}/{repo['name']}/blob/{run_row['head_sha']}/{row['path']}"),
        "start_line": row["start_line"],
        "end_line": row["end_line"],
        "start_column": row["start_column"],
        "end_column": row["end_column"],
        "annotation_level": row["level"],
        "title": row["title"],
        "message": row["message"],
        "raw_details": row["raw_details"],
    }


def status(hub: Hub, repo: Row, row: Row, *, simple: bool = False) -> dict[str, Any]:
    """A commit status; `simple` as the combined status lists it, without its creator."""
    creator = simple_user(hub, row["creator_id"])
    facts: dict[str, Any] = {
        "url": hub.api(f"{repo_path(repo)}/statuses/{row['sha']}"),
        "avatar_url": creator["avatar_url"],
        "id": row["id"],
        "node_id": node_id("StatusContext", row["id"]),
        "state": row["state"],
        "description": row["description"],
        "target_url": row["target_url"],
        "context": row["context"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    return facts if simple else facts | {"creator": creator}

"""From an event to workflow runs: read the workflow files of its commit and queue what it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub.actions import record, subjects
from localhub.actions.state import parsed
from localhub.actions.subjects import ON_DEFAULT_BRANCH, ON_MERGE, Subject
from localhub.actions.workflows import Problem, Trigger, Workflow, is_workflow_path, starts
from localhub.events import Event
from localhub.gitcore import ZERO
from localhub.gitstore import GitRepo, moves
from localhub.render.accounts import simple_user
from localhub.render.repos import webhook

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

EVENTS = ("push", *ON_MERGE, *ON_DEFAULT_BRANCH)


def remember(hub: Hub, event: Event) -> bool:
    """Keep the event until its workflows have been looked at, if there may be any; called inside its transaction."""
    if event.repo is None:
        return False
    if event.name in ON_DEFAULT_BRANCH and event.name not in listened(hub, event.repo):
        return False
    repo = hub.access.repo_by_id(event.repo)
    if repo["parent_id"] is not None:
        return False  # a fork's workflows stay off, as on GitHub until its owner says otherwise
    if event.name not in ON_DEFAULT_BRANCH and not _may_start(hub, repo, event):
        return False
    if event.name in ("check_run", "check_suite") and _of_actions(event.payload):
        return False  # GitHub's guard against workflows that start themselves
    extra: dict[str, Any] = {"repository": webhook(hub, repo), "sender": simple_user(hub, event.sender)}
    if event.action is not None:
        extra["action"] = event.action
    hub.db.insert(
        "workflow_triggers",
        repo_id=event.repo,
        event=event.name,
        action=event.action,
        sender_id=event.sender,
        payload=json.dumps({**event.payload, **extra}),
        base=hub.root,
    )
    return True


def _may_start(hub: Hub, repo: Row, event: Event) -> bool:
    """Whether a commit that a push or a pull request's event is about has workflow files; its merge has no others."""
    git = GitRepo(hub.git_dir(repo))
    if event.pushed is not None:
        return event.pushed.after != ZERO and _has_files(str(git.path), git.resolve(event.pushed.after))
    pull = None if event.pull_id is None else hub.db.get("pulls", event.pull_id)
    if pull is None:
        return True
    base = git.ref(f"refs/heads/{pull['base_ref']}") or pull["base_sha"]
    return any(_has_files(str(git.path), sha) for sha in (pull["head_sha"], base))


@lru_cache(maxsize=4096)
def _has_files(git_dir: str, sha: str | None) -> bool:
    return sha is not None and GitRepo(Path(git_dir)).entry(sha, ".github/workflows") is not None


def _of_actions(payload: Mapping[str, Any]) -> bool:
    told = payload.get("check_run") or payload.get("check_suite") or {}
    return bool((told.get("app") or {}).get("slug") == "github-actions")


def listened(hub: Hub, repo_id: int) -> frozenset[str]:
    """The events that the workflow files of the default branch name: the same as long as no ref moves anywhere."""
    return hub.known.get(("listened", repo_id, moves()), lambda: _listened(hub, repo_id))


def _listened(hub: Hub, repo_id: int) -> frozenset[str]:
    git = GitRepo(hub.git_dir(repo_id))
    sha = git.ref(f"refs/heads/{hub.access.repo_by_id(repo_id)['default_branch']}")
    return _events_of(str(git.path), sha) if sha else frozenset()


@lru_cache(maxsize=512)
def _events_of(git_dir: str, sha: str) -> frozenset[str]:
    found = (one for one in _files(GitRepo(Path(git_dir)), sha) if isinstance(one, Workflow))
    return frozenset(event for one in found for event in one.on)


def look(hub: Hub, row: Row) -> None:
    """Queue the runs that a remembered event starts, and forget it."""
    repo = hub.access.repo_by_id(row["repo_id"])
    found = [
        (one, flow)
        for one in subjects.of(hub, repo, row["event"], row["action"], json.loads(row["payload"]))
        for flow in workflow_files(hub, repo, one.checkout_sha)
    ]
    with hub.tx():
        hub.db.execute("DELETE FROM workflow_triggers WHERE id = ?", row["id"])
        for subject, flow in found:
            if _wanted(flow, subject) and not _disabled(hub, repo, flow.path):
                record.queue(hub, repo, flow, subject, row["sender_id"], row["payload"], row["base"])


def _disabled(hub: Hub, repo: Row, path: str) -> bool:
    """Whether somebody has switched this workflow off."""
    state = hub.db.value("SELECT state FROM workflows WHERE repo_id = ? AND path = ?", repo["id"], path)
    return state not in (None, "active")


def register(hub: Hub, repo: Row) -> None:
    """Know the workflow files of the default branch, also those that never ran."""
    sha = GitRepo(hub.git_dir(repo)).resolve(f"refs/heads/{repo['default_branch']}")
    known = {row["path"] for row in hub.db.rows("SELECT path FROM workflows WHERE repo_id = ?", repo["id"])}
    new = [flow for flow in (workflow_files(hub, repo, sha) if sha else []) if flow.path not in known]
    if new:
        with hub.tx():
            for flow in new:
                record.workflow_row(hub, repo, flow)


def _wanted(flow: Workflow | Problem, subject: Subject) -> bool:
    if isinstance(flow, Problem):
        return subject.event == "push"
    return starts(flow, Trigger(subject.event, subject.filter_ref, subject.action, subject.paths, subject.workflow))


def workflow_files(hub: Hub, repo: Row, sha: str) -> list[Workflow | Problem]:
    """Every workflow file of a commit, parsed."""
    return _files(GitRepo(hub.git_dir(repo)), sha)


def _files(git: GitRepo, sha: str) -> list[Workflow | Problem]:
    folder = git.entry(sha, ".github/workflows")
    if folder is None or folder.type != "tree":
        return []
    found = []
    for entry in git.tree(folder.sha):
        path = f".github/workflows/{entry.path}"
        content = git.blob(entry.sha) if entry.type == "blob" and is_workflow_path(path) else None
        if content is not None:
            found.append(parsed(path, content.decode("utf-8", "replace")))
    return found


def dispatch(hub: Hub, repo: Row, parsed: Workflow, ref: str, sha: str, inputs: Mapping[str, Any], sender: int) -> int:
    """Start a workflow by hand, inside a transaction; the run's id. `inputs` as `state.dispatch_inputs` gives them."""
    told = {"ref": ref, "inputs": dict(inputs) or None, "workflow": parsed.path}
    hub.emit(Event("workflow_dispatch", None, repo["id"], sender, told))
    payload = told | {"repository": webhook(hub, repo), "sender": simple_user(hub, sender)}
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    subject = Subject("workflow_dispatch", None, ref, ref, sha, sha, branch, parsed.name, None)
    return record.queue(hub, repo, parsed, subject, sender, json.dumps(payload), hub.root)

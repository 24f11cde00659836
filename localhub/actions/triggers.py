"""From an event to workflow runs: read the workflow files of its commit and queue what it starts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhub import gitdiff
from localhub.actions import record
from localhub.actions.workflows import Problem, Trigger, Workflow, is_workflow_path, parse, starts
from localhub.gitcore import ZERO, Commit, GitError, Person
from localhub.gitmerge import Conflict, merge_commit
from localhub.gitstore import GitRepo
from localhub.render.accounts import simple_user
from localhub.render.repos import webhook

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.events import Event
    from localhub.hub import Hub

_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """What a run is about: the commit it runs on and the one its checks belong to."""

    event: str
    action: str | None
    ref: str
    filter_ref: str
    checkout_sha: str
    head_sha: str
    head_branch: str | None
    title: str
    pull_number: int | None
    paths: tuple[str, ...] | None


def remember(hub: Hub, event: Event) -> None:
    """Keep the event until its workflows have been looked at; called inside its transaction."""
    if event.repo is None:
        return
    repo = hub.access.repo_by_id(event.repo)
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


def look(hub: Hub, row: Row) -> None:
    """Queue the runs that a remembered event starts, and forget it."""
    repo = hub.access.repo_by_id(row["repo_id"])
    subject = _subject(hub, repo, row["event"], row["action"], json.loads(row["payload"]))
    found = workflow_files(hub, repo, subject.checkout_sha) if subject else []
    with hub.tx():
        hub.db.execute("DELETE FROM workflow_triggers WHERE id = ?", row["id"])
        for parsed in found:
            if subject is not None and _wanted(parsed, subject) and not _disabled(hub, repo, parsed.path):
                record.queue(hub, repo, parsed, subject, row["sender_id"], row["payload"], row["base"])


def _disabled(hub: Hub, repo: Row, path: str) -> bool:
    """Whether somebody has switched this workflow off."""
    state = hub.db.value("SELECT state FROM workflows WHERE repo_id = ? AND path = ?", repo["id"], path)
    return state not in (None, "active")


def register(hub: Hub, repo: Row) -> None:
    """Know the workflow files of the default branch, also those that never ran."""
    sha = GitRepo(hub.git_dir(repo)).resolve(f"refs/heads/{repo['default_branch']}")
    known = {row["path"] for row in hub.db.rows("SELECT path FROM workflows WHERE repo_id = ?", repo["id"])}
    new = [parsed for parsed in (workflow_files(hub, repo, sha) if sha else []) if parsed.path not in known]
    if new:
        with hub.tx():
            for parsed in new:
                record.workflow_row(hub, repo, parsed)


def _wanted(parsed: Workflow | Problem, subject: Subject) -> bool:
    if isinstance(parsed, Problem):
        return subject.event == "push"
    return starts(parsed, Trigger(subject.event, subject.filter_ref, subject.action, subject.paths))


def workflow_files(hub: Hub, repo: Row, sha: str) -> list[Workflow | Problem]:
    """Every workflow file of a commit, parsed."""
    git = GitRepo(hub.git_dir(repo))
    folder = git.entry(sha, ".github/workflows")
    if folder is None or folder.type != "tree":
        return []
    found = []
    for entry in git.tree(folder.sha):
        path = f".github/workflows/{entry.path}"
        content = git.blob(entry.sha) if entry.type == "blob" and is_workflow_path(path) else None
        if content is not None:
            found.append(parse(path, content.decode("utf-8", "replace")))
    return found


def _subject(hub: Hub, repo: Row, event: str, action: str | None, payload: Mapping[str, Any]) -> Subject | None:
    git = GitRepo(hub.git_dir(repo))
    match event:
        case "push":
            return _pushed(git, repo, payload)
        case "pull_request":
            return _pull_request(git, action, payload)
        case _:
            return None


def _pushed(git: GitRepo, repo: Row, payload: Mapping[str, Any]) -> Subject | None:
    ref, after, before = str(payload["ref"]), str(payload["after"]), str(payload["before"])
    commit = git.commit(git.resolve(after) or after) if after != ZERO else None
    if commit is None or _SKIP.search(commit.message):
        return None
    title = commit.message.splitlines()[0] if commit.message else ""
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    base: str | None = before
    if before == ZERO:
        main = git.ref(f"refs/heads/{repo['default_branch']}")
        base = git.merge_base(main, commit.sha) if main and main != commit.sha else None
    paths = _paths(git, base, commit.sha)
    return Subject("push", None, ref, ref, commit.sha, commit.sha, branch, title, None, paths)


def _pull_request(git: GitRepo, action: str | None, payload: Mapping[str, Any]) -> Subject | None:
    pull = payload["pull_request"]
    head, base = pull["head"], pull["base"]
    # The base may have moved since the event was told: GitHub, too, tests against the base as it is.
    base_sha = git.ref(f"refs/heads/{base['ref']}") or base["sha"]
    commit = git.commit(head["sha"])
    if commit is None or _SKIP.search(commit.message):
        return None
    # A closed pull request may have no merge any more; otherwise one that conflicts runs nothing, as on GitHub.
    merged = head["sha"] if action == "closed" else _test_merge(git, pull["number"], base_sha, commit)
    if merged is None:
        return None
    fork = git.merge_base(base_sha, head["sha"])
    return Subject(
        event="pull_request",
        action=action,
        ref=f"refs/pull/{pull['number']}/merge",
        filter_ref=f"refs/heads/{base['ref']}",
        checkout_sha=merged,
        head_sha=head["sha"],
        head_branch=head["ref"],
        title=pull["title"],
        pull_number=pull["number"],
        paths=_paths(git, fork, head["sha"]),
    )


def _test_merge(git: GitRepo, number: int, base: str, head: Commit) -> str | None:
    """refs/pull/N/merge, made anew when it is not of these two commits; None when they conflict."""
    ref = f"refs/pull/{number}/merge"
    known = git.commit(git.ref(ref) or ZERO)
    if known is not None and known.parents == (base, head.sha):
        return known.sha
    who = Person("GitHub", "noreply@github.com", head.committer.date)
    result = merge_commit(git, base, head.sha, who, who, f"Merge {head.sha} into {base}")
    if isinstance(result, Conflict):
        return None
    git.set_ref(ref, result)
    return result


def _paths(git: GitRepo, old: str | None, new: str) -> tuple[str, ...] | None:
    """The files that differ; None when there is nothing to compare with (a forced push over lost history, say)."""
    if old is None:
        return None
    try:
        return tuple(change.path for change in gitdiff.changes(git, old, new, patches=False))
    except GitError:
        return None


def dispatch(hub: Hub, repo: Row, parsed: Workflow, ref: str, sha: str, inputs: Mapping[str, Any], sender: int) -> int:
    """Start a workflow by hand, inside a transaction; the run's id."""
    commit = GitRepo(hub.git_dir(repo)).commit(sha)
    assert commit is not None
    payload = {
        "ref": ref,
        "inputs": dict(inputs),
        "workflow": parsed.path,
        "repository": webhook(hub, repo),
        "sender": simple_user(hub, sender),
    }
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    subject = Subject("workflow_dispatch", None, ref, ref, sha, sha, branch, parsed.name, None, None)
    return record.queue(hub, repo, parsed, subject, sender, json.dumps(payload), hub.root)

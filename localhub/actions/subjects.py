"""What an event is about for workflows: the commit to run on, the one its checks belong to, the filters' words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhub import gitdiff
from localhub.gitcore import ZERO, Commit, GitError, Person
from localhub.gitmerge import Conflict, merge_commit
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
#: Events whose workflows are those of the default branch's last commit (docs, "Events that trigger workflows").
ON_DEFAULT_BRANCH = (
    "branch_protection_rule", "check_run", "check_suite", "create", "delete", "fork", "issue_comment", "issues",
    "label", "milestone", "public", "release", "repository_dispatch", "schedule", "status", "watch", "workflow_run",
)  # fmt: skip
#: Of a pull request, on the merge of its head and base.
ON_MERGE = ("pull_request", "pull_request_review", "pull_request_review_comment")


@dataclass(frozen=True)
class Subject:
    """What a run is about."""

    event: str
    action: str | None
    ref: str
    filter_ref: str
    checkout_sha: str
    head_sha: str
    head_branch: str | None
    title: str
    pull_number: int | None
    paths: tuple[str, ...] | None = None
    from_fork: bool = False
    workflow: str | None = None


def of(hub: Hub, repo: Row, event: str, action: str | None, payload: Mapping[str, Any]) -> list[Subject]:
    """The subjects of an event: none when it starts nothing, two for a pull request (`pull_request_target`)."""
    git = GitRepo(hub.git_dir(repo))
    if event in ON_DEFAULT_BRANCH:
        found = [_on_default_branch(hub, git, repo, event, action, payload)]
    elif event == "push":
        found = [_pushed(git, repo, payload)]
    else:
        found = [_pull_request(git, repo, event, action, payload)]
        if event == "pull_request":
            found.append(_pull_request_target(git, action, payload))
    return [one for one in found if one is not None]


def _on_default_branch(
    hub: Hub, git: GitRepo, repo: Row, event: str, action: str | None, payload: Mapping[str, Any]
) -> Subject | None:
    branch = repo["default_branch"]
    ref, sha = f"refs/heads/{branch}", git.ref(f"refs/heads/{branch}")
    if sha is None:
        return None
    told = payload.get("workflow_run") if event == "workflow_run" else None
    if told and _chain(hub, told["id"]) >= _CHAIN:
        return None
    return Subject(
        event=event,
        action=action,
        ref=ref,
        filter_ref=f"refs/heads/{told['head_branch']}" if told else ref,
        checkout_sha=sha,
        head_sha=sha,
        head_branch=branch,
        title=_title(git, event, payload, sha),
        pull_number=None,
        workflow=told["name"] if told else payload.get("schedule"),
    )


#: A run started by a run started by a run may start no other (docs, `workflow_run`: "chain more than three levels").
_CHAIN = 3


def _chain(hub: Hub, run_id: int) -> int:
    """How many runs stand behind a run, itself counted."""
    length = 1
    while length < _CHAIN:
        cause = hub.db.value(
            """SELECT json_extract(payload, '$.workflow_run.id') FROM workflow_runs
               WHERE id = ? AND event = 'workflow_run'""",
            run_id,
        )
        if cause is None:
            return length
        run_id, length = cause, length + 1
    return length


def _title(git: GitRepo, event: str, payload: Mapping[str, Any], sha: str) -> str:
    """What GitHub calls a run: after the issue, the type of a dispatch, else the commit."""
    if event in ("issues", "issue_comment"):
        return str(payload["issue"]["title"])
    if event == "repository_dispatch":
        return str(payload.get("action"))
    commit = git.commit(sha)
    return commit.message.splitlines()[0] if commit and commit.message else event


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


def _pull_request(
    git: GitRepo, repo: Row, event: str, action: str | None, payload: Mapping[str, Any]
) -> Subject | None:
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
        event=event,
        action=action,
        ref=f"refs/pull/{pull['number']}/merge",
        filter_ref=f"refs/heads/{base['ref']}",
        checkout_sha=merged,
        head_sha=head["sha"],
        head_branch=head["ref"],
        title=pull["title"],
        pull_number=pull["number"],
        paths=_paths(git, fork, head["sha"]),
        from_fork=_from_fork(repo, pull),
    )


def _from_fork(repo: Row, pull: Mapping[str, Any]) -> bool:
    other = pull["head"].get("repo")
    return not other or other["id"] != repo["id"]


def _pull_request_target(git: GitRepo, action: str | None, payload: Mapping[str, Any]) -> Subject | None:
    """The same event with the files of the base, which is trusted: it sees secrets even for a fork."""
    pull = payload["pull_request"]
    ref = f"refs/heads/{pull['base']['ref']}"
    sha = git.ref(ref)
    if sha is None or git.commit(pull["head"]["sha"]) is None:
        return None
    fork = git.merge_base(sha, pull["head"]["sha"])
    return Subject(
        event="pull_request_target",
        action=action,
        ref=ref,
        filter_ref=ref,
        checkout_sha=sha,
        head_sha=sha,
        head_branch=pull["base"]["ref"],
        title=pull["title"],
        pull_number=pull["number"],
        paths=_paths(git, fork, pull["head"]["sha"]),
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

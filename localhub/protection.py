"""What a branch demands: classic protection and rulesets, read into one `Rules`, and the judgement of a direct push."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhub.gitcore import RefChange
from localhub.libgit import Elsewhere
from localhub.libgitdiff import brings_none_above

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

ADMIN_ROLE = 5  # GitHub's number for the repository role "admin"
WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True)
class Rules:
    """The sum of everything that applies to one branch. `checks` are (context, app id or None for any app)."""

    checks: tuple[tuple[str, int | None], ...] = ()
    strict: bool = False
    pull_request: bool = False
    approvals: int = 0
    dismiss_stale: bool = False
    resolve_threads: bool = False
    linear: bool = False
    allow_force: bool = True
    allow_delete: bool = True
    for_admins: bool = True


def protection(hub: Hub, repo_id: int, branch: str) -> dict[str, Any] | None:
    """The classic protection's settings, as they were PUT."""
    found = hub.db.value("SELECT settings FROM protections WHERE repo_id = ? AND branch = ?", repo_id, branch)
    return None if found is None else json.loads(found)


def protect(hub: Hub, repo: Row, branch: str, settings: Mapping[str, Any] | None) -> None:
    """Set a branch's classic protection, as a PUT has it; None takes it away."""
    with hub.tx():
        hub.db.execute("DELETE FROM protections WHERE repo_id = ? AND branch = ?", repo["id"], branch)
        if settings is not None:
            hub.db.insert("protections", repo_id=repo["id"], branch=branch, settings=json.dumps(settings))


def rulesets(hub: Hub, repo: Row, branch: str, enforcement: str = "active") -> list[Row]:
    """The rulesets in force that match the branch."""
    sql = "SELECT * FROM rulesets WHERE repo_id = ? AND enforcement = ? ORDER BY id"
    rows, ref = hub.db.rows(sql, repo["id"], enforcement), f"refs/heads/{branch}"
    return [row for row in rows if _matches(json.loads(row["conditions"]), ref, repo["default_branch"])]


def _matches(conditions: Mapping[str, Any], ref: str, default: str) -> bool:
    names = conditions.get("ref_name") or {}

    def hit(pattern: str) -> bool:
        if pattern == "~ALL":
            return True
        return ref == f"refs/heads/{default}" if pattern == "~DEFAULT_BRANCH" else fnmatch.fnmatchcase(ref, pattern)

    return any(map(hit, names.get("include", []))) and not any(map(hit, names.get("exclude", [])))


def _bypasses(hub: Hub, repo: Row, row: Row, actor: Actor) -> bool:
    """Whether a ruleset lets the actor pass: its app (Integration) or its role is on the bypass list."""
    admin = actor.kind == "user" and hub.access.role(repo, actor.account_id) == "admin"
    for each in json.loads(row["bypass_actors"]):
        kind, number = each.get("actor_type"), each.get("actor_id")
        if kind == "Integration" and actor.kind == "installation" and number == actor.app_id:
            return True
        if admin and (kind == "OrganizationAdmin" or (kind == "RepositoryRole" and number == ADMIN_ROLE)):
            return True
    return False


def rules_for(hub: Hub, repo: Row, branch: str, actor: Actor | None = None) -> Rules | None:
    """What the branch demands (of this actor, whom rulesets may let pass), None when it is free."""
    parts = []
    own = protection(hub, repo["id"], branch)
    if own is not None:
        parts.append(classic(own))
    for row in rulesets(hub, repo, branch):
        if actor is None or not _bypasses(hub, repo, row, actor):
            parts.append(_ruleset(json.loads(row["rules"])))
    if not parts:
        return None
    return Rules(
        checks=tuple(dict.fromkeys(check for part in parts for check in part.checks)),
        strict=any(part.strict for part in parts),
        pull_request=any(part.pull_request for part in parts),
        approvals=max(part.approvals for part in parts),
        dismiss_stale=any(part.dismiss_stale for part in parts),
        resolve_threads=any(part.resolve_threads for part in parts),
        linear=any(part.linear for part in parts),
        allow_force=all(part.allow_force for part in parts),
        allow_delete=all(part.allow_delete for part in parts),
        for_admins=any(part.for_admins for part in parts),
    )


def classic(settings: Mapping[str, Any]) -> Rules:
    """The rules of a classic protection."""
    checks = settings.get("required_status_checks") or {}
    reviews = settings.get("required_pull_request_reviews")
    named = [(str(c["context"]), _app(c.get("app_id"))) for c in checks.get("checks") or []]
    named += [(str(c), None) for c in checks.get("contexts") or [] if c not in [name for name, _ in named]]
    return Rules(
        checks=tuple(named),
        strict=bool(checks.get("strict")),
        pull_request=reviews is not None,
        approvals=int((reviews or {}).get("required_approving_review_count", 1)) if reviews is not None else 0,
        dismiss_stale=bool((reviews or {}).get("dismiss_stale_reviews")),
        resolve_threads=bool(settings.get("required_conversation_resolution")),
        linear=bool(settings.get("required_linear_history")),
        allow_force=bool(settings.get("allow_force_pushes")),
        allow_delete=bool(settings.get("allow_deletions")),
        for_admins=bool(settings.get("enforce_admins")),
    )


def _app(value: Any) -> int | None:
    return None if value in (None, -1) else int(value)


def _ruleset(rules: Sequence[Mapping[str, Any]]) -> Rules:
    by_type = {rule["type"]: rule.get("parameters") or {} for rule in rules}
    checks = by_type.get("required_status_checks", {})
    pull = by_type.get("pull_request")
    return Rules(
        checks=tuple(
            (str(c["context"]), _app(c.get("integration_id"))) for c in checks.get("required_status_checks", [])
        ),
        strict=bool(checks.get("strict_required_status_checks_policy")),
        pull_request=pull is not None,
        approvals=int((pull or {}).get("required_approving_review_count", 0)),
        dismiss_stale=bool((pull or {}).get("dismiss_stale_reviews_on_push")),
        resolve_threads=bool((pull or {}).get("required_review_thread_resolution")),
        linear="required_linear_history" in by_type,
        allow_force="non_fast_forward" not in by_type,
        allow_delete="deletion" not in by_type,
    )


def check_states(hub: Hub, repo_id: int, sha: str) -> dict[tuple[str, int | None], str]:
    """The newest outcome of every check run and status on a commit: success, pending or failure.

    Keys are (name, app id), with None for statuses.
    """
    states: dict[tuple[str, int | None], str] = {}
    sql = "SELECT name, app_id, status, conclusion FROM check_runs WHERE repo_id = ? AND head_sha = ? ORDER BY id"
    for run in hub.db.rows(sql, repo_id, sha):
        good = run["conclusion"] in ("success", "neutral", "skipped")
        done = "success" if good else "failure"
        states[run["name"], run["app_id"]] = done if run["status"] == "completed" else "pending"
    sql = "SELECT context, state FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id"
    for row in hub.db.rows(sql, repo_id, sha):
        states[row["context"], None] = {"success": "success", "pending": "pending"}.get(row["state"], "failure")
    return states


def missing_checks(hub: Hub, repo_id: int, sha: str, rules: Rules) -> list[str]:
    """The required checks that are not green on the commit."""
    states = check_states(hub, repo_id, sha)

    def green(context: str, app: int | None) -> bool:
        found = [state for (name, by), state in states.items() if name == context and app in (None, by)]
        return bool(found) and all(state == "success" for state in found)

    return [context for context, app in rules.checks if not green(context, app)]


def refusals(hub: Hub, repo: Row, actor: Actor, git: GitRepo, changes: Sequence[RefChange]) -> list[str]:
    """Why a direct move of refs may not happen, in the words that git clients show; none when it may."""
    return [sentence for change in changes for sentence in _refuse(hub, repo, actor, git, change)]


def _refuse(hub: Hub, repo: Row, actor: Actor, git: GitRepo, change: RefChange) -> list[str]:
    if change.ref.startswith("refs/pull/"):
        return [f"error: {change.ref} is managed by the server"]
    if not change.deleted:
        hidden = _too_large(git, change.new, hub.limits.settings.object_bytes) or _workflows(repo, actor, git, change)
        if hidden:
            return hidden
    if not change.ref.startswith("refs/heads/") or change.created:
        return []
    branch = change.ref.removeprefix("refs/heads/")
    if change.deleted and branch == repo["default_branch"]:
        return [f"error: refusing to delete the current branch: {change.ref}"]
    rules = rules_for(hub, repo, branch, actor)
    if rules is None:
        return []
    why = _broken(hub, repo, actor, git, change, rules)
    heading = [f"GH006: Protected branch update failed for {change.ref}."] if why else []
    return [f"error: {line}" for line in heading + why]


def _broken(hub: Hub, repo: Row, actor: Actor, git: GitRepo, change: RefChange, rules: Rules) -> list[str]:
    if change.deleted:
        return [] if rules.allow_delete else ["Cannot delete this branch"]
    forced = not git.is_ancestor(change.old, change.new)
    if forced and not rules.allow_force:
        return ["Cannot force-push to this branch"]
    admin = actor.kind == "user" and hub.access.role(repo, actor.account_id) == "admin"
    if admin and not rules.for_admins:
        return []
    why = []
    if rules.pull_request:
        why.append("Changes must be made through a pull request.")
    missing = missing_checks(hub, repo["id"], change.new, rules)
    if missing:
        total = len(rules.checks)
        named = f'Required status check "{missing[0]}" is expected.'
        why.append(named if total == 1 else f"{len(missing)} of {total} required status checks are expected.")
    if rules.linear and git.log([change.new], [change.old], "--merges", "--max-count=1"):
        why.append("This branch must not contain merge commits.")
    return why


def _too_large(git: GitRepo, new: str, most: int) -> list[str]:
    """GH001 for each new file of more than `most` bytes, by name and size."""
    if not git.extra:
        with suppress(Elsewhere):
            if brings_none_above(git.path, new, most):
                return []
    limit = ["--objects", f"--filter=blob:limit={most + 1}", "--filter-print-omitted"]
    listed = git.git("rev-list", *limit, new, "--not", "--all").decode(errors="replace").splitlines()
    big = {line[1:] for line in listed if line.startswith("~")}
    if not big:
        return []
    rows = git.git("rev-list", "--objects", new, "--not", "--all").decode(errors="replace").splitlines()
    named = [row.partition(" ") for row in rows if row[:40] in big]
    sizes = {sha: size / 1024**2 for sha, _, size in git.kinds([sha for sha, _, _ in named])}
    return [
        "error: See https://gh.io/lfs for more information.",
        *(
            f"error: File {path or sha} is {sizes[sha]:.2f} MB; this exceeds GitHub's file size limit of "
            f"{most / 1024**2:.2f} MB"
            for sha, _, path in named
        ),
        "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    ]


def _workflows(repo: Row, actor: Actor, git: GitRepo, change: RefChange) -> list[str]:
    """Apps need `workflows` to bring in a workflow file that is not in the repository already."""
    if not actor.is_bot or actor.permissions.get("workflows") == "write":
        return []
    pushed = _workflow_files(git, change.new)
    if not pushed:
        return []
    known: set[tuple[str, str]] = set()
    for at in (change.old if not change.created else None, git.ref(f"refs/heads/{repo['default_branch']}")):
        if at and at.strip("0"):
            known |= _workflow_files(git, at)
    fresh = sorted(path for path, sha in pushed - known)
    return [
        f"error: refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
        for path in fresh
    ]


def _workflow_files(git: GitRepo, commit: str) -> set[tuple[str, str]]:
    if git.entry(commit, WORKFLOWS.rstrip("/")) is None:
        return set()
    listed = git.git("ls-tree", "-r", "-z", commit, WORKFLOWS).decode(errors="replace").split("\0")
    rows = [row.split("\t", 1) for row in listed if row]
    return {(path, meta.split()[2]) for meta, path in rows}

"""What a branch demands: classic protection and rulesets, read into one `Rules`; direct pushes: `pushrules.py`."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

ADMIN_ROLE = 5  # GitHub's number for the repository role "admin"


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
    allow_create: bool = True
    allow_update: bool = True
    methods: frozenset[str] | None = None
    """The ways to merge that rulesets leave; None for all."""
    for_admins: bool = True
    by_rulesets: bool = False
    """Rulesets alone make them: GitHub refuses in other words then."""


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


def _guarded(hub: Hub, repo_id: int) -> bool:
    """Whether any branch of the repository may have rules."""
    return any(
        hub.db.value(f"SELECT 1 FROM {table} WHERE repo_id = ? LIMIT 1", repo_id)  # noqa: S608
        for table in ("protections", "rulesets")
    )


def rules_for(hub: Hub, repo: Row, branch: str, actor: Actor | None = None) -> Rules | None:
    """What the branch demands (of this actor, whom rulesets may let pass), None when it is free."""
    if not hub.known.get(("guarded", repo["id"]), lambda: _guarded(hub, repo["id"])):
        return None
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
        allow_create=all(part.allow_create for part in parts),
        allow_update=all(part.allow_update for part in parts),
        methods=_left([part.methods for part in parts if part.methods is not None]),
        for_admins=any(part.for_admins for part in parts),
        by_rulesets=all(part.by_rulesets for part in parts),
    )


def _left(several: Sequence[frozenset[str]]) -> frozenset[str] | None:
    return frozenset.intersection(*several) if several else None


def worded(rules: Rules, why: Sequence[str]) -> str:
    """Why something is refused, as the API says it."""
    if not rules.by_rulesets:
        return " ".join(why)
    return "Repository rule violations found\n\n" + "".join(f"{each}\n\n" for each in why)


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
        allow_create="creation" not in by_type,
        allow_update="update" not in by_type,
        methods=frozenset(pull["allowed_merge_methods"]) if pull and pull.get("allowed_merge_methods") else None,
        by_rulesets=True,
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

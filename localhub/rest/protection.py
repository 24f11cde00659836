"""Branch protection and rulesets over REST."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import protection
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, field, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.ids import node_id
from localhub.refs import git_of
from localhub.render import git as render

RULES = {
    "creation", "update", "deletion", "required_linear_history", "required_signatures", "pull_request",
    "required_status_checks", "non_fast_forward",
}  # fmt: skip


class Protect(BaseModel):
    required_status_checks: dict[str, Any] | None
    enforce_admins: bool | None
    required_pull_request_reviews: dict[str, Any] | None
    restrictions: dict[str, Any] | None
    required_linear_history: bool | None = None
    allow_force_pushes: bool | None = None
    allow_deletions: bool | None = None
    block_creations: bool | None = None
    required_conversation_resolution: bool | None = None
    lock_branch: bool | None = None
    allow_fork_syncing: bool | None = None


class Ruleset(BaseModel):
    name: str | None = None
    target: str = "branch"
    enforcement: str | None = None
    bypass_actors: list[dict[str, Any]] | None = None
    conditions: dict[str, Any] | None = None
    rules: list[dict[str, Any]] | None = None


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    root = "/repos/{owner}/{name}"

    def administer(owner: str, name: str, level: str = "write") -> Row:
        return hub.access.repo(owner, name, "administration", level, role="admin")

    def guarded(repo: Row, branch: str) -> dict[str, Any]:
        if git_of(hub, repo).ref(f"refs/heads/{branch}") is None:
            raise GitHubError(404, "Branch not found")
        found = protection.protection(hub, repo["id"], branch)
        if found is None:
            raise GitHubError(404, "Branch not protected")
        return found

    @api.get(root + "/branches/{branch:path}/protection")
    def get(owner: str, name: str, branch: str) -> Response:
        repo = administer(owner, name, "read")
        return reply(shown(hub, repo, branch, guarded(repo, branch)))

    @api.put(root + "/branches/{branch:path}/protection")
    def put(owner: str, name: str, branch: str, wanted: Protect) -> Response:
        repo = administer(owner, name)
        if git_of(hub, repo).ref(f"refs/heads/{branch}") is None:
            raise GitHubError(404, "Branch not found")
        if wanted.restrictions is not None:
            raise invalid("Validation Failed", "Only organization repositories can have users and team restrictions")
        values = wanted.model_dump()
        protection.protect(hub, repo, branch, values)
        return reply(shown(hub, repo, branch, values))

    @api.delete(root + "/branches/{branch:path}/protection")
    def delete(owner: str, name: str, branch: str) -> Response:
        repo = administer(owner, name)
        guarded(repo, branch)
        protection.protect(hub, repo, branch, None)
        return reply(None, 204)

    @api.get(root + "/rules/branches/{branch:path}")
    def rules(owner: str, name: str, branch: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name)
        source = {"ruleset_source_type": "Repository", "ruleset_source": f"{owner}/{name}"}
        rows = [
            {**rule, **source, "ruleset_id": row["id"]}
            for row in protection.rulesets(hub, repo, branch)
            for rule in json.loads(row["rules"])
        ]
        return paging.reply(paging.slice(rows), len(rows))

    def one(repo: Row, ruleset_id: int) -> Row:
        row = hub.db.row("SELECT * FROM rulesets WHERE id = ? AND repo_id = ?", ruleset_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    @api.get(root + "/rulesets")
    def rulesets(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name)
        rows = hub.db.rows("SELECT * FROM rulesets WHERE repo_id = ? ORDER BY id", repo["id"])
        return paging.reply([ruleset(hub, repo, row, brief=True) for row in paging.slice(rows)], len(rows))

    @api.post(root + "/rulesets")
    def create(owner: str, name: str, wanted: Ruleset) -> Response:
        repo = administer(owner, name)
        if not wanted.name or wanted.enforcement is None:
            raise invalid('Invalid request.\n\n"name" and "enforcement" must be supplied.')
        check(wanted)
        now = hub.now()
        with hub.tx():
            ruleset_id = hub.db.insert(
                "rulesets", repo_id=repo["id"], created_at=now, updated_at=now,
                **{"conditions": "{}", "rules": "[]", **columns(wanted)},
            )  # fmt: skip
        return reply(ruleset(hub, repo, one(repo, ruleset_id)), 201)

    @api.get(root + "/rulesets/{ruleset_id}")
    def get_ruleset(owner: str, name: str, ruleset_id: int) -> Response:
        repo = hub.access.repo(owner, name)
        return reply(ruleset(hub, repo, one(repo, ruleset_id)))

    @api.put(root + "/rulesets/{ruleset_id}")
    def change(owner: str, name: str, ruleset_id: int, wanted: Ruleset) -> Response:
        repo = administer(owner, name)
        row = one(repo, ruleset_id)
        check(wanted)
        with hub.tx():
            hub.db.update("rulesets", row["id"], updated_at=hub.now(), **columns(wanted))
        return reply(ruleset(hub, repo, one(repo, ruleset_id)))

    @api.delete(root + "/rulesets/{ruleset_id}")
    def remove(owner: str, name: str, ruleset_id: int) -> Response:
        repo = administer(owner, name)
        row = one(repo, ruleset_id)
        with hub.tx():
            hub.db.execute("DELETE FROM rulesets WHERE id = ?", row["id"])
        return reply(None, 204)

    return api


def check(wanted: Ruleset) -> None:
    """422 for what localhub does not enforce, rather than taking it silently."""
    unknown = sorted({str(rule.get("type")) for rule in wanted.rules or []} - RULES)
    if unknown:
        raise invalid("Validation Failed", field("Ruleset", "rules", "invalid", f"unknown rule {unknown[0]}"))
    if wanted.enforcement not in (None, "active", "disabled", "evaluate"):
        raise invalid("Validation Failed", field("Ruleset", "enforcement", "invalid"))
    if wanted.target != "branch":
        raise invalid("Validation Failed", field("Ruleset", "target", "invalid", "localhub has branch rulesets only"))


def columns(wanted: Ruleset) -> dict[str, Any]:
    values = wanted.model_dump(exclude={"target"}, exclude_none=True)
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def ruleset(hub: Hub, repo: Row, row: Row, *, brief: bool = False) -> dict[str, Any]:
    """`RepositoryRuleset`; lists leave conditions and rules out."""
    own = render.api(hub, repo, f"/rulesets/{row['id']}")
    data = {
        "id": row["id"],
        "node_id": node_id("Ruleset", row["id"]),
        "name": row["name"],
        "target": "branch",
        "source_type": "Repository",
        "source": render.name_of(repo),
        "enforcement": row["enforcement"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "_links": {"self": {"href": own}, "html": {"href": render.html(hub, repo, f"/rules/{row['id']}")}},
    }
    if brief:
        return data
    whole = {key: json.loads(row[key]) for key in ("conditions", "rules", "bypass_actors")}
    may = hub.access.allowed(current_actor(), repo, "administration", "write", role="admin")
    return (
        data | whole | {"current_user_can_bypass": "never"}
        if may
        else data | {key: whole[key] for key in ("conditions", "rules")}
    )


def shown(hub: Hub, repo: Row, branch: str, values: dict[str, Any]) -> dict[str, Any]:
    """`BranchProtection`, from the settings of the PUT."""
    url = render.api(hub, repo, f"/branches/{quote(branch)}/protection")
    data: dict[str, Any] = {
        "url": url,
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": bool(values["enforce_admins"])},
    }
    for key in ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations",
                "required_conversation_resolution", "lock_branch", "allow_fork_syncing"):  # fmt: skip
        data[key] = {"enabled": bool(values[key])}
    checks, reviews = values["required_status_checks"], values["required_pull_request_reviews"]
    if checks is not None:
        named = [{"context": c["context"], "app_id": c.get("app_id")} for c in checks.get("checks") or []]
        named += [{"context": c, "app_id": None} for c in checks.get("contexts") or []]
        data["required_status_checks"] = {
            "url": f"{url}/required_status_checks",
            "strict": bool(checks.get("strict")),
            "contexts": [each["context"] for each in named],
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": named,
        }
    if reviews is not None:
        data["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
            "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
            "required_approving_review_count": int(reviews.get("required_approving_review_count", 1)),
            "require_last_push_approval": bool(reviews.get("require_last_push_approval")),
        }
    return data

"""What a repository's administrators set: what it is, who may do what, what its branches demand, which apps see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub import collaborators, protection, repositories
from localhub.context import current_actor
from localhub.errors import invalid, not_found
from localhub.pages import shapes
from localhub.pages.repository import branch_names
from localhub.pages.web import FormDep, Posted, Web, home, to
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

SWITCHES = {
    "has_issues": "Issues",
    "allow_merge_commit": "Allow merge commits",
    "allow_squash_merge": "Allow squash merging",
    "allow_rebase_merge": "Allow rebase merging",
    "allow_auto_merge": "Allow auto-merge",
    "allow_update_branch": "Always suggest updating pull request branches",
    "delete_branch_on_merge": "Delete head branches after merging",
}
DEMANDS = {
    "enforce_admins": "Do not allow bypassing these settings, not even by administrators",
    "required_linear_history": "Require linear history: no merge commits",
    "required_conversation_resolution": "Require that conversations are resolved before merging",
    "allow_force_pushes": "Allow force pushes",
    "allow_deletions": "Allow deleting the branch",
}


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    hub = web.hub
    root = "/{owner}/{name}/settings"

    def administer(owner: str, name: str) -> Row:
        web.user()
        return hub.access.repo(owner, name, "administration", "write", role="admin")

    def show(request: Request, template: str, repo: Row, part: str, **values: Any) -> Response:
        return web.page(request, template, repo=repo, tab="settings", part=part, **values)

    @api.get(root)
    def general(owner: str, name: str, request: Request) -> Response:
        repo = administer(owner, name)
        names = branch_names(git_of(hub, repo))
        return show(request, "settings.html", repo, "general", switches=SWITCHES, branches=names)

    @api.post(root)
    def change(owner: str, name: str, form: FormDep) -> Response:
        """`do`: save, rename, visibility, archive or delete."""
        repo, by = administer(owner, name), current_actor().account_id
        match form.text("do"):
            case "rename":
                repositories.change(hub, repo, {"name": form.text("name").strip()}, by=by)
            case "visibility":
                repositories.change(hub, repo, {"private": not repo["private"]}, by=by)
            case "archive":
                repositories.change(hub, repo, {"archived": not repo["archived"]}, by=by)
            case "delete":
                if form.text("confirm").strip() != home(repo)[1:]:
                    raise invalid(f"To delete it, write its full name: {home(repo)[1:]}.")
                repositories.delete(hub, repo, by=by)
                return to(f"/{owner}")
            case _:
                repositories.change(hub, repo, _general(form), by=by)
        return to(f"{home(hub.access.repo_by_id(repo['id']))}/settings")

    @api.get(root + "/access")
    def access(owner: str, name: str, request: Request) -> Response:
        repo = administer(owner, name)
        rows = hub.db.rows(
            "SELECT a.*, c.role FROM collaborators c JOIN accounts a ON a.id = c.account_id WHERE repo_id = ? "
            "ORDER BY a.login",
            repo["id"],
        )
        taken = {row["id"] for row in rows} | {repo["owner_id"]}
        people = hub.db.rows("SELECT id, login FROM accounts WHERE type = 'User' ORDER BY login LIMIT 200")
        return show(
            request, "settings_access.html", repo, "access", rows=rows, roles=collaborators.ROLES,
            others=[each["login"] for each in people if each["id"] not in taken], owner_row=_owner(hub, repo),
        )  # fmt: skip

    @api.post(root + "/access")
    def give(owner: str, name: str, form: FormDep) -> Response:
        repo = administer(owner, name)
        account = hub.db.row("SELECT * FROM accounts WHERE login = ? AND type = 'User'", form.text("login").strip())
        if account is None:
            raise invalid(f"There is no user {form.text('login')!r} here.")
        if form.text("do") == "remove":
            collaborators.remove(hub, repo, account)
        else:
            collaborators.give(hub, repo, account, form.text("role"))
        return to(f"{home(repo)}/settings/access")

    @api.get(root + "/branches")
    def branches(owner: str, name: str, request: Request) -> Response:
        repo = administer(owner, name)
        rows = hub.db.rows("SELECT * FROM protections WHERE repo_id = ? ORDER BY branch", repo["id"])
        rulesets = hub.db.rows("SELECT * FROM rulesets WHERE repo_id = ? ORDER BY id", repo["id"])
        kept = {row["branch"] for row in rows}
        return show(
            request, "settings_branches.html", repo, "branches",
            rows=[(row["branch"], _words(json.loads(row["settings"]))) for row in rows],
            rulesets=[_ruleset(row) for row in rulesets],
            others=[each for each in branch_names(git_of(hub, repo)) if each not in kept],
        )  # fmt: skip

    @api.get(root + "/rules/{ruleset_id:int}")
    @api.get("/{owner}/{name}/rules/{ruleset_id:int}")
    def ruleset(owner: str, name: str, ruleset_id: int, request: Request) -> Response:
        repo = hub.access.repo(owner, name)
        row = hub.db.row("SELECT * FROM rulesets WHERE id = ? AND repo_id = ?", ruleset_id, repo["id"])
        if row is None:
            raise not_found()
        return show(request, "ruleset.html", repo, "branches", rule=_ruleset(row))

    @api.get(root + "/branch")
    def one(owner: str, name: str, request: Request) -> Response:
        """The protection of the branch in `name`, to be changed."""
        repo, branch = administer(owner, name), request.query_params.get("name", "")
        found = protection.protection(hub, repo["id"], branch)
        if found is None and branch not in branch_names(git_of(hub, repo)):
            raise not_found()
        checks = (found or {}).get("required_status_checks") or {}
        named = [*checks.get("contexts", []), *(each["context"] for each in checks.get("checks") or [])]
        return show(
            request, "settings_branch.html", repo, "branches", branch=branch, found=found, demands=DEMANDS,
            names=list(dict.fromkeys(named)), strict=bool(checks.get("strict")), seen=_checks_seen(hub, repo),
            reviews=(found or {}).get("required_pull_request_reviews"),
        )  # fmt: skip

    @api.post(root + "/branch")
    def protect(owner: str, name: str, form: FormDep) -> Response:
        repo, branch = administer(owner, name), form.text("name")
        if form.text("do") == "remove":
            protection.protect(hub, repo, branch, None)
        elif branch not in branch_names(git_of(hub, repo)):
            raise not_found()
        else:
            protection.protect(hub, repo, branch, _settings(form, protection.protection(hub, repo["id"], branch)))
        return to(f"{home(repo)}/settings/branches")

    @api.get(root + "/installations")
    def installations(owner: str, name: str, request: Request) -> Response:
        repo = administer(owner, name)
        rows = hub.db.rows(
            """SELECT i.*, p.name, p.slug FROM installations i JOIN apps p ON p.id = i.app_id WHERE i.account_id = ?
               ORDER BY p.slug""",
            repo["owner_id"],
        )
        seen = [(row, repo["id"] in hub.access.installed(row["id"])) for row in rows]
        return show(request, "settings_apps.html", repo, "apps", rows=seen)


def _owner(hub: Hub, repo: Row) -> dict[str, Any]:
    return shapes.person(hub, repo["owner_id"])


def _general(form: Posted) -> dict[str, Any]:
    values: dict[str, Any] = {key: form.text(key) == "1" for key in SWITCHES}
    values |= {key: form.text(key).strip() or None for key in ("description", "homepage")}
    if form.text("default_branch"):
        values["default_branch"] = form.text("default_branch")
    return values


def _settings(form: Posted, old: dict[str, Any] | None) -> dict[str, Any]:
    """A protection as a PUT has it; what the form does not show stays."""
    kept = {"restrictions": None, "block_creations": False, "lock_branch": False, "allow_fork_syncing": False}
    values: dict[str, Any] = {**kept, **(old or {})} | {key: form.text(key) == "1" for key in DEMANDS}
    names = [line.strip() for line in form.text("contexts").split("\n") if line.strip()]
    before = (old or {}).get("required_status_checks") or {}
    apps = {each["context"]: each for each in before.get("checks") or []}
    values["required_status_checks"] = None
    if form.text("checks") == "1":
        values["required_status_checks"] = {
            "strict": form.text("strict") == "1",
            "contexts": [each for each in names if each not in apps],
            "checks": [apps[each] for each in names if each in apps],
        }
    values["required_pull_request_reviews"] = None
    if form.text("reviews") == "1":
        values["required_pull_request_reviews"] = {
            **((old or {}).get("required_pull_request_reviews") or {}),
            "required_approving_review_count": min(form.number("approvals"), 6),
            "dismiss_stale_reviews": form.text("dismiss_stale") == "1",
        }
    return values


def _checks_seen(hub: Hub, repo: Row) -> list[str]:
    """Names of checks and statuses that this repository had lately, to choose from."""
    rows = hub.db.rows(
        """SELECT name FROM (SELECT name FROM check_runs WHERE repo_id = ? ORDER BY id DESC LIMIT 500)
           UNION SELECT context FROM (SELECT context FROM statuses WHERE repo_id = ? ORDER BY id DESC LIMIT 500)
           ORDER BY 1""",
        repo["id"],
        repo["id"],
    )
    return [row["name"] for row in rows]


def _words(settings: dict[str, Any]) -> list[str]:
    """A protection in a few words each."""
    rules = protection.classic(settings)
    found = [f"{len(rules.checks)} required checks" if len(rules.checks) != 1 else "1 required check"] * bool(
        rules.checks
    )
    if rules.strict:
        found.append("branches must be up to date")
    if rules.pull_request:
        found.append(f"{rules.approvals} approvals" if rules.approvals != 1 else "1 approval")
    if rules.resolve_threads:
        found.append("conversations resolved")
    if rules.linear:
        found.append("linear history")
    return [*found, *["no bypassing"] * rules.for_admins]


def _ruleset(row: Row) -> dict[str, Any]:
    names = (json.loads(row["conditions"]).get("ref_name") or {}).get("include", [])
    rules = json.loads(row["rules"])
    return {
        "id": row["id"], "name": row["name"], "enforcement": row["enforcement"], "branches": names,
        "rules": [(str(each["type"]).replace("_", " "), json.dumps(each.get("parameters") or {})) for each in rules],
    }  # fmt: skip

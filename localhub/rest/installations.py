"""Installations: found by an app's JWT, made into tokens; and what a token may ask about itself."""

from __future__ import annotations

import json
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from localhub import auth
from localhub.auth import LEVELS
from localhub.clock import iso
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, forbidden, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.installing import suspend, uninstall, unsuspend
from localhub.render import apps as render
from localhub.render import repos
from localhub.rest.apps import current_app
from localhub.versions import is_first

TOKEN_SECONDS = 3600
MAX_REPOSITORIES = 500


class TokenRequest(BaseModel):
    """What of the installation the token shall have; `{}` or nothing means all that was granted."""

    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, str] | None = None


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    def own(installation_id: int) -> Row:
        app = current_app(hub)
        found = db.row("SELECT * FROM installations WHERE id = ? AND app_id = ?", installation_id, app["id"])
        if found is None:
            raise not_found()
        return found

    @api.get("/app/installations")
    def listing(paging: PageDep) -> Response:
        rows = db.rows("SELECT * FROM installations WHERE app_id = ? ORDER BY id", current_app(hub)["id"])
        return paging.reply([render.installation(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/app/installations/{installation_id}")
    def get(installation_id: int) -> Response:
        return reply(render.installation(hub, own(installation_id)))

    @api.delete("/app/installations/{installation_id}")
    def delete(installation_id: int) -> Response:
        uninstall(hub, own(installation_id), by=current_actor().account_id)
        return reply(None, 204) if is_first() else reply({}, 202)

    @api.put("/app/installations/{installation_id}/suspended")
    def suspend_it(installation_id: int) -> Response:
        suspend(hub, own(installation_id), by=current_actor().account_id)
        return reply(None, 204)

    @api.delete("/app/installations/{installation_id}/suspended")
    def unsuspend_it(installation_id: int) -> Response:
        unsuspend(hub, own(installation_id), by=current_actor().account_id)
        return reply(None, 204)

    @api.post("/app/installations/{installation_id}/access_tokens")
    def access_token(installation_id: int, wanted: TokenRequest | None = None) -> Response:
        installation = own(installation_id)
        if installation["suspended_at"]:
            raise forbidden("This installation has been suspended")
        wanted = wanted or TokenRequest()
        permissions = _permissions(json.loads(installation["permissions"]), wanted.permissions or {})
        chosen = _chosen(hub, installation_id, wanted)
        app = current_app(hub)
        expires = iso(hub.clock.now() + timedelta(seconds=TOKEN_SECONDS))
        token = hub.access.mint(
            "installation",
            app["bot_id"],
            installation_id=installation_id,
            permissions=permissions,
            repositories=chosen,
            seconds=TOKEN_SECONDS,
        )
        data = {
            "token": token,
            "expires_at": expires,
            "permissions": permissions,
            "repository_selection": "selected" if chosen is not None else installation["repository_selection"],
        }
        if chosen is not None:
            data["repositories"] = [repos.minimal(hub, hub.access.repo_by_id(each)) for each in chosen]
        return reply(data, 201)

    _found(api, hub)
    _of_token(api, hub)
    return api


def _found(api: APIRouter, hub: Hub) -> None:
    """The installation of a repository or account."""
    db = hub.db

    def found_for(account_id: int, repo_id: int | None = None) -> Response:
        app = current_app(hub)
        row = db.row("SELECT * FROM installations WHERE app_id = ? AND account_id = ?", app["id"], account_id)
        if row is None or (repo_id is not None and repo_id not in hub.access.installed(row["id"], repo_id)):
            raise not_found()
        return reply(render.installation(hub, row))

    @api.get("/repos/{owner}/{name}/installation")
    def of_repository(owner: str, name: str) -> Response:
        repo = hub.access.repo_row(owner, name)
        if repo is None:
            moved = db.value("SELECT repo_id FROM repo_redirects WHERE full_name = ?", f"{owner}/{name}")
            if moved is not None:
                location = hub.api(f"/repositories/{moved}")
                raise GitHubError(301, "Moved Permanently", headers={"Location": location})
            raise not_found()
        return found_for(repo["owner_id"], repo["id"])

    @api.get("/repositories/{repo_id}/installation")
    def of_repository_id(repo_id: int) -> Response:
        repo = hub.access.repo_by_id(repo_id)
        return found_for(repo["owner_id"], repo["id"])

    @api.get("/users/{login}/installation")
    @api.get("/orgs/{login}/installation")
    def of_account(login: str) -> Response:
        account = db.row("SELECT id FROM accounts WHERE login = ?", login)
        if account is None:
            raise not_found()
        return found_for(account["id"])


def _of_token(api: APIRouter, hub: Hub) -> None:
    """What a token may ask about itself."""
    db = hub.db

    @api.get("/installation/repositories")
    def repositories(paging: PageDep) -> Response:
        actor = current_actor()
        if actor.installation_id is None:
            raise forbidden("You must authenticate with an installation access token in order to list repositories "
                            "for an installation.")  # fmt: skip
        ids = [
            each
            for each in hub.access.installed(actor.installation_id)
            if actor.repositories is None or each in actor.repositories
        ]
        rows = [hub.access.repo_by_id(each) for each in paging.slice(ids)]
        selection = db.get("installations", actor.installation_id)["repository_selection"]
        wrap = {"total_count": len(ids), "repository_selection": selection}
        return paging.reply([repos.minimal(hub, row) for row in rows], len(ids), wrap, "repositories")

    @api.delete("/installation/token")
    def revoke(request: Request) -> Response:
        if current_actor().installation_id is None:
            raise forbidden("You must authenticate with an installation access token")
        auth.revoke(hub, auth.credential(request.headers["authorization"]) or "")
        return reply(None, 204)


def _permissions(granted: dict[str, str], asked: dict[str, str]) -> dict[str, str]:
    if not asked:
        return granted
    for name, level in asked.items():
        if LEVELS.get(granted.get(name, ""), 0) < LEVELS.get(level, 99):
            raise invalid("The permissions requested are not granted to this installation.")
    return asked | {"metadata": "read"}


def _chosen(hub: Hub, installation_id: int, wanted: TokenRequest) -> list[int] | None:
    """Ids of the repositories that the token is narrowed to; None for all."""
    names, ids = wanted.repositories or [], wanted.repository_ids or []
    if not names and not ids:
        return None
    if len(names) + len(ids) > MAX_REPOSITORIES:
        raise invalid(f"Too many repositories: at most {MAX_REPOSITORIES} can be listed.")
    rows = [hub.access.repo_by_id(each) for each in hub.access.installed(installation_id)]
    by_name = {row["name"].lower(): row["id"] for row in rows}
    known = {row["id"] for row in rows}
    if any(name.lower() not in by_name for name in names) or any(each not in known for each in ids):
        raise invalid(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return sorted({by_name[name.lower()] for name in names} | set(ids))

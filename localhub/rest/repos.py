"""Repositories: reading, settings, renaming; collaborators and their permissions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from localhub import collaborators, repositories
from localhub.access import RANK
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import forbidden, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import accounts
from localhub.render import repos as render

_LEGACY = {"none": "none", "read": "read", "triage": "read", "write": "write", "maintain": "write", "admin": "admin"}
_ASKED = {"pull": "read", "push": "write", "triage": "triage", "maintain": "maintain", "admin": "admin"}


class CreateRepo(BaseModel):
    name: str
    description: str | None = None
    homepage: str | None = None
    private: bool = False
    auto_init: bool = False


class ChangeRepo(BaseModel):
    name: str | None = None
    description: str | None = None
    homepage: str | None = None
    private: bool | None = None
    visibility: str | None = None
    default_branch: str | None = None
    archived: bool | None = None
    has_issues: bool | None = None
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None
    allow_auto_merge: bool | None = None
    allow_update_branch: bool | None = None
    delete_branch_on_merge: bool | None = None


class AddCollaborator(BaseModel):
    permission: str = "push"


class Onward(Response):
    """The answer to the same request at another path of this application."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        there = {key: value for key, value in scope.items() if key != "path_params"}
        await scope["app"](there | {"path": self._path, "raw_path": self._path.encode()}, receive, send)


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    @api.get("/repos/{owner}/{name}")
    def get(owner: str, name: str) -> Response:
        return reply(render.full(hub, hub.access.repo(owner, name)))

    @api.api_route("/repositories/{repo_id}{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def by_id(repo_id: int, rest: str) -> Response:
        """What redirects of renamed repositories point to, answered in place: clients follow one, and not two."""
        repo = hub.access.repo_by_id(repo_id)
        if not hub.access.sees(current_actor(), repo):
            raise not_found()
        return Onward(f"/repos/{repo['owner_login']}/{repo['name']}{rest}")

    @api.patch("/repos/{owner}/{name}")
    def change(owner: str, name: str, wanted: ChangeRepo) -> Response:
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        given = wanted.model_dump(exclude_unset=True)
        values = {key: value for key, value in given.items() if value is not None or key in ("description", "homepage")}
        if repo["archived"] and values.get("archived") is not False:
            raise forbidden("Repository was archived so is read-only.")
        visibility = values.pop("visibility", None)
        if visibility is not None:
            values["private"] = visibility != "public"
        repositories.change(hub, repo, values, by=current_actor().account_id)
        return reply(render.full(hub, hub.access.repo_by_id(repo["id"])))

    @api.delete("/repos/{owner}/{name}")
    def delete(owner: str, name: str) -> Response:
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        repositories.delete(hub, repo, by=current_actor().account_id)
        return reply(None, 204)

    @api.post("/user/repos")
    def create(wanted: CreateRepo) -> Response:
        actor = hub.access.user()
        if actor.kind != "user":
            raise forbidden()
        return _create(actor.account_id, wanted)

    @api.post("/orgs/{login}/repos")
    def create_in_org(login: str, wanted: CreateRepo) -> Response:
        org = db.row("SELECT * FROM accounts WHERE login = ? AND type = 'Organization'", login)
        if org is None:
            raise not_found()
        if hub.access.member(org["id"], hub.access.user().account_id) is None:
            raise forbidden("You need admin access to the organization before adding a repository to it.")
        return _create(org["id"], wanted)

    def _create(owner_id: int, wanted: CreateRepo) -> Response:
        by = current_actor().account_id
        repo = repositories.create(hub, owner_id, wanted.name, by=by, **wanted.model_dump(exclude={"name"}))
        return reply(render.full(hub, repo), 201)

    @api.get("/user/repos")
    def mine(paging: PageDep) -> Response:
        actor = hub.access.user()
        if actor.kind != "user":
            raise forbidden()
        rows = [
            row
            for each in db.rows("SELECT id FROM repos ORDER BY id")
            if (row := hub.access.repo_by_id(each["id"]))["owner_id"] == actor.account_id
            or RANK[hub.access.role(row, actor.account_id)] > RANK["read"]
            or (row["private"] and hub.access.sees(actor, row))
        ]
        return paging.reply([render.minimal(hub, row) for row in paging.slice(rows)], len(rows))

    _collaborators(api, hub)
    return api


def _collaborators(api: APIRouter, hub: Hub) -> None:
    db = hub.db

    def account(login: str) -> Row:
        found = db.row("SELECT * FROM accounts WHERE login = ?", login)
        if found is None:
            raise not_found()
        return found

    @api.get("/repos/{owner}/{name}/collaborators")
    def listing(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "metadata", role="write")
        rows = [row for row in db.rows("SELECT * FROM accounts ORDER BY id") if _listed(hub, repo, row["id"])]
        return paging.reply([_collaborator(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.get("/repos/{owner}/{name}/collaborators/{login}")
    def check(owner: str, name: str, login: str) -> Response:
        repo = hub.access.repo(owner, name, "metadata", role="write")
        if not _listed(hub, repo, account(login)["id"]):
            raise not_found()
        return reply(None, 204)

    @api.get("/repos/{owner}/{name}/collaborators/{login}/permission")
    def permission(owner: str, name: str, login: str) -> Response:
        repo = hub.access.repo(owner, name, "metadata", role="write")
        user = db.row("SELECT * FROM accounts WHERE login = ?", login)
        if user is None or user["type"] == "Bot":
            # An app is no collaborator, whatever it may do.
            raise not_found()
        role = hub.access.role(repo, user["id"])
        return reply({"permission": _LEGACY[role], "role_name": role, "user": _collaborator(hub, repo, user)})

    @api.put("/repos/{owner}/{name}/collaborators/{login}")
    def add(owner: str, name: str, login: str, wanted: AddCollaborator | None = None) -> Response:
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        user, asked = account(login), (wanted or AddCollaborator()).permission
        role = _ASKED.get(asked, asked)
        if role not in collaborators.ROLES:
            raise invalid(f"{asked} is not a valid permission.")
        collaborators.give(hub, repo, user, role)
        return reply(None, 204)

    @api.delete("/repos/{owner}/{name}/collaborators/{login}")
    def remove(owner: str, name: str, login: str) -> Response:
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        collaborators.remove(hub, repo, account(login))
        return reply(None, 204)


def _listed(hub: Hub, repo: Row, account_id: int) -> bool:
    return hub.access.association(repo, account_id) in ("OWNER", "MEMBER", "COLLABORATOR")


def _collaborator(hub: Hub, repo: Row, user: Row) -> dict[str, Any]:
    role = hub.access.role(repo, user["id"])
    names = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    return accounts.simple_user(hub, user) | {
        "permissions": {name: RANK[role] >= RANK[needed] for name, needed in names.items()},
        "role_name": role,
    }

"""Users and organisations."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import ANONYMOUS, forbidden, not_found, unauthorized
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import accounts, repos


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    db = hub.db

    def account(login: str) -> Row:
        found = db.row("SELECT * FROM accounts WHERE login = ?", login)
        if found is None:
            raise not_found()
        return found

    @api.get("/user")
    def me() -> Response:
        actor = current_actor()
        if actor.kind == "anonymous":
            raise unauthorized(ANONYMOUS)
        if actor.kind != "user":
            raise forbidden()
        return reply(accounts.private_user(hub, actor.account_id))

    @api.get("/users/{login}")
    def user(login: str) -> Response:
        return reply(accounts.public_user(hub, account(login)))

    @api.get("/user/{account_id:int}")
    def user_by_id(account_id: int) -> Response:
        found = db.row("SELECT * FROM accounts WHERE id = ?", account_id)
        if found is None:
            raise not_found()
        return reply(accounts.public_user(hub, found))

    @api.get("/user/orgs")
    def my_organizations(paging: PageDep) -> Response:
        actor = hub.access.user()
        if actor.kind != "user":
            raise forbidden()
        sql = "SELECT a.* FROM org_members m JOIN accounts a ON a.id = m.org_id WHERE m.account_id = ? ORDER BY a.id"
        rows = db.rows(sql, actor.account_id)
        return paging.reply([accounts.organization(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/orgs/{login}")
    def organization(login: str) -> Response:
        found = account(login)
        if found["type"] != "Organization":
            raise not_found()
        return reply(accounts.full_organization(hub, found))

    @api.get("/orgs/{login}/members")
    def members(login: str, paging: PageDep) -> Response:
        rows = db.rows(
            "SELECT a.* FROM org_members m JOIN accounts a ON a.id = m.account_id WHERE m.org_id = ? ORDER BY a.id",
            account(login)["id"],
        )
        return paging.reply([accounts.simple_user(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/orgs/{login}/members/{member}")
    def membership(login: str, member: str) -> Response:
        if hub.access.member(account(login)["id"], account(member)["id"]) is None:
            raise not_found()
        return reply(None, 204)

    def repositories(owner_id: int, paging: PageDep) -> Response:
        rows = [
            row
            for each in db.rows("SELECT id FROM repos WHERE owner_id = ? ORDER BY name", owner_id)
            if hub.access.sees(current_actor(), row := hub.access.repo_by_id(each["id"]))
        ]
        return paging.reply([repos.minimal(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/users/{login}/repos")
    def user_repositories(login: str, paging: PageDep) -> Response:
        return repositories(account(login)["id"], paging)

    @api.get("/orgs/{login}/repos")
    def org_repositories(login: str, paging: PageDep) -> Response:
        return repositories(account(login)["id"], paging)

    return api

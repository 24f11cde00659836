"""Apps: what each is, where it is installed, installing and changing that, and the page of the manifest flow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from localhub import installing
from localhub.context import current_actor
from localhub.errors import forbidden, invalid, not_found
from localhub.pages import shapes
from localhub.pages.deliveries import owns
from localhub.pages.web import FormDep, Posted, Web, to

if TYPE_CHECKING:
    from localhub.db import Row


def find(web: Web, slug: str) -> Row:
    row = web.hub.db.row("SELECT * FROM apps WHERE slug = ?", slug)
    if row is None:
        raise not_found()
    return row


def installations(web: Web, row: Row) -> list[tuple[Row, bool]]:
    """Each installation of an app, with whether who looks may configure it."""
    rows = web.hub.db.rows(
        """SELECT i.*, a.login FROM installations i JOIN accounts a ON a.id = i.account_id WHERE app_id = ?
           ORDER BY a.login""",
        row["id"],
    )
    return [(each, owns(web, each["account_id"])) for each in rows]


def _repos(web: Web, account_id: int) -> list[Row]:
    return web.hub.db.rows("SELECT id, name FROM repos WHERE owner_id = ? ORDER BY name LIMIT 500", account_id)


def _chosen(web: Web, form: Posted, account_id: int) -> list[int]:
    own = {row["id"] for row in _repos(web, account_id)}
    chosen = [int(each) for each in form.all("repos") if each.isdigit() and int(each) in own]
    if not chosen:
        raise invalid("Choose at least one repository, or all of them.")
    return chosen


def shared_routes(api: APIRouter, web: Web) -> None:
    """What an app is, and installing it: the API has the first address too."""
    hub = web.hub

    @api.get("/apps/{slug}")
    def public(slug: str, request: Request) -> Response:
        row = find(web, slug)
        return web.page(
            request, "app.html", app=row, owner=shapes.person(hub, row["owner_id"]), own=owns(web, row["owner_id"]),
            permissions=json.loads(row["permissions"]), events=json.loads(row["events"]),
            installed=[each for each, may in installations(web, row) if may], free=_free(row),
        )  # fmt: skip

    def _free(row: Row) -> list[Row]:
        """Accounts of who looks on which the app is not installed."""
        taken = {each["account_id"] for each, _ in installations(web, row)}
        everyone = hub.db.rows("SELECT * FROM accounts WHERE type <> 'Bot' ORDER BY type DESC, login")
        return [each for each in everyone if each["id"] not in taken and owns(web, each["id"])]

    @api.get("/apps/{slug}/installations/new")
    def choose(slug: str, request: Request) -> Response:
        web.user()
        row = find(web, slug)
        accounts = [(each, _repos(web, each["id"])) for each in _free(row)]
        return web.page(request, "install.html", app=row, accounts=accounts, permissions=json.loads(row["permissions"]))

    @api.post("/apps/{slug}/installations/new")
    def install(slug: str, form: FormDep) -> Response:
        web.user()
        row, account = find(web, slug), form.number("account")
        if not any(each["id"] == account for each in _free(row)):
            raise forbidden("You may not install it there, or it is installed already.")
        chosen = None if form.text("selection") == "all" else _chosen(web, form, account)
        made = installing.install(hub, row, account, repositories=chosen, by=current_actor().account_id)
        return to(f"/settings/installations/{made['id']}")


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    @api.get("/settings/apps")
    @api.get("/settings/installations")
    def mine(request: Request) -> Response:
        web.user()
        rows = hub.db.rows("SELECT * FROM apps ORDER BY slug")
        installed = hub.db.rows(
            """SELECT i.*, a.login, p.slug, p.name FROM installations i JOIN accounts a ON a.id = i.account_id
               JOIN apps p ON p.id = i.app_id ORDER BY i.id"""
        )
        return web.page(
            request, "apps.html", apps=[row for row in rows if owns(web, row["owner_id"])],
            installations=[row for row in installed if owns(web, row["account_id"])],
            others=[row for row in rows if not owns(web, row["owner_id"]) and row["slug"] != "github-actions"],
        )  # fmt: skip

    @api.get("/settings/apps/new")
    @api.get("/organizations/{org}/settings/apps/new")
    def manifest(request: Request, org: str = "") -> Response:
        """Where a manifest can be pasted; GitHub's flow posts one here from elsewhere."""
        web.user()
        return web.page(request, "app_new.html", action=request.url.path)

    @api.get("/settings/apps/{slug}")
    def one(slug: str, request: Request) -> Response:
        web.user()
        row = find(web, slug)
        if not owns(web, row["owner_id"]):
            owner = hub.db.get("accounts", row["owner_id"])["login"]
            raise forbidden(f"The settings of {row['slug']} are shown to its owner alone: act as {owner}.")
        last = hub.db.rows("SELECT * FROM deliveries WHERE app_id = ? ORDER BY id DESC LIMIT 5", row["id"])
        return web.page(
            request, "app_settings.html", app=row, permissions=json.loads(row["permissions"]),
            events=json.loads(row["events"]), installed=installations(web, row), last=last,
        )  # fmt: skip

    @api.get("/settings/installations/{installation_id:int}")
    @api.get("/organizations/{org}/settings/installations/{installation_id:int}")
    def installation(request: Request, installation_id: int, org: str = "") -> Response:
        row = own(installation_id)
        app = hub.db.get("apps", row["app_id"])
        asked = {key: level for key, level in json.loads(app["permissions"]).items()}
        granted = json.loads(row["permissions"])
        return web.page(
            request, "installation.html", row=row, app=app, permissions=granted, events=json.loads(row["events"]),
            repos=[hub.access.repo_by_id(each) for each in hub.access.installed(row["id"])],
            every=_repos(web, row["account_id"]), asked=asked if asked != granted else None,
        )  # fmt: skip

    def own(installation_id: int) -> Row:
        web.user()
        row = hub.db.row("SELECT * FROM installations WHERE id = ?", installation_id)
        if row is None or not owns(web, row["account_id"]):
            raise not_found()
        return row

    @api.post("/settings/installations/{installation_id:int}/{do}")
    def change(installation_id: int, do: str, form: FormDep) -> Response:
        """`do`: suspend, unsuspend, uninstall, accept (what the app asks for by now) or repositories."""
        row, by = own(installation_id), current_actor().account_id
        match do:
            case "suspend":
                installing.suspend(hub, row, by=by)
            case "unsuspend":
                installing.unsuspend(hub, row, by=by)
            case "uninstall":
                installing.uninstall(hub, row, by=by)
                return to("/settings/installations")
            case "accept":
                app = hub.db.get("apps", row["app_id"])
                installing.change_permissions(
                    hub, row, json.loads(app["permissions"]), json.loads(app["events"]), by=by
                )
            case "repositories":
                chosen, before = _chosen(web, form, row["account_id"]), hub.access.installed(row["id"])
                gone = [each for each in before if each not in chosen]
                installing.change_repositories(hub, row, add=chosen, remove=gone, by=by)
            case _:
                raise not_found()
        return to(f"/settings/installations/{installation_id}")

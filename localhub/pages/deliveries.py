"""What was sent to apps: each delivery with its request and answer, to be sent again with a click."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub import installing
from localhub.context import current_actor
from localhub.errors import forbidden, not_found
from localhub.http import PageDep
from localhub.pages.web import FormDep, Web, to

if TYPE_CHECKING:
    from localhub.db import Row

PAYLOAD = 200_000  # characters of a payload shown on the page


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    hub = web.hub

    def may(account_id: int) -> bool:
        """Who owns the app or installation, or administers the organisation that does."""
        actor = current_actor()
        owns = actor.account_id == account_id or hub.access.member(account_id, actor.account_id) == "admin"
        return actor.kind == "user" and owns

    def app_of(slug: str) -> Row:
        web.user()
        app = hub.db.row("SELECT * FROM apps WHERE slug = ?", slug)
        if app is None:
            raise not_found()
        if not may(app["owner_id"]):
            owner = hub.db.get("accounts", app["owner_id"])["login"]
            raise forbidden(f"Deliveries of {app['slug']} are shown to its owner alone: act as {owner}.")
        return app

    @api.get("/apps/{slug}")
    def app(slug: str, request: Request) -> Response:
        return RedirectResponse(f"/settings/apps/{slug}")

    @api.get("/settings/apps")
    @api.get("/settings/installations")
    def apps(request: Request) -> Response:
        web.user()
        rows = [row for row in hub.db.rows("SELECT * FROM apps ORDER BY slug") if may(row["owner_id"])]
        installed = hub.db.rows(
            """SELECT i.*, a.login, p.slug, p.name FROM installations i JOIN accounts a ON a.id = i.account_id
               JOIN apps p ON p.id = i.app_id ORDER BY i.id"""
        )
        mine = [row for row in installed if may(row["account_id"])]
        return web.page(request, "apps.html", apps=rows, installations=mine)

    @api.get("/settings/installations/{installation_id:int}")
    @api.get("/organizations/{org}/settings/installations/{installation_id:int}")
    def installation(request: Request, installation_id: int, org: str = "") -> Response:
        row = own(installation_id)
        repos = [hub.access.repo_by_id(each) for each in hub.access.installed(row["id"])]
        return web.page(
            request, "installation.html", row=row, app=hub.db.get("apps", row["app_id"]), repos=repos,
            permissions=json.loads(row["permissions"]), events=json.loads(row["events"]),
        )  # fmt: skip

    def own(installation_id: int) -> Row:
        web.user()
        row = hub.db.row("SELECT * FROM installations WHERE id = ?", installation_id)
        if row is None or not may(row["account_id"]):
            raise not_found()
        return row

    @api.post("/settings/installations/{installation_id:int}/{do}")
    def change(installation_id: int, do: str, form: FormDep) -> Response:
        row, by = own(installation_id), current_actor().account_id
        match do:
            case "suspend":
                installing.suspend(hub, row, by=by)
            case "unsuspend":
                installing.unsuspend(hub, row, by=by)
            case "uninstall":
                installing.uninstall(hub, row, by=by)
                return to("/settings/installations")
            case _:
                raise not_found()
        return to(f"/settings/installations/{installation_id}")

    @api.get("/settings/apps/{slug}")
    @api.get("/settings/apps/{slug}/advanced")
    def listed(slug: str, request: Request, paging: PageDep) -> Response:
        row = app_of(slug)
        event = request.query_params.get("event", "")
        failed = request.query_params.get("failed") == "1"
        where = """FROM deliveries WHERE app_id = ? AND (? = '' OR event = ?)
                   AND (NOT ? OR (delivered_at IS NOT NULL AND status_code NOT BETWEEN 200 AND 399))"""
        values = (row["id"], event, event, int(failed))
        total = hub.db.value(f"SELECT COUNT(*) {where}", *values)
        rows = hub.db.rows(
            f"""SELECT id, guid, event, action, redelivery, queued_at, delivered_at, duration, status, status_code
                {where} ORDER BY id DESC LIMIT ? OFFSET ?""",
            *values,
            paging.limit,
            paging.offset,
        )
        events = hub.db.rows("SELECT DISTINCT event FROM deliveries WHERE app_id = ? ORDER BY event", row["id"])
        return web.page(
            request, "deliveries.html", app=row, rows=rows, total=total, event=event, failed=failed, paging=paging,
            events=[each["event"] for each in events],
        )  # fmt: skip

    def delivery_of(app_row: Row, delivery_id: int) -> Row:
        found = hub.db.row("SELECT * FROM deliveries WHERE id = ? AND app_id = ?", delivery_id, app_row["id"])
        if found is None:
            raise not_found()
        return found

    @api.get("/settings/apps/{slug}/deliveries/{delivery_id:int}")
    def one(slug: str, delivery_id: int, request: Request) -> Response:
        row = app_of(slug)
        found = delivery_of(row, delivery_id)
        text = json.dumps(json.loads(found["payload"]), indent=2, ensure_ascii=False)
        return web.page(
            request, "delivery.html", app=row, row=found, payload=text[:PAYLOAD], cut=len(text) > PAYLOAD,
            sent=json.loads(found["request_headers"] or "{}"), got=json.loads(found["response_headers"] or "{}"),
        )  # fmt: skip

    @api.post("/settings/apps/{slug}/deliveries/{delivery_id:int}")
    def redeliver(slug: str, delivery_id: int, form: FormDep) -> Response:
        row = app_of(slug)
        again = hub.webhooks.redeliver(delivery_of(row, delivery_id))
        return to(f"/settings/apps/{slug}/deliveries/{again}")

"""What was sent to apps and to repositories' webhooks: each delivery with its request and answer, to be sent again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub.context import current_actor
from localhub.errors import forbidden, not_found
from localhub.events import WEBHOOKS
from localhub.http import PageDep
from localhub.pages.web import FormDep, Web, home, to
from localhub.rest.hooks import NewHook, make

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.http import Paging

PAYLOAD = 200_000  # characters of a payload shown on the page


@dataclass(frozen=True)
class Target:
    """Who was sent what: an app, or a webhook of a repository (then `repo` frames the page). `base` is its address."""

    title: str
    url: str | None
    base: str
    column: str
    id: int
    events: list[str]
    repo: Row | None = None

    @property
    def frame(self) -> dict[str, Any]:
        return {"target": self, **({"repo": self.repo, "tab": "settings", "part": "hooks"} if self.repo else {})}


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    def app_of(slug: str) -> Target:
        web.user()
        app = hub.db.row("SELECT * FROM apps WHERE slug = ?", slug)
        if app is None:
            raise not_found()
        if not owns(web, app["owner_id"]):
            owner = hub.db.get("accounts", app["owner_id"])["login"]
            raise forbidden(f"Deliveries of {app['slug']} are shown to its owner alone: act as {owner}.")
        base = f"/settings/apps/{app['slug']}"
        return Target(str(app["name"]), app["webhook_url"], base, "app_id", app["id"], json.loads(app["events"]))

    def hook_of(owner: str, name: str, hook_id: int) -> Target:
        web.user()
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        row = hub.db.row("SELECT * FROM hooks WHERE id = ? AND repo_id = ?", hook_id, repo["id"])
        if row is None:
            raise not_found()
        base = f"{home(repo)}/settings/hooks/{hook_id}"
        return Target(f"webhook {hook_id}", row["url"], base, "hook_id", hook_id, json.loads(row["events"]), repo)

    @api.get("/settings/apps/{slug}/advanced")
    def of_app(slug: str, request: Request, paging: PageDep) -> Response:
        return listed(web, request, app_of(slug), paging)

    @api.get("/settings/apps/{slug}/deliveries/{delivery_id:int}")
    def one_of_app(slug: str, delivery_id: int, request: Request) -> Response:
        return one(web, request, app_of(slug), delivery_id)

    @api.post("/settings/apps/{slug}/deliveries/{delivery_id:int}")
    def again_to_app(slug: str, delivery_id: int, form: FormDep) -> Response:
        return again(web, app_of(slug), delivery_id)

    root = "/{owner}/{name}/settings/hooks"

    @api.get(root)
    def hooks(owner: str, name: str, request: Request) -> Response:
        web.user()
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        rows = hub.db.rows("SELECT * FROM hooks WHERE repo_id = ? ORDER BY id", repo["id"])
        return web.page(
            request, "settings_hooks.html", repo=repo, tab="settings", part="hooks",
            rows=[(row, json.loads(row["events"])) for row in rows],
        )  # fmt: skip

    @api.post(root)
    def change(owner: str, name: str, form: FormDep) -> Response:
        """Make a webhook, or with `remove` take the one of this id away."""
        web.user()
        repo = hub.access.repo(owner, name, "administration", "write", role="admin")
        if form.has("remove"):
            with hub.tx():
                hub.db.execute("DELETE FROM hooks WHERE id = ? AND repo_id = ?", form.number("remove"), repo["id"])
            return to(f"{home(repo)}/settings/hooks")
        config = {
            "url": form.text("url").strip(), "secret": form.text("secret") or None,
            "content_type": "form" if form.text("content_type") == "form" else "json",
        }  # fmt: skip
        events = re.findall(r"[^\s,]+", form.text("events")) or ["push"]
        row = make(hub, repo, NewHook.model_validate({"config": config, "events": list(dict.fromkeys(events))}))
        return to(f"{home(repo)}/settings/hooks/{row['id']}")

    @api.get(root + "/{hook_id:int}")
    def of_hook(owner: str, name: str, hook_id: int, request: Request, paging: PageDep) -> Response:
        return listed(web, request, hook_of(owner, name, hook_id), paging)

    @api.get(root + "/{hook_id:int}/deliveries/{delivery_id:int}")
    def one_of_hook(owner: str, name: str, hook_id: int, delivery_id: int, request: Request) -> Response:
        return one(web, request, hook_of(owner, name, hook_id), delivery_id)

    @api.post(root + "/{hook_id:int}/deliveries/{delivery_id:int}")
    def again_to_hook(owner: str, name: str, hook_id: int, delivery_id: int, form: FormDep) -> Response:
        return again(web, hook_of(owner, name, hook_id), delivery_id)


def owns(web: Web, account_id: int) -> bool:
    """Who is the account, or administers the organisation that it is."""
    actor = current_actor()
    own = actor.account_id == account_id or web.hub.access.member(account_id, actor.account_id) == "admin"
    return actor.kind == "user" and own


def listed(web: Web, request: Request, target: Target, paging: Paging) -> Response:
    hub = web.hub
    event = request.query_params.get("event", "")
    failed = request.query_params.get("failed") == "1"
    where = f"""FROM deliveries WHERE {target.column} = ? AND (? = '' OR event = ?)
                AND (NOT ? OR (delivered_at IS NOT NULL AND status_code NOT BETWEEN 200 AND 399))"""
    values = (target.id, event, event, int(failed))
    total = hub.db.value(f"SELECT COUNT(*) {where}", *values)
    rows = hub.db.rows(
        f"""SELECT id, guid, event, action, redelivery, queued_at, delivered_at, duration, status, status_code
            {where} ORDER BY id DESC LIMIT ? OFFSET ?""",
        *values,
        paging.limit,
        paging.offset,
    )
    heard = WEBHOOKS if "*" in target.events else target.events
    chosen = sorted({*heard, event, *(["ping"] if target.repo else [])} - {""})
    return web.page(
        request, "deliveries.html", rows=rows, total=total, event=event, failed=failed, paging=paging, events=chosen,
        **target.frame,
    )  # fmt: skip


def _delivery(web: Web, target: Target, delivery_id: int) -> Row:
    sql = f"SELECT * FROM deliveries WHERE id = ? AND {target.column} = ?"  # noqa: S608
    found = web.hub.db.row(sql, delivery_id, target.id)
    if found is None:
        raise not_found()
    return found


def one(web: Web, request: Request, target: Target, delivery_id: int) -> Response:
    found = _delivery(web, target, delivery_id)
    text = json.dumps(json.loads(found["payload"]), indent=2, ensure_ascii=False)
    return web.page(
        request, "delivery.html", row=found, payload=text[:PAYLOAD], cut=len(text) > PAYLOAD,
        sent=json.loads(found["request_headers"] or "{}"), got=json.loads(found["response_headers"] or "{}"),
        **target.frame,
    )  # fmt: skip


def again(web: Web, target: Target, delivery_id: int) -> Response:
    made = web.hub.webhooks.redeliver(_delivery(web, target, delivery_id))
    return to(f"{target.base}/deliveries/{made}")

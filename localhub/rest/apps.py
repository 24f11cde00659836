"""What an app asks with its JWT: itself, its hook's deliveries; and the manifest flow's conversion."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub.clock import parse_iso
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import field, invalid, not_found, unauthorized
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import apps as render
from localhub.rest.deliveries import listing, may_be_sent_again


class HookConfig(BaseModel):
    url: str | None = None
    secret: str | None = None
    content_type: Literal["json", "form"] | None = None
    insecure_ssl: str | int | float | None = None


def current_app(hub: Hub) -> Row:
    """The app whose JWT this request carries; 401 for any other credential."""
    actor = current_actor()
    if actor.kind != "app" or actor.app_id is None:
        raise unauthorized("A JSON web token could not be decoded")
    return hub.db.get("apps", actor.app_id)


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    def delivery(delivery_id: int) -> Row:
        found = db.row("SELECT * FROM deliveries WHERE id = ? AND app_id = ?", delivery_id, current_app(hub)["id"])
        if found is None:
            raise not_found()
        return found

    @api.get("/app")
    def get_app() -> Response:
        return reply(render.integration(hub, current_app(hub), counted=True))

    @api.get("/apps/{slug}")
    def by_slug(slug: str) -> Response:
        found = db.row("SELECT * FROM apps WHERE slug = ?", slug)
        if found is None:
            raise not_found()
        return reply(render.integration(hub, found))

    @api.get("/app/hook/config")
    def hook_config() -> Response:
        return reply(_config(current_app(hub)))

    @api.patch("/app/hook/config")
    def change_hook_config(change: HookConfig) -> Response:
        app = current_app(hub)
        values = change.model_dump(exclude_none=True)
        if not str(values.get("url", "http://")).startswith(("http://", "https://")):
            raise invalid("Validation Failed", field("Hook", "url", "custom", "url is not a valid URL"))
        if "insecure_ssl" in values:
            values["insecure_ssl"] = "1" if str(values["insecure_ssl"]) in ("1", "1.0") else "0"
        with hub.tx():
            db.update("apps", app["id"], **{f"webhook_{name}": value for name, value in values.items()})
        return reply(_config(current_app(hub)))

    @api.get("/app/hook/deliveries")
    def deliveries(paging: PageDep, cursor: str | None = None, status: str | None = None) -> Response:
        return listing(hub, "app_id", current_app(hub)["id"], "/app/hook/deliveries", paging, cursor, status)

    @api.get("/app/hook/deliveries/{delivery_id}")
    def get_delivery(delivery_id: int) -> Response:
        return reply(render.full_delivery(delivery(delivery_id)))

    @api.post("/app/hook/deliveries/{delivery_id}/attempts")
    def redeliver(delivery_id: int) -> Response:
        found = delivery(delivery_id)
        may_be_sent_again(hub, found)
        hub.webhooks.redeliver(found)
        return reply({}, 202)

    @api.post("/app-manifests/{code}/conversions")
    def convert(code: str) -> Response:
        row = db.row("SELECT * FROM manifests WHERE code = ?", code)
        if row is None or parse_iso(row["expires_at"]) <= hub.clock.now():
            raise not_found()
        app = db.get("apps", row["app_id"])
        with hub.tx():
            db.execute("DELETE FROM manifests WHERE code = ?", code)
        secrets = {
            "client_secret": app["client_secret"],
            "webhook_secret": app["webhook_secret"],
            "pem": row["pem"],
        }
        return reply(render.integration(hub, app) | secrets, 201)

    return api


def _config(app: Row) -> dict[str, str]:
    config = {
        "content_type": app["webhook_content_type"],
        "insecure_ssl": app["webhook_insecure_ssl"],
        "url": app["webhook_url"] or "",
    }
    if app["webhook_secret"]:
        config["secret"] = "********"  # noqa: S105 (what GitHub shows instead of it)
    return config

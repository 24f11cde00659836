"""The root, /rate_limit, /meta and small things."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub.context import current_actor
from localhub.http import reply
from localhub.hub import Hub
from localhub.versions import VERSIONS, is_first


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/")
    def root() -> Response:
        names = ("user", "rate_limit", "notifications")
        return reply(
            {f"{name}_url" if name != "user" else "current_user_url": hub.api(f"/{name}") for name in names}
            | {
                "repository_url": hub.api("/repos/{owner}/{repo}"),
                "issue_search_url": hub.api("/search/issues?q={query}{&page,per_page,sort,order}"),
            }
        )

    @api.get("/rate_limit")
    def rate_limit() -> Response:
        actor = current_actor()
        resources = {name: hub.limits.state(actor, name) for name in ("core", "search", "graphql")}
        return reply({"resources": resources} | ({"rate": resources["core"]} if is_first() else {}))

    @api.get("/meta")
    def meta() -> Response:
        return reply({"verifiable_password_authentication": False, "installed_version": "3.18.0"})

    @api.get("/versions")
    def versions() -> Response:
        return reply(list(VERSIONS))

    @api.get("/zen")
    def zen() -> Response:
        return Response("Keep it logically awesome.", media_type="text/plain")

    return api

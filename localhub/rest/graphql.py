"""POST /graphql."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from localhub.context import current_actor
from localhub.errors import GitHubError
from localhub.graphql.base import Scope
from localhub.graphql.execution import answer
from localhub.http import reply
from localhub.hub import Hub


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.post("/graphql")
    @api.post("/api/graphql")
    def graphql(data: dict[str, Any]) -> Response:
        actor = current_actor()
        if actor.kind in ("anonymous", "app"):
            raise GitHubError(401, "This endpoint requires you to be authenticated.")
        return reply(answer(hub, Scope(hub, actor), data))

    return api

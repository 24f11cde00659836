"""An organisation's types of issues over REST."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import issuetypes
from localhub.http import reply
from localhub.hub import Hub

Color = Literal["gray", "blue", "green", "yellow", "orange", "red", "pink", "purple"]


class Wanted(BaseModel):
    name: str
    is_enabled: bool
    description: str | None = None
    color: Color | None = None


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    root = "/orgs/{org}/issue-types"

    @api.get(root)
    def listing(org: str) -> Response:
        org_id = issuetypes.organization(hub, org, hub.access.user())
        return reply([issuetypes.render(row) for row in issuetypes.of(hub, org_id)])

    @api.post(root)
    def create(org: str, wanted: Wanted) -> Response:
        org_id = issuetypes.organization(hub, org, hub.access.user(), admin=True)
        return reply(issuetypes.render(issuetypes.save(hub, org_id, None, wanted.model_dump())))

    @api.put(root + "/{type_id}")
    def change(org: str, type_id: int, wanted: Wanted) -> Response:
        org_id = issuetypes.organization(hub, org, hub.access.user(), admin=True)
        return reply(issuetypes.render(issuetypes.save(hub, org_id, type_id, wanted.model_dump())))

    @api.delete(root + "/{type_id}")
    def delete(org: str, type_id: int) -> Response:
        org_id = issuetypes.organization(hub, org, hub.access.user(), admin=True)
        issuetypes.delete(hub, org_id, type_id)
        return reply(None, 204)

    return api

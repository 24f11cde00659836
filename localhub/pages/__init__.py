"""Pages for people: GitHub's own addresses, server-rendered, in the name of a chosen user.

All that is done here goes through the same functions as REST and GraphQL, so that the same events follow.
"""

from __future__ import annotations

from fastapi import APIRouter

from localhub.hub import Hub
from localhub.pages import (
    actions,
    apps,
    deliveries,
    edit,
    front,
    history,
    issue,
    issues,
    labels,
    milestones,
    pullacts,
    pulls,
    refs,
    relate,
    repository,
    search,
    settings,
    suggest,
    workflows,
)
from localhub.pages.web import Web, browsers_only, route_class


def shared(hub: Hub) -> APIRouter:
    """Pages at paths that the API has too; these come first and match browsers only."""
    web = Web(hub)
    api = APIRouter(route_class=browsers_only(web))
    front.shared_routes(api, web)
    apps.shared_routes(api, web)
    return api


def router(hub: Hub) -> APIRouter:
    """All other pages; they match anything, so they come last."""
    web = Web(hub)
    api = APIRouter(route_class=route_class(web))
    modules = (
        search, front, apps, deliveries, workflows, actions, labels, milestones, issues, issue, relate, pulls,
        suggest, pullacts, history, refs, edit, settings, repository,
    )  # fmt: skip
    for module in modules:
        module.routes(api, web)
    front.last_routes(api)
    return api

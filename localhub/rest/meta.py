"""The root, /rate_limit, /meta and small things."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub.context import current_actor
from localhub.http import reply
from localhub.hub import Hub
from localhub.versions import VERSIONS, is_first

_SEARCH = "{&page,per_page,sort,order}"
_ROOT = {
    "code_search": f"/search/code?q={{query}}{_SEARCH}",
    "commit_search": f"/search/commits?q={{query}}{_SEARCH}",
    "current_user": "/user",
    "current_user_authorizations_html": "/settings/connections/applications{/client_id}",
    "current_user_repositories": "/user/repos{?type,page,per_page,sort}",
    "emails": "/user/emails",
    "emojis": "/emojis",
    "events": "/events",
    "feeds": "/feeds",
    "followers": "/user/followers",
    "following": "/user/following{/target}",
    "gists": "/gists{/gist_id}",
    "issue_search": f"/search/issues?q={{query}}{_SEARCH}",
    "issues": "/issues",
    "keys": "/user/keys",
    "label_search": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications": "/notifications",
    "organization": "/orgs/{org}",
    "organization_repositories": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams": "/orgs/{org}/teams",
    "public_gists": "/gists/public",
    "rate_limit": "/rate_limit",
    "repository": "/repos/{owner}/{repo}",
    "repository_search": f"/search/repositories?q={{query}}{_SEARCH}",
    "starred": "/user/starred{/owner}{/repo}",
    "starred_gists": "/gists/starred",
    "topic_search": "/search/topics?q={query}{&page,per_page}",
    "user": "/users/{user}",
    "user_organizations": "/user/orgs",
    "user_repositories": "/users/{user}/repos{?type,page,per_page,sort}",
    "user_search": f"/search/users?q={{query}}{_SEARCH}",
}
"""GitHub's addresses, those of parts that localhub has not as well: clients read them and never ask for all."""


RESOURCES = ("core", "search", "graphql", "integration_manifest")


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/")
    def root() -> Response:
        gone = {"authorizations": "/authorizations", "hub": "/hub"} if is_first() else {}
        return reply({f"{name}_url": hub.api(path) for name, path in sorted((_ROOT | gone).items())})

    @api.get("/rate_limit")
    def rate_limit() -> Response:
        actor = current_actor()
        resources = hub.limits.states(actor, RESOURCES)
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

"""The application: routers in, errors as GitHub's, the middleware around it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from localhub import admin, documented, pages, pullsync, references, refs, unread
from localhub.dispatch import Dispatch
from localhub.eager import Eager
from localhub.errors import ANONYMOUS, DOCS, GitHubError, not_found
from localhub.http import reply
from localhub.hub import Hub
from localhub.middleware import Middleware
from localhub.rest import (
    actions,
    apps,
    archives,
    artifacts,
    checks,
    comments,
    commits,
    contents,
    downloads,
    forks,
    git,
    graphql,
    hooks,
    installations,
    issues,
    issuetypes,
    labels,
    manifest,
    meta,
    milestones,
    notifications,
    protection,
    protectionparts,
    pulls,
    reactions,
    relations,
    repos,
    reviews,
    search,
    smarthttp,
    statuses,
    timeline,
    topics,
    users,
    variables,
    workflows,
)

log = logging.getLogger(__name__)
REDIRECTS = "https://docs.github.com/v3/#http-redirects"
Router = Callable[[Hub], APIRouter]

ROUTERS: list[Router] = [
    pages.shared,
    admin.router,
    meta.router,
    apps.router,
    installations.router,
    users.router,
    issuetypes.router,
    protectionparts.router,
    protection.router,
    statuses.router,
    checks.router,
    actions.router,
    artifacts.router,
    variables.router,
    workflows.router,
    graphql.router,
    git.router,
    contents.router,
    commits.router,
    pulls.router,
    reviews.router,
    hooks.router,
    archives.router,
    repos.router,
    forks.router,
    topics.router,
    comments.router,
    labels.router,
    milestones.router,
    reactions.router,
    relations.router,
    search.router,
    notifications.router,
    timeline.router,
    issues.router,
    manifest.router,
    smarthttp.router,
    downloads.router,
    pages.router,
]
"""In order of precedence; pages, which match anything, come last, but for what browsers see at the API's own paths."""


def create_app(hub: Hub) -> tuple[ASGIApp, Eager]:
    """The application, and its short way for a server that knows whole requests."""
    app = FastAPI(title="localhub", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    routers = [make(hub) for make in ROUTERS]
    for router in routers:
        app.include_router(router)
    _follow(hub)
    app.add_exception_handler(GitHubError, _github_error)
    app.add_exception_handler(RequestValidationError, _validation_error(hub))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _crash)
    dispatch = Dispatch(app, routers, _told, hub.db)
    whole = Middleware(dispatch, hub)
    return whole, Eager(whole, dispatch, hub)


def _follow(hub: Hub) -> None:
    """What is done about events. A router only answers: making one again, to list its routes, changes nothing."""
    pullsync.listen(hub)
    references.listen(hub)
    hub.on_start(lambda: refs.recover(hub))


def _told(request: Request, error: Exception) -> Response:
    """What an endpoint that was called past FastAPI has raised, as FastAPI would have it answered."""
    if isinstance(error, GitHubError):
        return _github_error(request, error)
    if isinstance(error, HTTPException):
        return _http_error(request, error)
    return _crash(request, error)


def _github_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GitHubError)
    body = error.body()
    if error.status == 301:
        return _moved(request, error)
    elif error.documentation_url == DOCS and (error.status != 401 or error.message == ANONYMOUS):
        # Of wrong credentials GitHub says nothing about what was asked for.
        body["documentation_url"] = documented.page(request.scope["method"], request.scope["path"])
    return reply(body, error.status, error.headers)


def _moved(request: Request, error: GitHubError) -> Response:
    """The same call at the repository's number; 307 for what a client may not repeat as a GET."""
    rest = request.scope["path"].split("/", 4)[4:]
    location = "/".join([error.headers["Location"], *map(quote, rest)])
    if request.url.query:
        location += f"?{request.url.query}"
    status = 301 if request.scope["method"] == "GET" else 307
    return reply(
        {"message": error.message, "url": location, "documentation_url": REDIRECTS}, status, {"Location": location}
    )


def _validation_error(hub: Hub) -> Callable[[Request, Exception], Response]:
    """A body of the wrong shape is told only to those whom the endpoint lets in: GitHub looks at credentials first."""

    def handler(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        owner, name = request.path_params.get("owner"), request.path_params.get("name")
        try:
            if owner and name:
                hub.access.repo(owner, name)
            if request.method not in ("GET", "HEAD") and not request.url.path.startswith("/_localhub"):
                hub.access.user()
            unread.let_in(request)
        except GitHubError as refused:
            return _github_error(request, refused)
        return _github_error(request, _misshapen(error))

    return handler


def _misshapen(error: RequestValidationError) -> GitHubError:
    """400 for what is no JSON or no object, else 422, in GitHub's words."""
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return GitHubError(400, "Problems parsing JSON")
    if any(detail["loc"][0] == "path" for detail in details):
        return not_found()
    if any(len(detail["loc"]) == 1 and isinstance(detail.get("input"), list) for detail in details):
        return GitHubError(400, "Body should be a JSON object")
    sentences = [
        f"For '{'/'.join(str(part) for part in detail['loc'][1:]) or 'body'}', {detail['msg'][0].lower()}"
        f"{detail['msg'][1:]}: {json.dumps(detail.get('input'), default=str)[:100]}."
        for detail in details
    ]
    return GitHubError(422, "Invalid request.\n\n" + "\n".join(sentences))


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:  # GitHub knows no such answer
        return reply(GitHubError(404, "Not Found").body(), 404)
    return reply(GitHubError(error.status_code, str(error.detail)).body(), error.status_code)


def _crash(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return reply(GitHubError(500, "Server Error").body(), 500)

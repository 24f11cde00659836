"""A short way to plain endpoints, past FastAPI's: the same functions with the same arguments, found and called at once.

An endpoint takes this way when it is a plain function of path and query parameters, one JSON model, the request and
`Paging`. Whatever is not quite right (a missing or misshapen parameter, another media type) goes the long way, which
has the words for it; so does every other endpoint. What only reads and writes the database is called in the event
loop's own thread, which is quicker than to pass it to another and back; what may wait (for git, for a repository's
lock) never is, which for some endpoints depends on what is asked (`quick`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localhub.db import Database
from localhub.eager import EAGER, WHOLE_ANSWER, handed_over
from localhub.http import Paging
from localhub.intake import PARSED
from localhub.quick import Quick, quick_of

AT_ONCE = {
    f"localhub.rest.{name}"
    for name in (
        "comments", "issues", "labels", "meta", "milestones", "notifications", "reactions", "relations", "search",
        "timeline", "users",
    )
}  # fmt: skip
READ_AT_ONCE = {f"localhub.rest.{name}" for name in ("checks", "repos", "reviews", "statuses")}
FOUND = "localhub.found"  # in the scope: the endpoint that `at_once` found, and for what
PLACES = 1024  # kinds of paths that are remembered
_Answerer = Callable[[Request, Exception], Response]


@dataclass(frozen=True)
class Endpoint:
    """A route as it is called: None as `plan` when only FastAPI knows how."""

    route: APIRoute
    plan: Dependant | None
    body: Any
    at_once: bool
    writes: bool
    paging: str | None
    quick: Quick | None
    """Says for each request whether it is called at once."""


class Misfit(Exception):
    """A request that has to go the long way."""


class Dispatch:
    """The application in front of FastAPI's, which it falls back on; `answer` turns an endpoint's error into words."""

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter], answer: _Answerer, db: Database) -> None:
        self._app, self._answer, self._db = app, answer, db
        self._endpoints = [_endpoint(route) for router in routers for route in router.routes]
        self._places: dict[tuple[str, str, str], list[Endpoint | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["type"] == "http":
            known = scope.get(FOUND)
            place = (scope["method"], scope["path"])
            found = known[1] if known and known[0] == place else self._find(*place)
        if found is None:
            await self._app(scope, receive, send)
            return
        endpoint, path_params = found
        body = b""
        if endpoint.body is not None:
            body = scope[EAGER].asked if EAGER in scope else await _body(receive)
        request = Request(dict(scope, path_params=path_params), receive)
        try:
            arguments = _arguments(endpoint, request, body)
        except Misfit:
            if EAGER in scope:
                await handed_over()
            await self._app(scope, _again(body, receive) if endpoint.body is not None else receive, send)
            return
        try:
            call: Any = endpoint.route.endpoint
            wait = handed_over if EAGER in scope else _nothing
            if endpoint.quick is not None and not endpoint.quick.when(arguments):
                await wait()
                response = await run_in_threadpool(call, **arguments)
            elif endpoint.quick is not None and endpoint.quick.alone is not None:
                response = await endpoint.quick.alone.run(call, arguments, wait, run_in_threadpool)
            elif EAGER in scope and endpoint.writes:
                with self._db.joined() as group:
                    try:
                        response = call(**arguments)
                    finally:
                        scope[EAGER].group = group()
            elif endpoint.at_once:
                response = call(**arguments)
            else:
                response = await run_in_threadpool(call, **arguments)
        except Exception as error:  # noqa: BLE001 (told as FastAPI's handlers tell it)
            response = self._answer(request, error)
        whole = scope.get(WHOLE_ANSWER)
        if whole is not None and type(response) is Response and response.background is None:
            whole(response.status_code, response.raw_headers, response.body)
        else:
            await response(scope, receive, send)

    def at_once(self, scope: Scope, path: str) -> bool:
        """Whether the endpoint of this path is called without waiting for anything; noted in the scope."""
        found = self._find(scope["method"], path)
        scope[FOUND] = ((scope["method"], path), found)
        return found is not None and found[0].at_once

    def _find(self, method: str, path: str) -> tuple[Endpoint, dict[str, Any]] | None:
        """The first endpoint that matches, unless it is one that goes the long way."""
        parts = path.split("/", 5)
        place = (method, parts[1], parts[4] if len(parts) > 4 and parts[1] == "repos" else "")
        candidates = self._places.get(place)
        if candidates is None:
            if len(self._places) >= PLACES:
                self._places.clear()
            candidates = self._places[place] = [each for each in self._endpoints if _may_match(each, *place)]
        for endpoint in candidates:
            if endpoint is None:
                return None
            match = endpoint.route.path_regex.match(path)
            if match:
                if endpoint.plan is None:
                    return None
                convertors = endpoint.route.param_convertors
                return endpoint, {name: convertors[name].convert(value) for name, value in match.groupdict().items()}
        return None


def _may_match(endpoint: Endpoint | None, method: str, first: str, fourth: str) -> bool:
    """Whether a path that begins so may be this endpoint's; one that is no route of FastAPI may be anything."""
    if endpoint is None:
        return True
    if method not in (endpoint.route.methods or ()):
        return False
    parts = endpoint.route.path.split("/")
    if len(parts) > 1 and "{" not in parts[1] and parts[1] != first:
        return False
    own = parts[4] if len(parts) > 4 else ""
    return first != "repos" or "{" in own or own == fourth or any(":path}" in part for part in parts[:5])


def _endpoint(route: Any) -> Endpoint | None:
    if not isinstance(route, APIRoute):
        return None
    plan = route.dependant
    others = [each for each in plan.dependencies if each.call is not Paging]
    asked = plan.header_params or plan.cookie_params or plan.background_tasks_param_name or plan.response_param_name
    own = type(route) is not APIRoute  # a page: its class decides whether it matches, and shows its errors
    plain = not (own or others or asked or len(plan.body_params) > 1 or _is_async(route.endpoint))
    body = plan.body_params[0] if len(plan.body_params) == 1 else None
    # FastAPI reads a single model from the whole body, and anything else by its name in it.
    whole = body is None or (type(body.field_info).__name__ == "Body" and not getattr(body.field_info, "embed", False))
    module = route.endpoint.__module__
    reads = not {"POST", "PUT", "PATCH", "DELETE"} & set(route.methods or ())
    quick = quick_of(route.endpoint)
    at_once = module in AT_ONCE or (reads and module in READ_AT_ONCE) or quick is not None
    paging = next((each.name for each in plan.dependencies), None)
    return Endpoint(
        route, plan if plain and whole and route.status_code is None else None, body, at_once, not reads, paging, quick
    )


def _is_async(function: Any) -> bool:
    return bool(function.__code__.co_flags & 0x80) if hasattr(function, "__code__") else True


async def _nothing() -> None:
    """There is nobody to hand it over to: this request is the loop's already."""


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the client says after it."""
    told = False

    async def again() -> Any:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _arguments(endpoint: Endpoint, request: Request, body: bytes) -> dict[str, Any]:
    plan = endpoint.plan
    assert plan is not None
    found: dict[str, Any] = {}
    for field in plan.path_params:
        found[field.name] = _value(field, request.path_params.get(field.alias))
    for field in plan.query_params:
        found[field.name] = _value(field, request.query_params.get(field.alias))
    if endpoint.paging:
        found[endpoint.paging] = Paging(request)
    if plan.request_param_name:
        found[plan.request_param_name] = request
    if endpoint.body is not None:
        found[endpoint.body.name] = _model(endpoint.body, request, body)
    return found


def _value(field: Any, given: Any) -> Any:
    if given is None:
        if field.field_info.is_required():
            raise Misfit
        default = field.default
        return deepcopy(default) if isinstance(default, list | dict) else default
    if type(given) is str and field.field_info.annotation is str and not field.field_info.metadata:
        return given
    value, errors = field.validate(given, {}, loc=("query", field.alias))
    if errors:
        raise Misfit
    return value


def _model(field: Any, request: Request, body: bytes) -> Any:
    if not body:
        return _value(field, None)
    if "json" not in request.headers.get("content-type", ""):
        raise Misfit
    value = request.scope.get(PARSED)
    if value is None:
        raise Misfit
    return _value(field, value)

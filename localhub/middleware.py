"""Around every request: prefixes, who it is, limits, faults, ETags and the headers that GitHub always sends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localhub import intake, media
from localhub.auth import Actor
from localhub.conditional import unchanged
from localhub.context import RequestContext, set_context
from localhub.eager import EAGER, WHOLE_ANSWER
from localhub.errors import GitHubError
from localhub.faults import RequestFault
from localhub.faulty import abort, faulty
from localhub.http import JSON, Lines, lines, with_headers
from localhub.kept import Request as Asked
from localhub.kinds import API, Kind, classify, resource_of
from localhub.protocol import WHOLE
from localhub.versions import VERSIONS

if TYPE_CHECKING:
    from localhub.hub import Hub

SESSION = "localhub_session"
# A person's token is a classic one with every scope that clients like gh look for.
SCOPES = "admin:repo_hook, delete_repo, notifications, read:org, repo, user, workflow"
_SCOPES = (b"x-oauth-scopes", SCOPES.encode())
_CACHED = [
    (b"cache-control", b"private, max-age=60, s-maxage=60"),
    (b"vary", b"Accept, Authorization, Cookie, X-GitHub-OTP"),
]
_ALWAYS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", intake.EXPOSED.encode()),
    (b"server", b"localhub"),
]


class Middleware:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope.get(intake.HEADERS) or intake.headers_of(scope)
        path: str = scope["path"]
        kind = classify(path, headers.get("accept", ""))
        digits = f"{random.getrandbits(96):024X}"  # a name, no secret
        request_id = f"{digits[:4]}:{digits[4:]}"
        base = self._hub.public_url or f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1')}"
        context = RequestContext(base, request_id)
        form = media.parameter(headers.get("accept", "")) if kind == "api" else ""
        context.form = form if form in media.FORMS else ""
        version = headers.get("x-github-api-version", "")
        context.version = version if version in VERSIONS else VERSIONS[0]
        set_context(context)
        if kind in ("api", "graphql") and path.startswith(API):
            context.prefix = API
            path = path[len(API) :] or "/"
            scope = dict(scope, path=path, raw_path=path.encode())
        if kind == "git":
            self._hub.stats[f"git {scope['method']}"] += 1
            await faulty(self._app, scope, receive, send, self._hub.faults.for_request(scope["method"], path))
            return
        if kind == "admin":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(self._hub, self._app, context, kind, scope, headers)
        await exchange.run(receive, send)


class Exchange:
    """One API, GraphQL or page request."""

    def __init__(
        self, hub: Hub, app: ASGIApp, context: RequestContext, kind: Kind, scope: Scope, headers: Mapping[str, str]
    ) -> None:
        self._hub, self._app, self._context, self._kind = hub, app, context, kind
        self._headers, self._method, self._path = headers, scope["method"], scope["path"]
        self._scope = intake.as_json(scope, headers) if kind == "api" else scope
        if kind == "api" and self._method == "HEAD":
            self._scope = dict(self._scope, method="GET")
        self._asked: Asked | None = None
        self._start: Message | None = None
        self._status = 0
        self._streaming = False
        self._resource = resource_of(kind, self._path)

    async def run(self, receive: Receive, send: Send) -> None:
        hub = self._hub
        hub.stats[f"{self._kind} {self._method}"] += 1
        if self._kind != "page" and await self._answered_at_the_door(send):
            return
        fault = hub.faults.for_request(self._method, self._path) if self._kind != "page" else None
        if fault:
            if fault.reset_before:
                abort(send)
                return
            if fault.error_before:
                await self._error(send, GitHubError(fault.error_before, "Server Error"))
                return
        if self._kind == "api":
            raw, authorization = self._scope.get(WHOLE), self._headers.get("authorization")
            self._asked = hub.kept.request(raw, self._method, self._path, authorization)
        # What waits for nothing takes as long as its CPU time, which takes longer to ask for.
        clock = time.perf_counter if EAGER in self._scope else time.process_time
        started = clock()
        counted = False
        try:
            if self._kind != "page":
                receive = await self._intake(receive)
            self._context.actor = self._authenticate()
            if self._kind == "api":
                self._check_version()
            if self._kind != "page" and self._path != "/rate_limit":
                points = 1 if self._method in ("GET", "HEAD", "OPTIONS") else 5
                hub.limits.begin(self._context.actor, self._resource, points)
                counted = True
        except GitHubError as error:
            await self._error(send, error)
            return
        try:
            if fault is None and EAGER in self._scope:
                self._scope[WHOLE_ANSWER] = self._at_once
            if fault and fault.latency:  # a slow GitHub holds its clients' places
                await asyncio.sleep(fault.latency)
            await self._app(self._scope, receive, self._sender(send, fault))
        finally:
            if counted:
                hub.limits.end(self._context.actor, self._resource, clock() - started)

    async def _intake(self, receive: Receive) -> Receive:
        wrong = intake.malformed(self._scope)
        if wrong:
            raise wrong
        if self._method in ("GET", "HEAD"):
            return receive
        limit = self._hub.limits.settings.body_bytes
        whole = self._scope.get(EAGER)
        if whole is not None and len(whole.asked) <= limit:
            self._scope[intake.PARSED] = intake.check_json(whole.asked)
            return receive
        body = await intake.read(receive, self._headers, limit)
        self._scope[intake.PARSED] = intake.check_json(body)
        return intake.replay(body, receive)

    def _authenticate(self) -> Actor:
        cookie = None
        if self._kind == "page":
            morsel = SimpleCookie(self._headers.get("cookie", "")).get(SESSION)
            cookie = morsel.value if morsel else None
        actor = self._hub.access.authenticate(self._headers.get("authorization"), cookie)
        client = self._scope.get("client")
        return actor if actor.kind != "anonymous" or client is None else replace(actor, address=client[0])

    async def _answered_at_the_door(self, send: Send) -> bool:
        """A browser's preflight and a client without a name get their answer from GitHub's front, not from its API."""
        if self._method == "OPTIONS":
            answer = Response(status_code=204, headers=intake.PREFLIGHT)
        elif not self._headers.get("user-agent"):
            answer = PlainTextResponse(intake.NO_AGENT, 403)
        else:
            return False
        await answer(self._scope, _nothing, send)
        return True

    def _check_version(self) -> None:
        version = self._headers.get("x-github-api-version")
        if version and version not in VERSIONS:
            raise GitHubError(
                400,
                f"API version '{version}' is not supported. Supported versions: {', '.join(VERSIONS)}.",
            )

    def _sender(self, send: Send, fault: RequestFault | None) -> Send:
        """Hold the head back until the whole body is known, then add headers and turn it into a 304 if it may."""

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._start = message
                self._status = message["status"]
                return
            if message["type"] != "http.response.body" or self._start is None:
                await send(message)
                return
            if self._streaming or message.get("more_body"):
                if not self._streaming:
                    self._streaming = True
                    self._add_headers(self._start)
                    await send(self._start)
                await send(message)
                return
            if fault and fault.reset_after:
                abort(send)
                return
            if fault and fault.error_after:
                await self._error(send, GitHubError(fault.error_after, "Server Error"))
                return
            await self._finish(send, message.get("body", b""))

        return sender

    def _at_once(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer of a request that is answered in the call that brought it: no messages are sent of it."""
        start: Message = {"status": status, "headers": headers}
        self._start, self._status = start, status
        answer = self._scope[EAGER]
        answer.body = self._completed(start, body)
        answer.status, answer.headers = start["status"], start["headers"]

    async def _finish(self, send: Send, body: bytes) -> None:
        start = self._start
        assert start is not None
        body = self._completed(start, body)
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _completed(self, start: Message, body: bytes) -> bytes:
        """The body to send, `start` being the answer's head, which gets its headers and becomes a 304 if it may."""
        if self._kind == "api" and self._method in ("GET", "HEAD") and self._status == 200:
            etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            if unchanged(self._headers, etag, lambda: Headers(scope=start).get("last-modified")):
                self._status = start["status"] = 304
                start["headers"] = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                body = b""
                self._hub.limits.refund(self._context.actor, self._resource)
            start["headers"] = [*start["headers"], (b"etag", etag.encode()), *_CACHED]
        self._add_headers(start)
        if self._method == "HEAD":
            body = b""
        if self._asked is not None:
            self._hub.kept.keep(self._asked, self._context.actor, self._status, start["headers"], body)
        return body

    def _add_headers(self, start: Message) -> None:
        context = self._context
        added = [(b"x-github-request-id", context.request_id.encode()), *lines(context.notes)]
        limits: Lines = ()
        if self._kind != "page":
            media_type = media.header(self._headers.get("accept", ""))
            added += _ALWAYS
            added.append((b"x-github-media-type", media_type.encode("latin-1")))
            added.append((b"x-github-api-version-selected", context.version.encode()))
            if context.actor.kind == "user":
                added.append(_SCOPES)
            limits = self._hub.limits.headers(context.actor, self._resource)
        start["headers"] = with_headers(start["headers"], added, limits)

    async def _error(self, send: Send, error: GitHubError) -> None:
        body = json.dumps(error.body()).encode()
        start: Message = {
            "type": "http.response.start",
            "status": error.status,
            "headers": [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode())],
        }
        headers = MutableHeaders(scope=start)
        for name, value in error.headers.items():
            headers[name] = value
        self._status = error.status
        self._add_headers(start)
        await send(start)
        await send({"type": "http.response.body", "body": body})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}

"""The door for webhooks, and two read-only pages for machines. Thin: verify, parse, store, answer."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import structlog
from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from bot.contract import Delivery, External
from bot.webhooks import KNOWN, Malformed, verify
from planner.model import Address, Scope

log = structlog.get_logger("web")

MAX_BODY = 25 * 1024 * 1024
"""GitHub sends no payload above 25 MB"""


@dataclass(frozen=True, slots=True)
class Intake:
    """What a webhook means: facts for aggregates, and actions that need no decision."""

    events: tuple[External, ...] = ()
    actions: tuple[tuple[Address, Scope, Any], ...] = ()


IntakeFunction = Callable[[str, str, Mapping[str, Any]], Intake]
"""(event name, delivery GUID, payload) → what it means; raises `Malformed`"""


class Loop(Protocol):
    """What the door needs of the engine."""

    @property
    def ready(self) -> bool: ...

    def apply_external(
        self,
        events: Iterable[External] = (),
        actions: Iterable[tuple[Address, Scope, Any]] = (),
        delivery: Delivery | None = None,
    ) -> bool: ...


class TooLarge(Exception):
    """The body is above GitHub's own limit."""


async def read_body(request: Request) -> bytes:
    """The raw bytes, which the signature is made of; stops reading at the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def create_app(
    secret: str,
    loop: Loop,
    intake: IntakeFunction,
    summary: Callable[[], Mapping[str, Any]],
    check_database: Callable[[], None],
) -> FastAPI:
    """The web application. `summary` makes `/status.json`; `check_database` raises if the database does not answer."""
    app = FastAPI(title="Branchwork", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/webhook")
    def webhook(
        body: Annotated[bytes, Depends(read_body)],
        x_hub_signature_256: Annotated[str | None, Header()] = None,
        x_github_event: Annotated[str | None, Header()] = None,
        x_github_delivery: Annotated[str | None, Header()] = None,
    ) -> Response:
        if not verify(secret, body, x_hub_signature_256):
            return _answer(401, "the signature is missing or wrong: compare the webhook's secret on both sides")
        if not x_github_event or not x_github_delivery:
            return _answer(400, "X-GitHub-Event and X-GitHub-Delivery are required")
        if x_github_event not in KNOWN:
            return _answer(202, f"{x_github_event} is not handled", status="ignored")
        try:
            payload = json.loads(body)
            if not isinstance(payload, dict):
                raise Malformed("the payload is not an object")
            found = intake(x_github_event, x_github_delivery, payload)
        except (ValueError, RecursionError) as error:  # Malformed and the errors of json are ValueErrors
            return _answer(400, f"the body is not a payload of {x_github_event}: {error}")
        delivery = Delivery(x_github_delivery, x_github_event)
        if not loop.apply_external(found.events, found.actions, delivery):
            return _answer(202, "this delivery came before", status="duplicate")
        log.debug("delivery", event_name=x_github_event, guid=x_github_delivery, events=len(found.events))
        return _answer(202, status="accepted" if found.events or found.actions else "ignored")

    @app.get("/healthz")
    def healthz() -> Response:
        try:
            check_database()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that we are not well
            log.warning("database does not answer", error=repr(error))
            return _answer(503, "the database does not answer")
        return _answer(200, status="ready") if loop.ready else _answer(503, "the engine is not running")

    @app.get("/status.json")
    def status(request: Request) -> Response:
        # It names private repositories and their issues. Behind a proxy uvicorn puts the real client here.
        if request.client is None or not _is_local(request.client.host):
            return _answer(403, "this page is for programs on this machine; use `branchwork status`")
        return JSONResponse(dict(summary()))

    @app.exception_handler(TooLarge)
    async def too_large(_request: Request, _error: TooLarge) -> Response:
        return _answer(413, f"a payload has {MAX_BODY} bytes at most")

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return _answer(400, f"the request is not valid: {error.errors()}")

    return app


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _answer(code: int, message: str = "", status: str = "") -> JSONResponse:
    return JSONResponse({key: value for key, value in (("status", status), ("message", message)) if value}, code)

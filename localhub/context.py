"""What the current request is: set by the middleware, read from any thread that works for the request."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from localhub.auth import ANONYMOUS, Actor


@dataclass
class RequestContext:
    """`base` is the root URL that the client used, without a slash at the end."""

    base: str
    request_id: str
    prefix: str = ""
    """`/api/v3` when the client used it."""
    version: str = "2022-11-28"
    """Of the REST API."""
    actor: Actor = ANONYMOUS
    form: str = ""
    """text, html or full when bodies are asked for in such a form."""
    asked: str = "read"
    """The level at which the endpoint has asked for the repository."""
    notes: dict[str, str] = field(default_factory=dict)
    """Response headers that an endpoint wants to add."""


_current: ContextVar[RequestContext | None] = ContextVar("localhub_request", default=None)


def set_context(context: RequestContext) -> None:
    _current.set(context)


def get_context() -> RequestContext | None:
    return _current.get()


def note(header: str, value: str) -> None:
    """Send this header with the answer."""
    context = _current.get()
    if context:
        context.notes[header] = value


def current_actor() -> Actor:
    """Who makes this request; anonymous outside of one."""
    context = _current.get()
    return context.actor if context else ANONYMOUS

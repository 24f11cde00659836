"""Requests that are answered in the call that brings them: only the database is asked, and nothing is waited for.

The application is the same as on uvicorn's way, driven by hand: a coroutine that never waits ends at its first step.
Should it have to wait after all, a task takes it over where it stands.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Scope

from localhub.errors import GitHubError
from localhub.http import JSON
from localhub.kinds import API

if TYPE_CHECKING:
    from localhub.dispatch import Dispatch
    from localhub.hub import Hub
    from localhub.transactions import Group

log = logging.getLogger(__name__)
EAGER = "localhub.eager"  # in the scope: what becomes of a request that is answered so
WHOLE_ANSWER = "localhub.whole"  # in the scope: takes status, headers and body of an answer, in place of its messages
_FORWARDED = {b"x-forwarded-for", b"x-forwarded-proto"}


@dataclass
class Answer:
    """A whole answer, as ASGI messages gave it; `group` is the commit that it has to wait for."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    group: Group | None = None
    asked: bytes = b""
    """The body of the request."""


MEMBERS = 32
"""A commit is no longer put off for more to join it."""

Done = Callable[[Answer], None]


@types.coroutine
def handed_over() -> Generator[None, None, None]:
    """Go on in a task of the event loop, which whatever waits needs: awaited before the first thing that may."""
    yield


class Eager:
    """Runs `app` for requests of which `dispatch` says that they wait for nothing."""

    def __init__(self, app: ASGIApp, dispatch: Dispatch, hub: Hub) -> None:
        self._app, self._dispatch, self._hub = app, dispatch, hub
        self._waiting: dict[Group, list[Callable[[BaseException | None], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> bool:
        """Whether any request may: a fault can make it wait."""
        return not self._hub.faults.planned

    def may(self, scope: Scope) -> bool:
        """Whether this request, headers and all, can be answered at once."""
        path: str = scope["path"]
        if path == API or path.startswith(f"{API}/"):
            path = path[len(API) :] or "/"
        return (
            self.open
            and self._dispatch.at_once(scope, path)
            and not any(name in _FORWARDED for name, _ in scope["headers"])
        )

    def run(self, scope: Scope, body: bytes, done: Done) -> None:
        """Call `done` with the answer: now, or as soon as what it tells of is on the disk."""
        answer = Answer(asked=body)
        scope[EAGER] = answer

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], message["headers"]
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        context = contextvars.copy_context()
        work: Any = self._app(scope, receive, send)
        try:
            context.run(work.send, None)
        except StopIteration:
            self._finish(answer, done)
        except Exception as error:  # noqa: BLE001 (told as uvicorn tells it)
            done(self._failed(scope, error))
        else:
            task = asyncio.get_running_loop().create_task(self._rest(work, scope, answer, done), context=context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _rest(self, work: Coroutine[Any, Any, None], scope: Scope, answer: Answer, done: Done) -> None:
        try:
            await _resumed(work)
        except Exception as error:  # noqa: BLE001 (told as uvicorn tells it)
            done(self._failed(scope, error))
        else:
            self._finish(answer, done)

    def _finish(self, answer: Answer, done: Done) -> None:
        group = answer.group
        if group is None:
            done(answer)
            return
        if group not in self._waiting:
            self._waiting[group] = []
            asyncio.get_running_loop().call_soon(self._save_soon, group, 0)
        self._waiting[group].append(lambda error: done(answer if error is None else _server_error()))

    def _save_soon(self, group: Group, before: int) -> None:
        """Once no more requests have come since the last look: those that came meanwhile share the commit."""
        members = len(self._waiting[group])
        if before < members < MEMBERS and not group.done:
            asyncio.get_running_loop().call_soon(self._save_soon, group, members)
        else:
            self._save(group)

    def _save(self, group: Group) -> None:
        """The commit that its members wait for."""
        error: BaseException | None = None
        try:
            self._hub.db.finish(group)
        except Exception as caught:
            log.exception("what %d requests have written could not be saved", len(self._waiting[group]))
            error = caught
        for tell in self._waiting.pop(group):
            try:
                tell(error)
            except Exception:  # one answer that cannot be sent keeps nobody else's back
                log.exception("an answer could not be sent")

    def _failed(self, scope: Scope, error: Exception) -> Answer:
        log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
        return _server_error()


@types.coroutine
def _resumed(work: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
    """`await work` for one that has been begun already."""
    step: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        try:
            waits = step(value)
        except StopIteration:
            return
        try:
            step, value = work.send, (yield waits)
        except BaseException as error:  # noqa: BLE001 (a task is cancelled by an exception: it is passed on)
            step, value = work.throw, error


def _server_error() -> Answer:
    body = json.dumps(GitHubError(500, "Server Error").body()).encode()
    head = [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode())]
    return Answer(500, head, body)

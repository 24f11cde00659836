"""Endpoints that are answered in the event loop's own thread when what is asked waits for nothing; see `dispatch`.

Others are called by a thread, which may wait for a git process or for a repository's lock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from localhub.gitcore import started

if TYPE_CHECKING:
    from localhub.hub import Hub

SLOW = 0.05  # seconds: a repository where something took a git process and as long is left to threads,
REST = 60.0  # for as long
Arguments = Mapping[str, Any]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class Quick:
    """How an endpoint is called: at once `when` this is true of its arguments, with the lock of its repository if it
    is called `alone`; without, its transactions may be saved together with others' of the loop's turn."""

    when: Callable[[Arguments], bool]
    alone: Alone | None = None


class Alone:
    """Calls what takes a repository's lock, which nobody may wait for in the loop's thread.

    While another thread is inside, one request at most waits for it in a thread of its own; the others wait for that
    one in the loop, and are called there in their turn. Each saves what it does by itself, as a ref that moves and the
    events that tell of it are written in this order.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._slow: dict[int, float] = {}
        self._queues: dict[int, asyncio.Lock] = {}

    async def run(
        self, call: Callable[..., Any], arguments: Arguments, wait: Callable[[], Awaitable[None]],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> Any:  # fmt: skip
        """What the call returns; `wait` is awaited before anything else is that takes time."""
        repo = self._hub.access.repo_row(arguments["owner"], arguments["name"])
        if repo is None:  # which the call says
            return call(**arguments)
        queue = self._queues.setdefault(repo["id"], asyncio.Lock())
        if self._slow.get(repo["id"], 0.0) > time.monotonic():
            await wait()
            return await in_thread(call, **arguments)
        lock = self._hub.repo_locks.of(repo["id"])
        if not queue.locked() and lock.now():
            return self._run(repo["id"], call, arguments)
        await wait()
        async with queue:
            return self._run(repo["id"], call, arguments) if lock.now() else await in_thread(call, **arguments)

    def _run(self, repo_id: int, call: Callable[..., Any], arguments: Arguments) -> Any:
        """With the lock, which has been entered."""
        began, before = time.monotonic(), started()
        try:
            return call(**arguments)
        finally:
            self._hub.repo_locks.of(repo_id).__exit__()
            if started() > before and time.monotonic() - began > SLOW:
                self._slow[repo_id] = time.monotonic() + REST


def quick_of(endpoint: Callable[..., Any]) -> Quick | None:
    """As it was marked; None for one that was not."""
    found: Quick | None = getattr(endpoint, "quick", None)
    return found


def quick(when: Callable[[Arguments], bool], alone: Alone | None = None) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint that needs no git process when this is true of its arguments; `alone` if it takes a lock."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["quick"] = Quick(when, alone)
        return endpoint

    return mark

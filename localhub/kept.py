"""Answers kept until anything changes: the same GET by the same client is answered without being worked out again.

The key is the request as it came, byte for byte, so credentials, host, media type and version are part of it. All
answers are forgotten when the database has a new version, whoever wrote it, or a repository's refs have moved; what
depends on anything else (time, running jobs, deliveries, faults) is not kept. What GitHub counts and varies (limits,
request id) is counted and varied for a kept answer too.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localhub import auth, gitstore
from localhub.errors import GitHubError

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.hub import Hub
    from localhub.limits import LimitSettings

MOST_BYTES = 32 * 1024 * 1024
LARGEST = 1024 * 1024
VARYING = {b"x-github-request-id", b"date"}
_KEPT = re.compile(
    r"/(repos/[^/]+/[^/]+|user|users|orgs|issues|search)(?=/|$)(?!.*/(hooks|deliveries|actions|logs)(/|$))"
)
Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What a kept answer must do again: who asks, and for what."""

    raw: bytes
    path: str
    authorization: str | None
    version: Version


@dataclass(frozen=True, slots=True)
class _Answer:
    head: bytes
    body: bytes
    actor: Actor
    resource: str
    maximum: int
    settings: LimitSettings
    expires: float | None
    unchanged: bool


class Kept:
    """The answers of one hub; used by the thread of the event loop alone."""

    def __init__(self, hub: Hub, database: Path) -> None:
        self._hub = hub
        self._watch = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._answers: dict[bytes, _Answer] = {}
        self._version: Version = (0, 0)
        self._bytes = 0

    def version(self) -> Version:
        """Another one after every commit to the database, by whatever process, and every move of a ref."""
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0]), gitstore.moves()

    def request(self, raw: bytes | None, method: str, path: str, authorization: str | None) -> Request | None:
        """Note what is asked before it is worked out, if its answer may be kept."""
        if raw is None or method != "GET" or self._hub.faults.planned or not _KEPT.match(path):
            return None
        return Request(raw, path, authorization, self.version())

    def keep(
        self, request: Request, actor: Actor, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """Keep an answer, unless something has changed since it was asked for."""
        version = self.version()
        if status not in (200, 304) or version != request.version or len(body) > LARGEST:
            return
        if actor.kind in ("app", "anonymous"):  # a JWT ends by itself; an address is not in the request
            return
        searched = request.path.startswith("/search/")
        if searched and self._hub.db.value("SELECT 1 FROM search_stale LIMIT 1"):
            return  # in a while it finds what it does not find yet
        if version != self._version or self._bytes > MOST_BYTES:
            self._answers, self._version, self._bytes = {}, version, 0
        lines = [
            name + b": " + value + b"\r\n"
            for name, value in headers
            if name.lower() not in VARYING and not name.lower().startswith(b"x-ratelimit-")
        ]
        first = b"HTTP/1.1 200 OK\r\n" if status == 200 else b"HTTP/1.1 304 Not Modified\r\n"
        limits, resource = self._hub.limits, "search" if searched else "core"
        self._answers[request.raw] = _Answer(
            first + b"".join(lines),
            body,
            actor,
            resource,
            limits.maximum(actor, resource),
            limits.settings,
            auth.expiry(self._hub, request.authorization),
            status == 304,
        )
        self._bytes += len(body) + len(request.raw)

    def answer(self, raw: bytes) -> bytes | None:
        """The whole answer to these bytes, counted as any other, if it is kept and still true."""
        hub = self._hub
        found = self._answers.get(raw)
        if found is None or hub.faults.planned or found.settings is not hub.limits.settings:
            return None
        if self.version() != self._version:
            self._answers, self._bytes = {}, 0
            return None
        if found.expires is not None and found.expires <= hub.clock.timestamp():
            return None
        try:
            counted = hub.limits.count(found.actor, found.resource, found.maximum, free=found.unchanged)
        except GitHubError:
            return None  # the long way says so
        hub.stats["api GET"] += 1
        digits = secrets.token_hex(12).upper()
        return b"%bX-GitHub-Request-Id: %b\r\n%b\r\n%b" % (
            found.head,
            f"{digits[:4]}:{digits[4:]}".encode(),
            counted,
            found.body,
        )

    def close(self) -> None:
        self._watch.close()

"""GitHub's limits of requests and of created content, counted per installation or user, with its answers.

Source: docs.github.com, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from localhub.auth import Actor
from localhub.errors import GitHubError

if TYPE_CHECKING:
    from localhub.hub import Hub

RATE_DOCS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY_DOCS = f"{RATE_DOCS}#about-secondary-rate-limits"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
CREATION = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later."  # noqa: E501


class LimitSettings(BaseModel):
    """Every number can be changed by POST /_localhub/limits; `enforced: false` switches all of them off."""

    model_config = ConfigDict(extra="forbid")
    enforced: bool = True
    primary: int = Field(5000, description="requests an hour of an installation or user")
    primary_per_repository: int = Field(50, description="more for each repository and organisation user above 20")
    primary_cap: int = 12_500
    anonymous: int = 60
    search: int = Field(30, description="searches a minute")
    graphql: int = Field(5000, description="GraphQL points an hour")
    concurrency: int = Field(100, description="requests at once")
    points: int = Field(900, description="REST points a minute: a read is 1, a write 5")
    graphql_points: int = Field(2000, description="GraphQL points a minute: a query is 1, a mutation 5")
    cpu_seconds: float = Field(90.0, description="seconds of work a minute")
    graphql_cpu_seconds: float = 60.0
    creations_minute: int = 80
    creations_hour: int = 500
    body_bytes: int = Field(25 * 1024 * 1024, description="of one REST request")
    webhook_bytes: int = Field(25 * 1024 * 1024, description="of a webhook's payload: larger ones are not sent")
    push_bytes: int = 2 * 1024**3
    object_bytes: int = 100 * 1024**2
    search_lag_seconds: float = Field(2.0, description="before search finds a change")
    mergeable_lag_seconds: float = Field(0.3, description="before a pull request's `mergeable` is known")


@dataclass
class _Window:
    """A fixed window, as GitHub's primary limit is: it starts with the first request and ends at `reset`."""

    used: int = 0
    reset: float = 0.0


@dataclass
class _Recent:
    """What was counted in the last `seconds`, and its sum, so that a request costs the same after a thousand others."""

    entries: deque[tuple[float, float]] = field(default_factory=deque)
    total: float = 0.0

    def forget(self, before: float, after: float) -> None:
        """Drop what is older than `before`; and what is newer than `after`: the clock was set back."""
        entries = self.entries
        while entries and (entries[0][0] <= before or entries[0][0] > after):
            self.total -= entries.popleft()[1]
        if not entries:
            self.total = 0.0

    def add(self, now: float, amount: float) -> None:
        self.entries.append((now, amount))
        self.total += amount


@dataclass
class _Bucket:
    primary: dict[str, _Window] = field(default_factory=dict)
    recent: dict[str, _Recent] = field(default_factory=dict)
    active: int = 0


class Limits:
    """All counters, in memory: a restart forgets them, which errs on the client's side."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._active = 0
        self.settings = LimitSettings()

    def change(self, settings: dict[str, Any]) -> None:
        self.settings = LimitSettings(**(self.settings.model_dump() | settings))

    def reset(self) -> None:
        with self._lock:
            self._buckets.clear()

    def maximum(self, actor: Actor, resource: str) -> int:
        settings = self.settings
        match resource:
            case "graphql":
                return settings.graphql
            case "search":
                return settings.search
            case _ if actor.kind == "anonymous":
                return settings.anonymous
            case _ if actor.installation_id:
                return min(settings.primary_cap, settings.primary + self._extra(actor.installation_id))
            case _:
                return settings.primary

    def _extra(self, installation_id: int) -> int:
        db = self._hub.db
        repositories = len(self._hub.access.installed(installation_id))
        people: int = db.value(
            "SELECT COUNT(*) FROM org_members m JOIN installations i ON i.account_id = m.org_id WHERE i.id = ?",
            installation_id,
        )
        return self.settings.primary_per_repository * (max(0, repositories - 20) + max(0, people - 20))

    def begin(self, actor: Actor, resource: str, points: int) -> None:
        """Count a request that starts; raises GitHub's answer when a limit is passed. Pair with `end`."""
        now = self._hub.clock.timestamp()
        maximum = self.maximum(actor, resource)
        with self._lock:
            bucket = self._buckets.setdefault(actor.key, _Bucket())
            window = _current(bucket, resource, now)
            settings = self.settings
            if settings.enforced and resource != "graphql" and window.used >= maximum:
                raise self._primary(actor, resource, window, maximum)
            if settings.enforced:
                self._secondary(bucket, resource, points, now)
            if resource != "graphql":
                window.used += 1
                _recent(bucket, "points", now, 60).add(now, points)
            bucket.active += 1
            self._active += 1

    def count(self, actor: Actor, resource: str, maximum: int, *, free: bool) -> bytes:
        """`begin`, `end` and `headers` in one, for a read that takes no time; the header lines, `free` for a 304."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._buckets.setdefault(actor.key, _Bucket())
            window = _current(bucket, resource, now)
            if self.settings.enforced:
                if window.used >= maximum:
                    raise self._primary(actor, resource, window, maximum)
                self._secondary(bucket, resource, 1, now)
            window.used += not free
            _recent(bucket, "points", now, 60).add(now, 1)
            used, reset = window.used, int(window.reset)
        return (
            f"X-RateLimit-Limit: {maximum}\r\nX-RateLimit-Remaining: {max(0, maximum - used)}\r\n"
            f"X-RateLimit-Reset: {reset}\r\nX-RateLimit-Used: {used}\r\nX-RateLimit-Resource: {resource}\r\n"
        ).encode()

    def end(self, actor: Actor, resource: str, seconds: float, *, refund: bool = False) -> None:
        """The request has ended; `refund` for a 304, which is free for the primary limit."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._buckets.setdefault(actor.key, _Bucket())
            bucket.active = max(0, bucket.active - 1)
            # The work of one machine, shared with the requests that ran beside it: waiting is no CPU time.
            share = seconds / max(1, self._active)
            self._active = max(0, self._active - 1)
            _recent(bucket, "cpu graphql" if resource == "graphql" else "cpu", now, 60).add(now, share)
            if refund:
                window = _current(bucket, resource, now)
                window.used = max(0, window.used - 1)

    def _secondary(self, bucket: _Bucket, resource: str, points: int, now: float) -> None:
        settings = self.settings
        if bucket.active >= settings.concurrency:
            raise _denied(SECONDARY, 60)
        if resource != "graphql" and _recent(bucket, "points", now, 60).total + points > settings.points:
            raise _denied(SECONDARY, _wait(bucket.recent["points"], now, 60))
        graphql = _recent(bucket, "cpu graphql", now, 60).total
        if graphql + _recent(bucket, "cpu", now, 60).total > settings.cpu_seconds:
            raise _denied(SECONDARY, 60)
        if resource == "graphql" and graphql > settings.graphql_cpu_seconds:
            raise _denied(SECONDARY, 60)

    def charge_graphql(self, actor: Actor, cost: int, mutations: int) -> None:
        """Count a GraphQL document: `cost` of the hourly points, and 1 or 5 for each mutation of the minute's.

        Raises GitHubError with status 200 when the hourly points are used up: the caller answers with `errors`.
        """
        now = self._hub.clock.timestamp()
        maximum = self.maximum(actor, "graphql")
        points = 5 * mutations or 1
        with self._lock:
            bucket = self._buckets.setdefault(actor.key, _Bucket())
            window = _current(bucket, "graphql", now)
            if self.settings.enforced:
                if window.used + cost > maximum:
                    raise GitHubError(200, f"API rate limit exceeded for {_who(actor)}.")
                if _recent(bucket, "graphql points", now, 60).total + points > self.settings.graphql_points:
                    raise _denied(SECONDARY, _wait(bucket.recent["graphql points"], now, 60))
            window.used += cost
            _recent(bucket, "graphql points", now, 60).add(now, points)

    def created(self, actor: Actor) -> None:
        """Count a created issue, pull request, comment or review, before it is made."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._buckets.setdefault(actor.key, _Bucket())
            hour = _recent(bucket, "created", now, 3600)
            minute = _recent(bucket, "created lately", now, 60)
            if self.settings.enforced:
                if minute.total >= self.settings.creations_minute:
                    raise _denied(CREATION, 60)
                if hour.total >= self.settings.creations_hour:
                    raise _denied(CREATION, _wait(hour, now, 3600))
            hour.add(now, 1)
            minute.add(now, 1)
        self._hub.stats["created"] += 1

    def headers(self, actor: Actor, resource: str) -> dict[str, str]:
        state = self.state(actor, resource)
        return {f"X-RateLimit-{name.title()}": str(value) for name, value in state.items()} | {
            "X-RateLimit-Resource": resource
        }

    def state(self, actor: Actor, resource: str) -> dict[str, int]:
        """limit, remaining, reset and used, as GET /rate_limit shows them."""
        maximum = self.maximum(actor, resource)
        with self._lock:
            window = _current(self._buckets.setdefault(actor.key, _Bucket()), resource, self._hub.clock.timestamp())
            return {
                "limit": maximum,
                "remaining": max(0, maximum - window.used),
                "reset": int(window.reset),
                "used": window.used,
            }

    def _primary(self, actor: Actor, resource: str, window: _Window, maximum: int) -> GitHubError:
        return GitHubError(
            403,
            f"API rate limit exceeded for {_who(actor)}.",
            documentation_url=RATE_DOCS,
            headers={
                "X-RateLimit-Limit": str(maximum),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(window.reset)),
                "X-RateLimit-Used": str(window.used),
                "X-RateLimit-Resource": resource,
            },
        )


def _who(actor: Actor) -> str:
    match actor.kind:
        case "installation":
            return f"installation ID {actor.installation_id}"
        case "anonymous":
            return "127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)"  # noqa: E501
        case _:
            return f"user ID {actor.account_id}"


def _denied(message: str, seconds: float) -> GitHubError:
    return GitHubError(
        403, message, documentation_url=SECONDARY_DOCS, headers={"Retry-After": str(max(1, int(seconds)))}
    )


def _current(bucket: _Bucket, resource: str, now: float) -> _Window:
    window = bucket.primary.get(resource)
    if window is None or window.reset <= now:
        window = bucket.primary[resource] = _Window(0, float(int(now) + (60 if resource == "search" else 3600)))
    return window


def _recent(bucket: _Bucket, name: str, now: float, seconds: float) -> _Recent:
    """What was counted in the last `seconds`, older entries dropped."""
    found = bucket.recent.get(name)
    if found is None:
        found = bucket.recent[name] = _Recent()
    found.forget(now - seconds, now + 1)
    return found


def _wait(recent: _Recent, now: float, seconds: float) -> float:
    return recent.entries[0][0] + seconds - now + 1 if recent.entries else seconds

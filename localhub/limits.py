"""GitHub's limits of requests and of created content, counted per installation or user, with its answers.

Source: docs.github.com, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub.auth import Actor
from localhub.counters import Bucket, Window, current, recent, wait
from localhub.errors import GitHubError
from localhub.limitsettings import LimitSettings as LimitSettings
from localhub.limitwords import CREATION, RATE_DOCS, SECONDARY, denied, exceeded

if TYPE_CHECKING:
    from localhub.hub import Hub


class Limits:
    """All counters, in memory. The hourly ones outlive a restart (`limitfile.py`), those of the last minute do not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self._active = 0
        self.settings = LimitSettings()

    def change(self, settings: dict[str, Any]) -> None:
        self.settings = LimitSettings(**(self.settings.model_dump() | settings))

    def reset(self) -> None:
        with self._lock:
            self._buckets.clear()

    def _bucket(self, actor: Actor) -> Bucket:
        """The actor's counters; with the lock."""
        found = self._buckets.get(actor.key)
        if found is None:
            found = self._buckets[actor.key] = Bucket()
        return found

    def maximum(self, actor: Actor, resource: str) -> int:
        settings = self.settings
        nobody = actor.kind == "anonymous"
        match resource:
            case "search":
                return settings.search_anonymous if nobody else settings.search
            case "integration_manifest":
                return settings.manifests
            case _ if nobody:
                return 0 if resource == "graphql" else settings.anonymous
            case _ if actor.kind == "actions":
                return settings.actions
        base = settings.graphql if resource == "graphql" else settings.primary
        if actor.installation_id:
            return max(base, min(settings.primary_cap, base + self._extra(actor.installation_id)))
        return base

    def _extra(self, installation_id: int) -> int:
        """Requests for the repositories and people of an installation beyond the first twenty."""
        more = self._hub.known.get(("more", installation_id), lambda: self._more(installation_id))
        return self.settings.primary_per_repository * more

    def _more(self, installation_id: int) -> int:
        db = self._hub.db
        repositories = len(self._hub.access.installed(installation_id))
        people: int = db.value(
            "SELECT COUNT(*) FROM org_members m JOIN installations i ON i.account_id = m.org_id WHERE i.id = ?",
            installation_id,
        )
        return max(0, repositories - 20) + max(0, people - 20)

    def begin(self, actor: Actor, resource: str, points: int) -> None:
        """Count a request that starts; raises GitHub's answer when a limit is passed. Pair with `end`."""
        now = self._hub.clock.timestamp()
        maximum = self.maximum(actor, resource)
        with self._lock:
            bucket = self._bucket(actor)
            window = current(bucket, resource, now)
            settings = self.settings
            if settings.enforced and resource != "graphql" and window.used >= maximum:
                raise self._primary(actor, resource, window, maximum)
            if settings.enforced:
                self._secondary(bucket, resource, points, now)
            if resource != "graphql":
                window.used += 1
                recent(bucket, "points", now, 60).blend(now, points)
            bucket.active += 1
            self._active += 1

    def count(self, actor: Actor, resource: str, maximum: int, *, free: bool) -> bytes:
        """`begin`, `end` and `headers` in one, for a read that takes no time; the header lines, `free` for a 304."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._bucket(actor)
            window = current(bucket, resource, now)
            if self.settings.enforced:
                if window.used >= maximum:
                    raise self._primary(actor, resource, window, maximum)
                self._secondary(bucket, resource, 1, now)
            window.used += not free
            recent(bucket, "points", now, 60).blend(now, 1)
            used, reset = window.used, int(window.reset)
        return (
            f"X-RateLimit-Limit: {maximum}\r\nX-RateLimit-Remaining: {max(0, maximum - used)}\r\n"
            f"X-RateLimit-Reset: {reset}\r\nX-RateLimit-Used: {used}\r\nX-RateLimit-Resource: {resource}\r\n"
        ).encode()

    def refund(self, actor: Actor, resource: str) -> None:
        """Take a request back from the primary limit, for which a 304 is free."""
        now = self._hub.clock.timestamp()
        with self._lock:
            window = current(self._bucket(actor), resource, now)
            window.used = max(0, window.used - 1)

    def end(self, actor: Actor, resource: str, seconds: float) -> None:
        """The request has ended; the process worked for `seconds` (of CPU) while it was under way."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._bucket(actor)
            bucket.active = max(0, bucket.active - 1)
            # Nobody knows whose work it was: it is shared among the requests that ran side by side.
            share = seconds / max(1, self._active)
            self._active = max(0, self._active - 1)
            recent(bucket, "cpu graphql" if resource == "graphql" else "cpu", now, 60).blend(now, share)

    def _secondary(self, bucket: Bucket, resource: str, points: int, now: float) -> None:
        settings = self.settings
        if bucket.active >= settings.concurrency:
            raise denied(SECONDARY, 60)
        if resource != "graphql" and recent(bucket, "points", now, 60).total + points > settings.points:
            raise denied(SECONDARY, wait(bucket.recent["points"], now, 60))
        graphql = recent(bucket, "cpu graphql", now, 60).total
        if graphql + recent(bucket, "cpu", now, 60).total > settings.cpu_seconds:
            raise denied(SECONDARY, 60)
        if resource == "graphql" and graphql > settings.graphql_cpu_seconds:
            raise denied(SECONDARY, 60)

    def charge_graphql(self, actor: Actor, cost: int, mutations: int) -> None:
        """Count a GraphQL document: `cost` of the hourly points, and 1 or 5 for each mutation of the minute's.

        Raises GitHubError with status 200 when the hourly points are used up: the caller answers with `errors`.
        """
        now = self._hub.clock.timestamp()
        maximum = self.maximum(actor, "graphql")
        points = 5 * mutations or 1
        with self._lock:
            bucket = self._bucket(actor)
            window = current(bucket, "graphql", now)
            if self.settings.enforced:
                if window.used + cost > maximum:
                    raise GitHubError(200, exceeded(actor))
                if recent(bucket, "graphql points", now, 60).total + points > self.settings.graphql_points:
                    raise denied(SECONDARY, wait(bucket.recent["graphql points"], now, 60))
            window.used += cost
            recent(bucket, "graphql points", now, 60).blend(now, points)

    def created(self, actor: Actor) -> None:
        """Count a created issue, pull request, comment or review, before it is made."""
        now = self._hub.clock.timestamp()
        with self._lock:
            bucket = self._bucket(actor)
            hour = recent(bucket, "created", now, 3600)
            minute = recent(bucket, "created lately", now, 60)
            if self.settings.enforced:
                if minute.total >= self.settings.creations_minute:
                    raise denied(CREATION, 60)
                if hour.total >= self.settings.creations_hour:
                    raise denied(CREATION, wait(hour, now, 3600))
            hour.add(now, 1)
            minute.add(now, 1)
        self._hub.stats["created"] += 1

    def snapshot(self) -> dict[str, Any]:
        """What a restart must not forget: the windows of the primary limits and the creations of the last hour."""
        now = self._hub.clock.timestamp()
        with self._lock:
            return {
                key: {
                    "primary": {name: [w.used, w.reset] for name, w in bucket.primary.items() if w.reset > now},
                    "created": [moment for moment, _ in recent(bucket, "created", now, 3600).entries],
                }
                for key, bucket in self._buckets.items()
            }

    def restore(self, buckets: dict[str, Any]) -> None:
        now = self._hub.clock.timestamp()
        with self._lock:
            for key, saved in buckets.items():
                bucket = self._buckets[key] = Bucket()
                for name, (used, reset) in saved["primary"].items():
                    bucket.primary[name] = Window(used, reset)
                for moment in saved["created"]:
                    recent(bucket, "created", now, 3600).add(moment, 1)
                    if moment > now - 60:
                        recent(bucket, "created lately", now, 60).add(moment, 1)

    def headers(self, actor: Actor, resource: str) -> list[tuple[bytes, bytes]]:
        """The header lines that say where the actor stands."""
        state = self.state(actor, resource)
        return [
            (b"x-ratelimit-limit", b"%d" % state["limit"]),
            (b"x-ratelimit-remaining", b"%d" % state["remaining"]),
            (b"x-ratelimit-reset", b"%d" % state["reset"]),
            (b"x-ratelimit-used", b"%d" % state["used"]),
            (b"x-ratelimit-resource", resource.encode()),
        ]

    def state(self, actor: Actor, resource: str) -> dict[str, int]:
        """limit, remaining, reset and used, as GET /rate_limit shows them."""
        return self.states(actor, (resource,))[resource]

    def states(self, actor: Actor, resources: Sequence[str]) -> dict[str, dict[str, int]]:
        """The `state` of each resource."""
        limits = {name: self.maximum(actor, name) for name in resources}
        found = {}
        with self._lock:
            bucket, now = self._bucket(actor), self._hub.clock.timestamp()
            for name, limit in limits.items():
                window = current(bucket, name, now)
                left, reset = max(0, limit - window.used), int(window.reset)
                found[name] = {"limit": limit, "remaining": left, "reset": reset, "used": window.used}
        return found

    def _primary(self, actor: Actor, resource: str, window: Window, maximum: int) -> GitHubError:
        return GitHubError(
            403,
            exceeded(actor),
            documentation_url=RATE_DOCS,
            headers={
                "X-RateLimit-Limit": str(maximum),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(window.reset)),
                "X-RateLimit-Used": str(window.used),
                "X-RateLimit-Resource": resource,
            },
        )

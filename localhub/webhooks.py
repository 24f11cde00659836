"""Webhooks of apps and repositories: queued with the change that caused them, sent in order, kept for good.

As on GitHub there is one try of 10 seconds; a failure waits for a redelivery, which has the same GUID. What was
queued outlives `kill -9`; a delivery that was under way then is sent again, with its GUID.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import orjson

from localhub import subscriptions
from localhub.delivering import Courier, Target, body_of, headers_of
from localhub.events import Event
from localhub.faults import Rule
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

UNASKED = {"installation", "installation_repositories", "github_app_authorization"}
_Lane = tuple[str, int, int | None]


class Webhooks:
    """One lane per receiver and repository; a lane sends one delivery at a time, in the order of their commits."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lanes: dict[_Lane, deque[int]] = {}
        self._active: set[_Lane] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="localhub-webhook")
        self._courier = Courier()
        self._closed = threading.Event()

    def queue(self, event: Event) -> None:
        """Write a delivery for each app and hook that gets this event; they go out after the commit."""
        installations, hooks = self._heard_by(event)
        for installation, app in installations:
            if app["webhook_url"] and app["webhook_active"]:
                about = {"id": installation["id"], "node_id": node_id("Installation", installation["id"])}
                payload = self._payload(event) | {"installation": event.payload.get("installation", about)}
                self._write(event, payload, app["webhook_url"], app_id=app["id"], installation_id=installation["id"])
        for hook in hooks:
            self._write(event, self._payload(event), hook["url"], hook_id=hook["id"])

    def send(self, hook: Row, event: Event) -> None:
        """Queue an event for this hook of a repository only, whatever it listens to: a ping or a test."""
        self._write(event, self._payload(event), hook["url"], hook_id=hook["id"])

    def redeliver(self, delivery: Row) -> int:
        """Send it again with the same GUID and payload, to where the hook is now."""
        target = self._target(delivery)
        kept = ("guid", "app_id", "hook_id", "installation_id", "repo_id", "event", "action", "payload")
        with self._hub.tx():
            again = self._hub.db.insert(
                "deliveries",
                redelivery=1,
                url=target.url or delivery["url"],
                queued_at=self._hub.now(),
                **{name: delivery[name] for name in kept},
            )
            self._after_commit(again, _lane(delivery), delivery["event"], delivery["action"])
        return again

    def pending(self) -> int:
        """Deliveries that wait or are being sent, repeated ones too."""
        written = int(self._hub.db.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL"))
        with self._lock:
            return max(written, sum(map(len, self._lanes.values())) + len(self._active))

    def start(self) -> None:
        """Send what an earlier process had queued and not sent, in its order."""
        columns = "id, app_id, hook_id, repo_id"
        for row in self._hub.db.rows(f"SELECT {columns} FROM deliveries WHERE delivered_at IS NULL ORDER BY id"):  # noqa: S608
            self._push(row["id"], _lane(row))

    def close(self) -> None:
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._courier.close()

    def _heard_by(self, event: Event) -> tuple[list[tuple[Row, Row]], list[Row]]:
        """The installations that get this event, each with its app, and the repository's own hooks that do."""
        db, repo, name = self._hub.db, event.repo, event.name
        if event.installation is not None:
            row = db.get("installations", event.installation)
            return [(row, db.get("apps", row["app_id"]))], []
        if repo is None:
            return [], []
        installed, hooks = self._hub.known.get(("heard", repo), lambda: (self._installed(repo), self._hooks(repo)))
        if event.app is not None:
            return [(row, app) for row, app, _ in installed if row["app_id"] == event.app], []
        return (
            [(row, app) for row, app, heard in installed if name in UNASKED or name in heard],
            [row for row, heard in hooks if "*" in heard or name in heard],
        )

    def _installed(self, repo: int) -> list[tuple[Row, Row, frozenset[str]]]:
        """The installations on a repository, with their apps and the events that each is sent."""
        rows = self._hub.db.rows(
            """SELECT i.* FROM installations i JOIN repos r ON r.owner_id = i.account_id
               WHERE r.id = ? AND i.suspended_at IS NULL
               AND (i.repository_selection = 'all' OR EXISTS (
                 SELECT 1 FROM installation_repos s WHERE s.installation_id = i.id AND s.repo_id = r.id))
               ORDER BY i.id""",
            repo,
        )
        return [
            (
                row,
                self._hub.db.get("apps", row["app_id"]),
                frozenset(subscriptions.kept(json.loads(row["events"]), json.loads(row["permissions"]))),
            )
            for row in rows
        ]

    def _hooks(self, repo: int) -> list[tuple[Row, frozenset[str]]]:
        """The repository's own hooks, with what they listen to."""
        rows = self._hub.db.rows("SELECT * FROM hooks WHERE repo_id = ? AND active ORDER BY id", repo)
        return [(row, frozenset(json.loads(row["events"]))) for row in rows]

    def _payload(self, event: Event) -> dict[str, Any]:
        from localhub.render import accounts, repos

        payload: dict[str, Any] = {} if event.action is None else {"action": event.action}
        payload |= event.payload
        if event.repo is not None:
            repo = self._hub.access.repo_by_id(event.repo)
            payload.setdefault("repository", repos.webhook(self._hub, repo))
            if repo["owner_type"] == "Organization":
                payload.setdefault("organization", accounts.organization(self._hub, repo["owner_id"]))
        payload.setdefault("sender", accounts.simple_user(self._hub, event.sender))
        return payload

    def _write(self, event: Event, payload: dict[str, Any], url: str, **receiver: int) -> None:
        whole = orjson.dumps(payload)
        if len(whole) > self._hub.limits.settings.webhook_bytes:
            self._hub.stats["webhooks too large"] += 1
            return
        delivery = self._hub.db.insert(
            "deliveries",
            guid=str(uuid.uuid4()),
            repo_id=event.repo,
            event=event.name,
            action=event.action,
            payload=whole.decode(),
            url=url,
            queued_at=self._hub.now(),
            **receiver,
        )
        lane = _lane({"app_id": None, "hook_id": None, **receiver, "repo_id": event.repo})
        self._after_commit(delivery, lane, event.name, event.action)

    def _after_commit(self, delivery: int, lane: _Lane, event: str, action: str | None) -> None:
        def fault(kind: str) -> Rule | None:
            return self._hub.faults.webhook(kind, event, action)

        if fault("webhook_drop"):
            self._hub.db.update(
                "deliveries", delivery, delivered_at=self._hub.now(), duration=0.0, status="dropped", status_code=0,
                request_headers="{}",
            )  # fmt: skip
            return
        copies = 2 if fault("webhook_repeat") else 1
        late = fault("webhook_late")
        reorder = fault("webhook_reorder") is not None

        def go() -> None:
            for _ in range(copies):
                self._push(delivery, lane, reorder=reorder)

        def start() -> None:
            if late:
                self._hub.background.later(late.seconds, "late webhooks", go)
            else:
                go()

        self._hub.db.at_commit(start)

    def _push(self, delivery: int, lane: _Lane, *, reorder: bool = False) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            waiting = self._lanes.setdefault(lane, deque())
            if reorder:
                # Held back until the lane's next delivery has gone, or for a second when there is none.
                self._hub.background.later(1.0, "reordered webhooks", self._push, delivery, lane)
                return
            waiting.append(delivery)
            if lane not in self._active:
                self._active.add(lane)
                self._pool.submit(self._run, lane)

    def _run(self, lane: _Lane) -> None:
        while not self._closed.is_set():
            with self._lock:
                waiting = self._lanes[lane]
                if not waiting:
                    self._active.discard(lane)
                    return
                delivery = waiting.popleft()
            self._send(delivery)

    def _target(self, delivery: Row) -> Target:
        if delivery["hook_id"] is not None:
            hook = self._hub.db.get("hooks", delivery["hook_id"])
            return Target(
                hook["id"], hook["url"], hook["secret"], hook["content_type"], hook["insecure_ssl"] == "1",
                "repository", hook["repo_id"],
            )  # fmt: skip
        app = self._hub.db.get("apps", delivery["app_id"])
        return Target(
            app["id"], app["webhook_url"], app["webhook_secret"], app["webhook_content_type"],
            app["webhook_insecure_ssl"] == "1", "integration", app["id"],
        )  # fmt: skip

    def _send(self, delivery_id: int) -> None:
        delivery = self._hub.db.row("SELECT * FROM deliveries WHERE id = ?", delivery_id)
        if delivery is None:
            return  # its hook was deleted meanwhile
        target = self._target(delivery)
        body = body_of(target, delivery["payload"])
        headers = headers_of(target, delivery["guid"], delivery["event"], body)
        url = target.url or delivery["url"]
        outcome = self._courier.post(target, url, headers, body)
        if self._closed.is_set() and outcome.status_code == 0:
            return  # the hub stops: it stays pending and goes out at the next start
        with self._hub.tx():
            self._hub.db.update(
                "deliveries",
                delivery_id,
                url=url,
                delivered_at=self._hub.now(),
                duration=outcome.seconds,
                status=outcome.status,
                status_code=outcome.status_code,
                request_headers=json.dumps(headers),
                response_headers=json.dumps(outcome.headers),
                response_body=outcome.body,
            )
            if delivery["hook_id"] is not None:
                fine = 200 <= outcome.status_code < 400
                self._hub.db.update(
                    "hooks", delivery["hook_id"], last_code=outcome.status_code,
                    last_status="active" if fine else "misconfigured", last_message=outcome.status,
                )  # fmt: skip


def _lane(delivery: Any) -> _Lane:
    hook = delivery["hook_id"]
    return ("app", delivery["app_id"], delivery["repo_id"]) if hook is None else ("hook", hook, None)

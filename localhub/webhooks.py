"""Webhooks of apps: queued with the change that caused them, signed, sent in order per repository, kept for good.

As on GitHub there is one try of 10 seconds; a failure waits for a redelivery, which has the same GUID.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from localhub.events import Event
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

TIMEOUT = 10.0
MAX_BYTES = 25 * 1024 * 1024
UNASKED = {"installation", "installation_repositories", "github_app_authorization"}
_Lane = tuple[int, int | None]


class Webhooks:
    """One lane per app and repository; a lane sends one delivery at a time."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lanes: dict[_Lane, deque[int]] = {}
        self._active: set[_Lane] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="localhub-webhook")
        self._client = httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        self._closed = threading.Event()

    def queue(self, event: Event) -> None:
        """Write a delivery for each app that gets this event; they go out after the commit."""
        for installation in self._receivers(event):
            app = self._hub.db.get("apps", installation["app_id"])
            if not app["webhook_url"] or not app["webhook_active"]:
                continue
            payload = json.dumps(self._payload(event, installation), separators=(",", ":"), ensure_ascii=False)
            if len(payload) > MAX_BYTES:
                self._hub.stats["webhooks too large"] += 1
                continue
            delivery = self._hub.db.insert(
                "deliveries",
                guid=str(uuid.uuid4()),
                app_id=app["id"],
                installation_id=installation["id"],
                repo_id=event.repo,
                event=event.name,
                action=event.action,
                payload=payload,
                url=app["webhook_url"],
                queued_at=self._hub.now(),
            )
            self._after_commit(delivery, (app["id"], event.repo))

    def redeliver(self, delivery: Row) -> int:
        """Send it again with the same GUID and payload, to where the app's hook is now."""
        app = self._hub.db.get("apps", delivery["app_id"])
        with self._hub.tx():
            again = self._hub.db.insert(
                "deliveries",
                redelivery=1,
                url=app["webhook_url"] or delivery["url"],
                queued_at=self._hub.now(),
                **{
                    name: delivery[name]
                    for name in ("guid", "app_id", "installation_id", "repo_id", "event", "action", "payload")
                },
            )
            self._after_commit(again, (app["id"], delivery["repo_id"]))
        return again

    def pending(self) -> int:
        """Deliveries that wait or are being sent, repeated ones too."""
        written = int(self._hub.db.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL"))
        with self._lock:
            return max(written, sum(map(len, self._lanes.values())) + len(self._active))

    def start(self) -> None:
        """Send what an earlier process had queued and not sent."""
        for row in self._hub.db.rows("SELECT id, app_id, repo_id FROM deliveries WHERE delivered_at IS NULL"):
            self._push(row["id"], (row["app_id"], row["repo_id"]))

    def close(self) -> None:
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _receivers(self, event: Event) -> list[Row]:
        db = self._hub.db
        if event.installation is not None:
            return db.rows("SELECT * FROM installations WHERE id = ?", event.installation)
        if event.repo is None:
            return []
        rows = db.rows(
            """SELECT i.* FROM installations i JOIN repos r ON r.owner_id = i.account_id
               WHERE r.id = ? AND i.suspended_at IS NULL AND (? IS NULL OR i.app_id = ?)
               AND (i.repository_selection = 'all' OR EXISTS (
                 SELECT 1 FROM installation_repos s WHERE s.installation_id = i.id AND s.repo_id = r.id))
               ORDER BY i.id""",
            event.repo,
            event.app,
            event.app,
        )
        return [row for row in rows if event.app or event.name in UNASKED or event.name in json.loads(row["events"])]

    def _payload(self, event: Event, installation: Row) -> dict[str, Any]:
        from localhub.render import accounts, repos

        payload: dict[str, Any] = {} if event.action is None else {"action": event.action}
        payload |= event.payload
        if event.repo is not None:
            repo = self._hub.access.repo_by_id(event.repo)
            payload.setdefault("repository", repos.webhook(self._hub, repo))
            if repo["owner_type"] == "Organization":
                payload.setdefault("organization", accounts.organization(self._hub, repo["owner_id"]))
        payload.setdefault("sender", accounts.simple_user(self._hub, event.sender))
        payload.setdefault(
            "installation", {"id": installation["id"], "node_id": node_id("Installation", installation["id"])}
        )
        return payload

    def _after_commit(self, delivery: int, lane: _Lane) -> None:
        faults = self._hub.faults
        if faults.hit("webhook_drop"):
            self._hub.db.update(
                "deliveries", delivery, delivered_at=self._hub.now(), duration=0.0, status="dropped", status_code=0,
                request_headers="{}",
            )  # fmt: skip
            return
        copies = 2 if faults.hit("webhook_repeat") else 1
        late = faults.delay("webhook_late")
        reorder = faults.hit("webhook_reorder")

        def go() -> None:
            for _ in range(copies):
                self._push(delivery, lane, reorder=reorder)

        if late:
            self._hub.db.after_commit(lambda: self._hub.background.later(late, "late webhooks", go))
        else:
            self._hub.db.after_commit(go)

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

    def _send(self, delivery_id: int) -> None:
        delivery = self._hub.db.get("deliveries", delivery_id)
        app = self._hub.db.get("apps", delivery["app_id"])
        body = delivery["payload"].encode()
        headers = _headers(delivery, app, body)
        started = time.monotonic()
        status_code, status, response_headers, response_body = 0, "failed to connect to host", {}, ""
        try:
            response = self._client.post(delivery["url"], content=body, headers=headers)
            status_code, status = response.status_code, response.reason_phrase or "OK"
            response_headers, response_body = dict(response.headers), response.text[:64_000]
        except httpx.TimeoutException:
            status = "timed out"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status = f"failed to connect to host: {error}"
        if self._closed.is_set() and status_code == 0:
            return  # the hub stops: it stays pending and goes out at the next start
        with self._hub.tx():
            self._hub.db.update(
                "deliveries",
                delivery_id,
                delivered_at=self._hub.now(),
                duration=round(time.monotonic() - started, 3),
                status=status,
                status_code=status_code,
                request_headers=json.dumps(headers),
                response_headers=json.dumps(response_headers),
                response_body=response_body,
            )


def sign(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """GitHub's signature header of a payload."""
    return f"{algorithm}={hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()}"


def _headers(delivery: Row, app: Row, body: bytes) -> dict[str, str]:
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/localhub",
        "X-GitHub-Delivery": delivery["guid"],
        "X-GitHub-Event": delivery["event"],
        "X-GitHub-Hook-ID": str(app["id"]),
        "X-GitHub-Hook-Installation-Target-ID": str(app["id"]),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if app["webhook_secret"]:
        headers["X-Hub-Signature"] = sign(app["webhook_secret"], body, "sha1")
        headers["X-Hub-Signature-256"] = sign(app["webhook_secret"], body)
    return headers

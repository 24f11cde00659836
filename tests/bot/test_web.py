"""The door for webhooks, over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
import uvicorn

from bot.web import MAX_BODY, Intake, create_app
from bot.webhooks import Malformed
from planner.model import Address

SECRET = "hush"
NODE = Address(kind="task", key="a")


class Door:
    """A running server over a toy engine, and a client that signs as GitHub does."""

    def __init__(self, toy: Any) -> None:
        self.toy = toy
        self.engine = toy.engine()
        app = create_app(SECRET, self.engine, self.intake, toy.counts, self.check)
        self.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        toy.until(lambda: self.server.started)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        self.broken = False

    def check(self) -> None:
        if self.broken:
            raise OSError("the database is gone")
        self.engine.database.check()

    def intake(self, event: str, guid: str, payload: Mapping[str, Any]) -> Intake:
        if "name" not in payload:
            raise Malformed("there is no name")
        if event == "ping":
            return Intake()
        return Intake(((NODE, f"{event}:{payload['name']}", self.toy.Order(name=payload["name"])),))

    def post(self, body: Any, event: str | None = "issues", guid: str | None = "g1", **headers: str) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        sent = {"X-Hub-Signature-256": signature, "X-GitHub-Event": event, "X-GitHub-Delivery": guid, **headers}
        present = {name: value for name, value in sent.items() if value}
        return self.client.post("/webhook", content=raw, headers=present)

    def close(self) -> None:
        self.client.close()
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def door(toy: Any) -> Iterator[Door]:
    made = Door(toy)
    yield made
    made.close()


def test_a_signed_delivery_is_stored_and_handled_once(door: Door) -> None:
    assert (door.post({"name": "x"}).status_code, door.post({"name": "x"}).json()["status"]) == (202, "duplicate")
    assert door.post({"name": "x"}, guid="g2").json() == {"status": "accepted"}
    door.toy.settle()
    assert door.toy.ledger.names() == ["x"], "redelivered under another GUID it is the same fact"
    assert door.toy.counts()["deliveries"] == 2


@pytest.mark.parametrize("signature", ["", "sha256=00", "sha1=abc", "sha256=" + "0" * 64, "sha256=é"])
def test_without_the_right_signature_nothing_is_stored(door: Door, signature: str) -> None:
    raw = json.dumps({"name": "x"}).encode()
    headers = {b"X-GitHub-Event": b"issues", b"X-GitHub-Delivery": b"g"}
    if signature:
        headers[b"X-Hub-Signature-256"] = signature.encode()
    answer = door.client.post("/webhook", content=raw, headers=headers)
    assert answer.status_code == 401
    assert "compare the webhook's secret" in answer.json()["message"]
    assert door.toy.counts()["deliveries"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"other": 1}', b"[" * 200_000])
def test_a_body_that_is_no_payload_is_a_bad_request(door: Door, body: bytes) -> None:
    answer = door.post(body)
    assert answer.status_code == 400
    assert "not a payload of issues" in answer.json()["message"]
    assert door.toy.counts()["deliveries"] == 0


def test_missing_headers_are_a_bad_request(door: Door) -> None:
    assert door.post({"name": "x"}, event=None).status_code == 400
    assert door.post({"name": "x"}, guid=None).status_code == 400


def test_an_unknown_event_is_ignored(door: Door) -> None:
    answer = door.post({"name": "x"}, event="star")
    assert (answer.status_code, answer.json()["status"]) == (202, "ignored")
    assert door.toy.counts()["deliveries"] == 0


def test_an_event_that_means_nothing_here_is_noted(door: Door) -> None:
    assert door.post({"name": "x"}, event="ping").json() == {"status": "ignored"}
    assert door.toy.counts()["deliveries"] == 1


def test_a_body_above_githubs_limit_is_refused(door: Door) -> None:
    assert door.post(b" " * (MAX_BODY + 1)).status_code == 413


def test_health_and_status(door: Door) -> None:
    assert door.client.get("/healthz").status_code == 200
    assert door.client.get("/status.json").json()["unconsumed"] == 0
    forwarded = door.client.get("/status.json", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status_code == 403, "it is not for the other side of a proxy"
    door.broken = True
    assert door.client.get("/healthz").status_code == 503
    door.broken = False
    door.toy.stop(door.engine)
    answer = door.client.get("/healthz")
    assert (answer.status_code, answer.json()["message"]) == (503, "the engine is not running")

"""The webhook's door: what is not GitHub's, not JSON or not known; and the same delivery twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.xdist_group("scenarios-loop")


def send(world: Any, event: str, body: bytes, *, secret: str | None, guid: str | None = None) -> httpx.Response:
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "Content-Type": "application/json",
    }
    if secret is not None:
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return httpx.post(f"{world.stage.bot_url}/webhook", content=body, headers=headers, timeout=10)


def test_what_the_door_refuses_and_ignores(world: Any) -> None:
    secret = world.stage._secret
    number = world.open()
    world.label(number)
    labeled = world.until(
        lambda: [d for d in world.holds.deliveries("issues") if d["action"] == "labeled"], "the delivery"
    )[0]
    world.closed(number)
    before = world.counts()
    payload = json.dumps(world.holds.as_app(f"/app/hook/deliveries/{labeled['id']}")["request"]["payload"]).encode()
    assert send(world, "issues", payload, secret=None).status_code == 401
    assert send(world, "issues", payload, secret="wrong").status_code == 401
    assert send(world, "issues", payload + b" ", secret=None).status_code == 401
    assert send(world, "issues", b"{not json", secret=secret).status_code == 400
    assert send(world, "meta_surprise", b"{}", secret=secret).status_code == 202
    world.quiet()
    assert world.counts() == before, "nothing is stored"
    assert send(world, "issues", payload, secret=secret, guid=labeled["guid"]).status_code == 202
    assert send(world, "issues", payload, secret=secret).status_code == 202, "the same fact under another delivery"
    world.quiet()
    assert len(world.trees()) == 1
    assert len(world.ada.get(f"/issues/{number}/sub_issues")) == len(world.ada.pulls()) - 1

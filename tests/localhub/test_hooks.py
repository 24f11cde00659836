"""Webhooks of repositories: made, changed, pinged, tested, listed and sent again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.localhub.receiver import HOOKS, Receiver, hook_to, open_issue, receiving
from tests.localhub.repository import SAMPLE


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_hook_is_made_pinged_heard_and_removed(hub: Any, receiver: Receiver, validate: Any) -> None:
    alice = hub.client("alice")
    hook = validate(hook_to(hub, receiver.url), "Hook")
    assert (hook["name"], hook["config"]["secret"], hook["events"]) == ("web", "********", ["issues"])
    ping = validate(json.loads(receiver.wait(1)[0][1]), "WebhookPing")
    assert (ping["hook_id"], ping["hook"]["config"]["url"]) == (hook["id"], receiver.url)
    open_issue(hub)
    headers, body = receiver.wait(2)[1]
    payload = json.loads(body)
    assert (payload["action"], payload["issue"]["title"], payload["sender"]["login"]) == ("opened", "x", "bob")
    assert "installation" not in payload, "that is for apps"
    for name, digest in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256")):
        assert headers[name] == f"{digest}={hmac.new(b'hush', body, digest).hexdigest()}"
    assert headers["X-GitHub-Hook-ID"] == str(hook["id"])
    assert headers["X-GitHub-Hook-Installation-Target-Type"] == "repository"
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(alice.get(SAMPLE).json()["id"])
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    hub.settle()
    validate(alice.get(HOOKS), "list[Hook]")
    seen = validate(alice.get(f"{HOOKS}/{hook['id']}"), "Hook")
    assert seen["last_response"] == {"code": 200, "status": "active", "message": "OK"}
    assert alice.delete(f"{HOOKS}/{hook['id']}").status_code == 204
    open_issue(hub)
    hub.settle()
    assert receiver.events() == ["ping", "issues"]
    assert alice.get(f"{HOOKS}/{hook['id']}").status_code == 404


def test_a_form_is_signed_as_it_is_sent(hub: Any, receiver: Receiver) -> None:
    hook_to(hub, receiver.url, config={"content_type": "form"})
    headers, body = receiver.wait(1)[0]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(parse_qs(body.decode())["payload"][0])["hook"]["type"] == "Repository"
    assert headers["X-Hub-Signature-256"] == f"sha256={hmac.new(b'hush', body, hashlib.sha256).hexdigest()}"
    hub.app().patch("/app/hook/config", json={"content_type": "form", "url": receiver.url})
    open_issue(hub)
    headers, body = receiver.wait(3)[-1]
    assert "payload=" in body.decode()[:10]


def test_what_a_hook_hears(hub: Any, receiver: Receiver) -> None:
    alice = hub.client("alice")
    hook = hook_to(hub, receiver.url, active=False)
    url = f"{HOOKS}/{hook['id']}"
    open_issue(hub)
    hub.settle()
    assert receiver.got == [], "neither a ping nor an event while it is inactive"
    changed = alice.patch(url, json={"active": True, "add_events": ["push"], "remove_events": ["issues"]}).json()
    assert (changed["active"], changed["events"]) == (True, ["push"])
    open_issue(hub)
    alice.put(f"{SAMPLE}/contents/a.txt", json={"message": "a", "content": "eA=="})
    hub.settle()
    assert receiver.events() == ["push"]
    assert alice.patch(url, json={"events": ["*"]}).json()["events"] == ["*"]
    open_issue(hub)
    alice.post(f"{SAMPLE}/labels", json={"name": "fresh"})
    hub.settle()
    assert set(receiver.events()) >= {"issues", "label"}
    receiver.got.clear()
    assert alice.post(f"{url}/pings").status_code == 204
    assert alice.post(f"{url}/tests").status_code == 204
    hub.settle()
    assert receiver.events() == ["ping", "push"]
    assert json.loads(receiver.got[1][1])["head_commit"]["message"] == "a"
    assert alice.patch(f"{url}/config", json={"secret": "other"}).json()["secret"] == "********"
    assert (
        "secret"
        not in alice.patch(url, json={"config": {"url": receiver.url, "content_type": "json"}}).json()["config"]
    )


def test_what_a_hook_must_have(hub: Any, receiver: Receiver) -> None:
    alice = hub.client("alice")
    good = {"config": {"url": receiver.url}}
    for wrong in (
        {}, {"config": {}}, {"config": {"url": "ftp://x"}}, {"config": {"url": receiver.url, "content_type": "xml"}},
        {**good, "name": "email"}, {**good, "events": ["no_such_event"]}, {**good, "events": "push"},
    ):  # fmt: skip
        assert alice.post(HOOKS, json=wrong).status_code == 422, wrong
    first = alice.post(HOOKS, json=good).json()
    assert (first["events"], first["config"]["content_type"], first["config"]["insecure_ssl"]) == (
        ["push"],
        "form",
        "0",
    )
    again = alice.post(HOOKS, json=good)
    assert (again.status_code, again.json()["errors"][0]["message"]) == (422, "Hook already exists on this repository")
    for number in range(19):
        assert (
            alice.post(HOOKS, json={"config": {"url": f"{receiver.url}{number}"}, "active": False}).status_code == 201
        )
    full = alice.post(HOOKS, json={"config": {"url": f"{receiver.url}x"}})
    assert "cannot have more than 20 hooks" in full.json()["errors"][0]["message"]


def test_deliveries_of_a_hook(hub: Any, receiver: Receiver, validate: Any) -> None:
    alice = hub.client("alice")
    url = f"{HOOKS}/{hook_to(hub, receiver.url)['id']}/deliveries"
    for number in range(3):
        open_issue(hub, str(number))
    hub.settle()
    listed = validate(alice.get(url), "list[HookDeliveryItem]")
    assert [each["event"] for each in listed] == ["issues", "issues", "issues", "ping"]
    pages, at = [], f"{url}?per_page=2"
    while at:
        page = alice.get(at)
        pages.append([each["id"] for each in page.json()])
        at = page.links.get("next", {}).get("url")
    assert pages == [[listed[0]["id"], listed[1]["id"]], [listed[2]["id"], listed[3]["id"]]]
    one = validate(alice.get(f"{url}/{listed[0]['id']}"), "HookDelivery")
    assert one["request"]["payload"]["issue"]["title"] == "2"
    assert one["request"]["headers"]["X-GitHub-Delivery"] == one["guid"]
    assert alice.post(f"{url}/{one['id']}/attempts").status_code == 202
    again = receiver.wait(5)[-1]
    assert (again[0]["X-GitHub-Delivery"], json.loads(again[1])) == (one["guid"], one["request"]["payload"])
    hub.settle()
    assert alice.get(url).json()[0]["redelivery"] is True
    assert alice.get(url, params={"status": "failure"}).json() == []
    for query in ({"cursor": "x"}, {"cursor": "v1_²"}, {"status": "odd"}):
        assert alice.get(url, params=query).status_code == 422
    events = [each["event"] for each in hub.app().get("/app/hook/deliveries").json()]
    assert (events.count("issues"), events.count("ping")) == (3, 0), "the app's deliveries are its own"

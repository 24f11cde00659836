"""Webhooks of repositories and what is true of every delivery: form, signature, time, size, order, survival."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import yaml

from localhub.delivering import Courier, Target
from localhub.tls import own_certificate

REPO = "/repos/alice/sample"
HOOKS = f"{REPO}/hooks"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Receiver:
    """Takes what is posted, whatever its form, and answers as it is told."""

    def __init__(self, answer: Answer | None = None, certificate: tuple[Path, Path] | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._arrived:
                    receiver.got.append((dict(self.headers.items()), body))
                    receiver._arrived.notify_all()
                if answer:
                    answer(self)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/in"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def events(self) -> list[str]:
        return [headers["X-GitHub-Event"] for headers, _ in self.got]

    def wait(self, count: int, timeout: float = 15) -> list[tuple[dict[str, str], bytes]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, timeout), self.events()
        return self.got

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def receiving(answer: Answer | None = None, certificate: tuple[Path, Path] | None = None) -> Iterator[Receiver]:
    receiver = Receiver(answer, certificate)
    try:
        yield receiver
    finally:
        receiver.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def make(hub: Any, url: str, **more: Any) -> dict[str, Any]:
    config = {"url": url, "content_type": "json", "secret": "hush", **more.pop("config", {})}
    answer = hub.client("alice").post(HOOKS, json={"config": config, "events": ["issues"], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def open_issue(hub: Any, title: str = "x") -> None:
    assert hub.client("bob").post(f"{REPO}/issues", json={"title": title}).status_code == 201


def test_a_hook_is_made_pinged_heard_and_removed(hub: Any, receiver: Receiver, validate: Any) -> None:
    alice = hub.client("alice")
    hook = validate(make(hub, receiver.url), "Hook")
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
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(alice.get(REPO).json()["id"])
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
    make(hub, receiver.url, config={"content_type": "form"})
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
    hook = make(hub, receiver.url, active=False)
    url = f"{HOOKS}/{hook['id']}"
    open_issue(hub)
    hub.settle()
    assert receiver.got == [], "neither a ping nor an event while it is inactive"
    changed = alice.patch(url, json={"active": True, "add_events": ["push"], "remove_events": ["issues"]}).json()
    assert (changed["active"], changed["events"]) == (True, ["push"])
    open_issue(hub)
    alice.put(f"{REPO}/contents/a.txt", json={"message": "a", "content": "eA=="})
    hub.settle()
    assert receiver.events() == ["push"]
    assert alice.patch(url, json={"events": ["*"]}).json()["events"] == ["*"]
    open_issue(hub)
    alice.post(f"{REPO}/labels", json={"name": "fresh"})
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
    url = f"{HOOKS}/{make(hub, receiver.url)['id']}/deliveries"
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


def test_redirects_are_not_followed(hub: Any) -> None:
    with receiving() as other:

        def away(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", other.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with receiving(away) as first:
            make(hub, first.url)
            hub.settle()
        assert other.got == []


def test_certificates_are_checked_unless_told_not_to(hub: Any, tmp_path: Path) -> None:
    with receiving(certificate=own_certificate(tmp_path)) as secure:
        strict = make(hub, secure.url)
        hub.settle()
        alice = hub.client("alice")
        failed = alice.get(f"{HOOKS}/{strict['id']}/deliveries").json()[0]
        assert (failed["status_code"], "certificate" in failed["status"].lower()) == (0, True)
        alice.patch(f"{HOOKS}/{strict['id']}/config", json={"insecure_ssl": "1"})
        alice.post(f"{HOOKS}/{strict['id']}/pings")
        hub.settle()
        assert secure.events() == ["ping"]
        assert (
            hub.app().patch("/app/hook/config", json={"insecure_ssl": 1, "url": secure.url}).json()["insecure_ssl"]
            == "1"
        )
        open_issue(hub)
        hub.settle()
        assert len(secure.got) == 3


def test_a_delivery_has_so_much_time_and_no_more() -> None:
    """Neither silence nor an answer that drips nor one without end holds a lane for longer."""

    def silent(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.6)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(5000):
            handler.wfile.write(b"x" * 10_000)

    courier = Courier(timeout=0.3)
    for answer, code, status in ((silent, 0, "timed out"), (dripping, 0, "timed out"), (endless, 200, "OK")):
        with receiving(answer) as slow:
            target = Target(1, slow.url, None, "json", insecure=False, kind="integration", kind_id=1)
            outcome = courier.post(target, slow.url, {"Content-Length": "2"}, b"{}")
        assert (outcome.status_code, outcome.status) == (code, status)
        assert len(outcome.body) <= 64_000
    courier.close()


def test_a_payload_that_is_too_large_is_not_sent(hub: Any) -> None:
    hub.admin("/limits", {"webhook_bytes": 20_000})
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "large", "body": "é" * 8000})
    bob.post(f"{REPO}/issues", json={"title": "small"})
    hub.settle()
    assert [each.payload["issue"]["title"] for each in hub.hooks.find("issues", "opened")] == ["small"]


def test_order_is_that_of_commits(hub: Any) -> None:
    """Many threads create at once: each receiver hears of the numbers as they were given."""
    hub.admin("/limits", {"enforced": False})
    clients = [hub.client("bob") for _ in range(8)]

    def create(number: int) -> None:
        clients[number % 8].post(f"{REPO}/issues", json={"title": str(number)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(80)))
    hub.settle()
    numbers = [each.payload["issue"]["number"] for each in hub.hooks.find("issues", "opened")]
    assert numbers == sorted(numbers)
    assert len(numbers) == 80


def test_no_delivery_is_lost_by_kill_9(tmp_path: Path, key_pem: str) -> None:
    """What was queued when the process died goes out when it is started again, in order, with its GUID."""
    blocked = socket.socket()
    blocked.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there yet
    port = blocked.getsockname()[1]
    blocked.listen(0)
    path = tmp_path / "seed.yml"
    app = {"slug": "bot", "owner": "alice", "private_key_pem": key_pem, "webhook_url": f"http://127.0.0.1:{port}/", "webhook_secret": "x",
           "permissions": {"issues": "write"}, "events": ["issues"]}  # fmt: skip
    path.write_text(yaml.safe_dump({
        "users": [{"login": "alice", "token": "ghp_alice"}], "repositories": [{"full_name": "alice/sample"}],
        "apps": [app], "installations": [{"app": "bot", "account": "alice"}],
    }))  # fmt: skip
    command = [sys.executable, "-m", "localhub", "--data", str(tmp_path / "data"), "--seed", str(path)]

    @contextmanager
    def running(how: signal.Signals) -> Iterator[str]:
        """Its URL; it is ended in this way."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(how)
            process.wait(20)
            process.stdout.close()

    with running(signal.SIGKILL) as url:
        for number in range(3):
            headers = {"Authorization": "Bearer ghp_alice"}
            httpx.post(f"{url}/repos/alice/sample/issues", json={"title": str(number)}, headers=headers)
        assert httpx.get(f"{url}/_localhub/quiet").json()["pending"]["deliveries"] >= 3
    blocked.close()
    with receiving() as receiver:
        seed = yaml.safe_load(path.read_text())
        seed["apps"][0]["webhook_url"] = receiver.url
        path.write_text(yaml.safe_dump(seed))
        with running(signal.SIGTERM):
            got = receiver.wait(4)
    titles = [json.loads(body)["issue"]["title"] for headers, body in got if headers["X-GitHub-Event"] == "issues"]
    assert titles == ["0", "1", "2"]

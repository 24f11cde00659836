"""What is true of every delivery: where it goes, time, size, order, and that kill -9 loses none."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import yaml

from localhub.delivering import Courier, Target
from localhub.tls import own_certificate
from tests.localhub.receiver import HOOKS, hook_to, open_issue, receiving
from tests.localhub.repository import SAMPLE


def test_redirects_are_not_followed(hub: Any) -> None:
    with receiving() as other:

        def away(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", other.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with receiving(away) as first:
            hook_to(hub, first.url)
            hub.settle()
        assert other.got == []


def test_certificates_are_checked_unless_told_not_to(hub: Any, tmp_path: Path) -> None:
    with receiving(certificate=own_certificate(tmp_path)) as secure:
        strict = hook_to(hub, secure.url)
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
    """Neither silence nor an answer or headers that drip nor one without end holds a lane for longer."""

    def silent(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.6)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(40):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(5000):
            handler.wfile.write(b"x" * 10_000)

    courier = Courier(timeout=0.3)
    for answer, code, status in (
        (silent, 0, "timed out"),
        (dripping, 0, "timed out"),
        (dripping_headers, 0, "timed out"),
        (endless, 200, "OK"),
    ):
        with receiving(answer) as slow:
            target = Target(1, slow.url, None, "json", insecure=False, kind="integration", kind_id=1)
            outcome = courier.post(target, slow.url, {"Content-Length": "2"}, b"{}")
        assert (outcome.status_code, outcome.status) == (code, status)
        assert outcome.seconds < 1, answer.__name__
        assert len(outcome.body) <= 64_000
    courier.close()


def test_who_takes_the_payload_slowly_has_no_more_time_either() -> None:
    listening = socket.create_server(("127.0.0.1", 0))

    def sip() -> None:
        taken, _ = listening.accept()
        with taken, suppress(OSError):
            while taken.recv(1_000_000):
                time.sleep(0.05)

    sipping = Thread(target=sip)
    sipping.start()
    courier, url = Courier(timeout=0.3), f"http://127.0.0.1:{listening.getsockname()[1]}/"
    body = b"x" * 25_000_000
    target = Target(1, url, None, "json", insecure=False, kind="integration", kind_id=1)
    outcome = courier.post(target, url, {"Content-Length": str(len(body))}, body)
    courier.close()
    listening.close()
    assert (outcome.status, outcome.seconds < 1) == ("timed out", True)
    sipping.join()


def test_a_payload_that_is_too_large_is_not_sent(hub: Any) -> None:
    hub.admin("/limits", {"webhook_bytes": 20_000})
    bob = hub.client("bob")
    bob.post(f"{SAMPLE}/issues", json={"title": "large", "body": "é" * 8000})
    bob.post(f"{SAMPLE}/issues", json={"title": "small"})
    hub.settle()
    assert [each.payload["issue"]["title"] for each in hub.hooks.find("issues", "opened")] == ["small"]


def test_order_is_that_of_commits(hub: Any) -> None:
    """Many threads create at once: each receiver hears of the numbers as they were given."""
    hub.admin("/limits", {"enforced": False})
    clients = [hub.client("bob") for _ in range(8)]

    def create(number: int) -> None:
        clients[number % 8].post(f"{SAMPLE}/issues", json={"title": str(number)})

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

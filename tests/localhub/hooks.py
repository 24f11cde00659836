"""A webhook receiver that knows GitHub's headers and JSON, and waits for what a test expects."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a webhook secret"


@dataclass(frozen=True)
class Delivery:
    event: str
    guid: str
    payload: dict[str, Any]
    headers: dict[str, str]
    body: bytes

    @property
    def action(self) -> str | None:
        return self.payload.get("action")

    def signed(self) -> bool:
        want = "sha256=" + hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        return self.headers.get("X-Hub-Signature-256") == want


class Hooks:
    """A webhook receiver: keeps what comes, answers `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.deliveries: list[Delivery] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = dict(self.headers.items())
                found = Delivery(
                    headers["X-GitHub-Event"], headers["X-GitHub-Delivery"], json.loads(body), headers, body
                )
                with receiver._arrived:
                    receiver.deliveries.append(found)
                    receiver._arrived.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Receiver(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Receiver(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def find(self, event: str, action: str | None = None) -> list[Delivery]:
        return [
            each for each in list(self.deliveries) if each.event == event and (action is None or each.action == action)
        ]

    def wait(self, event: str, action: str | None = None, count: int = 1, timeout: float = 10) -> dict[str, Any]:
        """The payload of the latest one of this event, when there are at least `count`."""
        return self.delivery(event, action, count, timeout).payload

    def delivery(self, event: str, action: str | None = None, count: int = 1, timeout: float = 10) -> Delivery:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.find(event, action)) >= count, timeout)
        seen = [(each.event, each.action) for each in self.deliveries]
        assert arrived, f"no {event}.{action} within {timeout} s; came: {seen}"
        return self.find(event, action)[-1]

    def clear(self) -> None:
        self.deliveries.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

"""A webhook receiver that takes any form of body and answers as it is told, and webhooks of a repository to it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.localhub.repository import SAMPLE

HOOKS = f"{SAMPLE}/hooks"
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


def hook_to(hub: Any, url: str, **more: Any) -> dict[str, Any]:
    """A webhook of alice/sample that is told of issues."""
    config = {"url": url, "content_type": "json", "secret": "hush", **more.pop("config", {})}
    answer = hub.client("alice").post(HOOKS, json={"config": config, "events": ["issues"], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def open_issue(hub: Any, title: str = "x") -> None:
    assert hub.client("bob").post(f"{SAMPLE}/issues", json={"title": title}).status_code == 201

"""One delivery of a webhook: its headers and body, signed, posted once within the time that GitHub gives.

Source: docs.github.com, "Webhook events and payloads" (headers, 25 MB) and "Handling failed webhook deliveries" (10 s).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

TIMEOUT = 10.0
KEPT = 64_000  # bytes of an answer
PIECE = 65_536  # bytes of a body that are sent at once


@dataclass(frozen=True)
class Target:
    """Where deliveries go: an app's hook (`integration`) or a repository's (`repository`), and whose id that is."""

    hook_id: int
    url: str
    secret: str | None
    content_type: str
    insecure: bool
    kind: str
    kind_id: int


@dataclass
class Outcome:
    """What came of a try; status_code 0 when there was no answer."""

    status_code: int = 0
    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0


def sign(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """GitHub's signature header of a body."""
    return f"{algorithm}={hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()}"


def body_of(target: Target, payload: str) -> bytes:
    """What is sent and signed: the JSON itself, or a form with the JSON in `payload`."""
    return urlencode({"payload": payload}).encode() if target.content_type == "form" else payload.encode()


def headers_of(target: Target, guid: str, event: str, body: bytes) -> dict[str, str]:
    form = target.content_type == "form"
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/localhub",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(target.hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(target.kind_id),
        "X-GitHub-Hook-Installation-Target-Type": target.kind,
    }
    if target.secret:
        headers["X-Hub-Signature"] = sign(target.secret, body, "sha1")
        headers["X-Hub-Signature-256"] = sign(target.secret, body)
    return headers


class _Punctual:
    """A connection of httpx, or what opens one, that waits no longer for anything than `left()` seconds."""

    def __init__(self, inner: Any, left: Callable[[], float]) -> None:
        self._inner, self._left = inner, left

    def connect_tcp(self, *args: Any, timeout: float | None = None, **options: Any) -> _Punctual:
        return _Punctual(self._inner.connect_tcp(*args, timeout=self._left(), **options), self._left)

    def start_tls(self, *args: Any, timeout: float | None = None, **options: Any) -> _Punctual:
        return _Punctual(self._inner.start_tls(*args, timeout=self._left(), **options), self._left)

    def read(self, most: int, timeout: float | None = None) -> bytes:
        got: bytes = self._inner.read(most, timeout=self._left())
        return got

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):  # who takes a large one slowly has no more time either
            self._inner.write(buffer[start : start + PIECE], timeout=self._left())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Courier:
    """The HTTP clients: one that checks certificates and one, made when first needed, that does not."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._until = threading.local()
        self._clients = {False: self._client(verify=True)}

    def _client(self, *, verify: bool) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=verify, trust_env=False)
        # httpx begins to count anew with every byte that comes, and has no other place to say so.
        pool: Any = transport._pool
        pool._network_backend = _Punctual(pool._network_backend, self._left)
        return httpx.Client(timeout=self._timeout, trust_env=False, follow_redirects=False, transport=transport)

    def _left(self) -> float:
        """Seconds of this thread's delivery."""
        left: float = self._until.moment - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def post(self, target: Target, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """One try. The whole of it, the reading of the answer too, has `timeout` seconds."""
        if target.insecure and True not in self._clients:
            self._clients[True] = self._client(verify=False)
        outcome, started = Outcome(), time.monotonic()
        self._until.moment = started + self._timeout
        try:
            with self._clients[target.insecure].stream("POST", url, content=body, headers=dict(headers)) as answer:
                outcome.status_code, outcome.status = answer.status_code, answer.reason_phrase or "OK"
                outcome.headers = dict(answer.headers)
                outcome.body = self._read(answer)
        except (httpx.TimeoutException, TimeoutError):
            outcome = Outcome(status="timed out")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            outcome = Outcome(status=f"failed to connect to host: {error}")
        outcome.seconds = round(time.monotonic() - started, 3)
        return outcome

    def _read(self, answer: httpx.Response) -> str:
        parts: list[bytes] = []
        for chunk in answer.iter_bytes():
            parts.append(chunk)
            if sum(map(len, parts)) > KEPT:
                break
        return b"".join(parts)[:KEPT].decode(answer.encoding or "utf-8", errors="replace")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

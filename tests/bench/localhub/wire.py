"""A small HTTP/1.1 client for many requests a second: keep-alive connections of one event loop, parsed by httptools.

httpx takes more of a core than the servers that are measured; this one leaves them the machine.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One request at a time; opened again when the server has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._where = (parts.hostname, parts.port or 80)
        self._host = parts.netloc
        self._transport: Any = None  # uvloop's transports are no asyncio.Transport
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser: Any = None
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error or ConnectionResetError("closed before the answer"))

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answer(self._parser.get_status_code(), b"".join(self._body)))

    async def request(self, method: str, path: str, token: str, body: Any = None, *, page: bool = False) -> Answer:
        if self._transport is None:
            await asyncio.get_running_loop().create_connection(lambda: self, *self._where)
        content = b"" if body is None else json.dumps(body).encode()
        length = f"Content-Length: {len(content)}\r\nContent-Type: application/json\r\n" if body is not None else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {token}\r\n"
            f"Accept: {'text/html' if page else 'application/vnd.github+json'}\r\nX-GitHub-Api-Version: 2022-11-28\r\nUser-Agent: bench\r\n{length}\r\n"
        )
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + content)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

"""uvicorn's HTTP protocol with two short ways: an answer that is kept, and one that is worked out without waiting.

A request that came in one piece and that `Eager` can answer at once is answered in the call that brought its bytes,
without a task of its own. What it has written is on the disk before its answer is sent: one commit serves all
requests that came in the same turn of the loop. Everything else goes uvicorn's way, with the head of an answer sent
together with its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from localhub.eager import Answer, Eager
from localhub.intake import HEADERS, headers_of

if TYPE_CHECKING:
    from localhub.kept import Kept

HEADS = 2048  # that are remembered
WHOLE = "localhub.request"  # in the scope: the bytes of a GET that came in one piece
_END = b"\r\n\r\n"


def protocol(kept: Kept, eager: Eager) -> type[HttpToolsProtocol]:
    """The protocol class for a server that has these answers."""
    return type("Ours", (Quick,), {"kept": kept, "eager": eager, "heads": {}})


class Quick(HttpToolsProtocol):
    kept: Kept
    eager: Eager
    heads: dict[bytes, tuple[int, dict[str, Any]]]
    """By the bytes of a head, how long a body it has, and the scope of requests that may be answered at once."""
    _whole: bytes | None = None
    _between = True
    """No request is half read."""
    _piece = False
    """The request that is being parsed is all of what was received, and the connection goes on after it."""
    _body: bytes | None = None
    """Of a request that may be answered at once: its body so far."""
    _waiting = False
    """An answer waits for its commit."""
    _held = b""
    _head = b""
    _ending = False

    def data_received(self, data: bytes) -> None:
        if self._waiting:
            self._held += data
            return
        self._piece = False
        end = data.find(_END) + 4
        if self._between and end >= 4 and (self.cycle is None or self.cycle.response_complete):
            self._head = data[:end]
            known = self.heads.get(self._head)
            self._piece = len(data) - end == known[0] if known else _is_one(data)
            if self._piece and self._short(data, known):
                return
        super().data_received(data)

    def _short(self, data: bytes, known: tuple[int, dict[str, Any]] | None) -> bool:
        """Whether this request, which is whole, was answered from memory or, its head being known, is answered now."""
        self._whole = data if data.startswith(b"GET ") else None
        answer = None if self._whole is None else self.kept.answer(data)
        if answer is not None:
            self._unset_keepalive_if_required()
            self._send(answer)
            return True
        if known is None or not self.eager.open:
            return False
        self._unset_keepalive_if_required()
        scope = dict(known[1], client=self.client, server=self.server, state={})
        scope[WHOLE], self._whole = self._whole, None
        self._run(scope, data[len(self._head) :])
        return True

    def _run(self, scope: dict[str, Any], body: bytes) -> None:
        self._waiting = True
        self.eager.run(scope, body, self._answered)

    def _remember(self, scope: Any, length: int) -> None:
        """Next time these bytes are the same request: they need not be parsed again."""
        if len(self.heads) >= HEADS:
            self.heads.clear()
        about = {name: scope[name] for name in scope if name != WHOLE}
        self.heads[self._head] = (length, about | {HEADERS: headers_of(scope)})

    def _send(self, answer: bytes) -> None:
        """Send an answer whose head is ours up to the date, which every answer of this server begins with."""
        dates = b"".join(b"%b: %b\r\n" % each for each in self.server_state.default_headers)
        line, _, rest = answer.partition(b"\r\n")
        self._sent(b"%b\r\n%b%b" % (line, dates, rest))

    def _sent(self, data: bytes) -> None:
        self.transport.write(data)
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope[WHOLE], self._whole, self._between = self._whole, None, False

    def on_headers_complete(self) -> None:
        self._body = b"" if self._piece and not self.expect_100_continue and self._asked() else None
        if self._body is None:
            self._begin()

    def _asked(self) -> bool:
        """Whether this request can be answered at once; its scope is filled in then."""
        if self.parser.should_upgrade() or not self.parser.should_keep_alive():
            return False
        url = httptools.parse_url(self.url)
        scope: Any = self.scope
        path = url.path.decode("ascii")
        scope["method"], scope["raw_path"] = self.parser.get_method().decode("ascii"), url.path
        scope["path"], scope["query_string"] = unquote(path) if "%" in path else path, url.query or b""
        return self.eager.may(scope)

    def _begin(self) -> None:
        """uvicorn's way."""
        before = self.cycle
        super().on_headers_complete()
        cycle: Any = self.cycle
        if cycle is not before and self.scope["method"] != "HEAD":
            cycle.transport = Together(self.transport)

    def on_body(self, body: bytes) -> None:
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        self._between = True
        if self._body is None:
            super().on_message_complete()
            return
        body, self._body = self._body, None
        scope: Any = self.scope
        self._remember(scope, len(body))
        self._run(scope, body)

    def _answered(self, answer: Answer) -> None:
        self._waiting = False
        if self.transport.is_closing():
            return
        lines = [b"%b: %b\r\n" % pair for pair in (*self.server_state.default_headers, *answer.headers)]
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines):
            raise RuntimeError("Invalid HTTP header value.")
        self._sent(b"%b%b\r\n%b" % (STATUS_LINE[answer.status], head, answer.body))
        if self._ending:
            self.transport.close()
        elif self._held:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Read what a client sent before it had its answer."""
        held, self._held = self._held, b""
        if not self.transport.is_closing():
            self.data_received(held)

    def shutdown(self) -> None:
        if self._waiting:
            self._ending = True
        else:
            super().shutdown()


class Together:
    """A transport for one answer, which sends its head with the first piece of its body: one packet instead of two."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        if not self._begun:
            self._head, self._begun = data, True
        elif self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._head is not None:
            self._transport.write(self._head)
            self._head = None
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _is_one(data: bytes) -> bool:
    """Whether this is one whole request, after which the connection goes on: all that the short ways can do."""
    end = data.find(_END)
    if end < 0:
        return False
    head = data[: end + 2].lower()
    if b"http/1.1\r\n" not in head or b"\r\nconnection: close" in head or b"\r\ntransfer-encoding:" in head:
        return False
    rest = len(data) - end - 4
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return rest == 0
    length = head[at + 17 : head.index(b"\r\n", at + 2)].strip()
    return length.isdigit() and int(length) == rest

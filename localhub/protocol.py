"""uvicorn's HTTP protocol, which answers a request that came in one piece from what is kept, if it is, and sends
the head of an answer together with its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from localhub.kept import Kept

WHOLE = "localhub.request"  # in the scope: the bytes of a GET that came in one piece
_END = b"\r\n\r\n"


def protocol(kept: Kept) -> type[HttpToolsProtocol]:
    """The protocol class for a server that has these answers."""

    class Quick(HttpToolsProtocol):
        _whole: bytes | None = None
        _between = True
        """No request is half read."""

        def data_received(self, data: bytes) -> None:
            ended = self.cycle is None or self.cycle.response_complete
            if self._between and ended and data.startswith(b"GET ") and data.find(_END) == len(data) - 4:
                answer = kept.answer(data)
                if answer is not None:
                    self._answered(answer)
                    return
                self._whole = data if _kept_alive(data) else None
            super().data_received(data)

        def _answered(self, answer: bytes) -> None:
            self._unset_keepalive_if_required()
            # The head is ours up to the date, which every answer of this server begins with.
            dates = b"".join(b"%b: %b\r\n" % each for each in self.server_state.default_headers)
            line, _, rest = answer.partition(b"\r\n")
            self.transport.write(b"%b\r\n%b%b" % (line, dates, rest))
            self.server_state.total_requests += 1
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

        def on_message_begin(self) -> None:
            super().on_message_begin()
            scope: Any = self.scope
            scope[WHOLE], self._whole, self._between = self._whole, None, False

        def on_headers_complete(self) -> None:
            before = self.cycle
            super().on_headers_complete()
            cycle: Any = self.cycle
            if cycle is not before and self.scope["method"] != "HEAD":
                cycle.transport = Together(self.transport)

        def on_message_complete(self) -> None:
            self._between = True
            super().on_message_complete()

    return Quick


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


def _kept_alive(data: bytes) -> bool:
    """Whether the connection goes on after this request, which is all that a kept answer can do."""
    line, _, headers = data.partition(b"\r\n")
    return line.endswith(b" HTTP/1.1") and b"\r\nconnection: close" not in b"\r\n" + headers.lower()

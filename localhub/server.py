"""uvicorn on 127.0.0.1, in the foreground or in a thread."""

from __future__ import annotations

import socket
import threading
from email.utils import format_datetime
from pathlib import Path

import uvicorn

from localhub.app import create_app
from localhub.hub import Hub
from localhub.protocol import protocol


class _Uvicorn(uvicorn.Server):
    """Its `Date` is the hub's, so that a client sees the clock that tests drive (and the skew to its own)."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def on_tick(self, counter: int) -> bool:
        over = await super().on_tick(counter)
        date = format_datetime(self._hub.clock.now(), usegmt=True).encode()
        self.server_state.default_headers = [(b"date", date), *self.config.encoded_headers]
        return over


class Server:
    """Binds at once, so that the port is known (and connections queue) before the first request is served."""

    def __init__(self, hub: Hub, port: int = 0, tls_cert: Path | None = None, tls_key: Path | None = None) -> None:
        self._hub = hub
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except BaseException:
            self._socket.close()
            raise
        self._socket.listen(1024)
        scheme = "https" if tls_cert else "http"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        if hub.public_url is None:
            hub.default_url = self.url
        app, eager = create_app(hub)
        config = uvicorn.Config(
            app,
            http=protocol(hub.kept, eager),
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
            ssl_certfile=tls_cert,
            ssl_keyfile=tls_key,
        )
        self._server = _Uvicorn(config, hub)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve until a signal, then close the hub, whenever the signal came."""
        try:
            self._hub.start()
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._hub.close()

    def start(self) -> None:
        """Serve in a thread; `stop` ends it."""
        self._thread = threading.Thread(target=self.run, name="localhub")
        self._thread.start()

    def end(self) -> None:
        """Ask for the end: what is being started is started first, what is being answered is answered."""
        self._server.should_exit = True

    def stop(self) -> None:
        self.end()
        if self._thread:
            self._thread.join()

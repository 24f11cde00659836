"""A webhook receiver as a process of its own: keeps what came in its order. `GET /` tells it, `GET /count` how many.

Deliveries of the repository named in `--slow` are answered after `--delay` seconds, all others at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any


class Receiver:
    def __init__(self, slow: str, delay: float) -> None:
        self._slow, self._delay = slow, delay
        self.came: list[tuple[str, int, float, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive as long as the sender likes."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                answer = await self._answer(lines[0].split(" "), headers, body)
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: list[str], headers: dict[str, str], body: bytes) -> bytes:
        if line[0] == "GET":
            found: Any = len(self.came) if line[1] == "/count" else self.came
            return json.dumps(found).encode()
        payload = json.loads(body)
        if "comment" in payload:
            name = payload["repository"]["name"]
            if name == self._slow:
                await asyncio.sleep(self._delay)
            self.came.append((name, payload["comment"]["id"], time.time(), headers["x-github-delivery"]))
        return b"ok"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", default="")
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    server = await asyncio.start_server(Receiver(options.slow, options.delay).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Part a: sixteen clients at once, each call on both servers in turn, in the same run and by the same client."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.bench.localhub.calls import BUILD, END, READS, REPO, Call, World, mixed
from tests.bench.localhub.servers import Server
from tests.bench.localhub.wire import Connection

CLIENTS = 16
EACH_TOKEN = 4500  # requests, of the 5,000 that emulate allows


@dataclass
class Sample:
    """What one call took on one server, over all its rounds."""

    latencies: list[float] = field(default_factory=list)
    wall: float = 0.0
    server_cpu: float = 0.0
    client_cpu: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.wall if self.wall else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def figures(self) -> dict[str, float]:
        return {
            "per_second": round(self.rate, 1),
            "p50_ms": round(self.percentile(0.5), 2),
            "p99_ms": round(self.percentile(0.99), 2),
            "requests": len(self.latencies),
            "server_cpu_ms": round(1000 * self.server_cpu / max(1, len(self.latencies)), 2),
            "client_load": round(self.client_cpu / self.wall, 2) if self.wall else 0.0,
        }


class Target:
    """One server under load: its sixteen connections' requests, its world, what was measured."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.world = World()
        self.samples: dict[str, Sample] = {}
        self.lenient = server.name != "localhub"
        self._sent = itertools.count()

    def look(self) -> None:
        """The SHAs of the first commit, which both servers made from nothing."""
        self.world.head = self.server.get(f"{REPO}/git/ref/heads/main")["object"]["sha"]
        self.world.tree = self.server.get(f"{REPO}/git/commits/{self.world.head}")["tree"]["sha"]
        self.world.blob = self.server.get(f"{REPO}/contents/README.md")["sha"]

    def token(self) -> str:
        tokens = self.server.tokens
        return tokens[next(self._sent) // EACH_TOKEN % len(tokens)]

    async def drive(
        self, name: str, choose: Callable[[World, int], Call], numbers: Iterator[int], until: float
    ) -> None:
        """Sixteen clients take numbers until there are none, or until the time has passed."""
        sample = self.samples.setdefault(name, Sample())
        kept: dict[tuple[str, int], Any] = {}
        connections = [Connection(self.server.url) for _ in range(CLIENTS)]
        cpu, own, began = self.server.cpu_s(), time.process_time(), time.perf_counter()

        async def client(connection: Connection) -> None:
            for number in numbers:
                call = choose(self.world, number)
                request = call.make(self.world, number)
                at = time.perf_counter()
                answer = await connection.request(request.method, request.path, self.token(), request.body)
                now = time.perf_counter()
                # emulate answers some creations with 200 where GitHub says 201.
                if answer.status != call.status and not (self.lenient and answer.status < 300):
                    raise RuntimeError(f"{self.server.name}, {call.name}: {answer.status} {answer.body[:300]!r}")
                sample.latencies.append(now - at)
                if call.keep:
                    found = answer.json()
                    kept[call.keep, number] = found["sha"] if "sha" in found else found["id"]
                if now > until:
                    return

        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(client(connection))
        sample.wall += time.perf_counter() - began
        sample.server_cpu += self.server.cpu_s() - cpu
        sample.client_cpu += time.process_time() - own
        for connection in connections:
            connection.close()
        for name_, number in sorted(kept):
            self.world.kept.setdefault(name_, []).append(kept[name_, number])


async def _write(targets: list[Target], call: Call, count: int, rounds: int) -> None:
    for turn in range(rounds):
        first, last = count * turn // rounds, count * (turn + 1) // rounds
        for target in targets if turn % 2 == 0 else targets[::-1]:
            numbers = iter(range(first, last))
            await target.drive(call.name, partial(_always, call), numbers, float("inf"))


async def _read(
    targets: list[Target], name: str, choose: Callable[[World, int], Call], seconds: float, rounds: int
) -> None:
    for turn in range(rounds):
        for target in targets if turn % 2 == 0 else targets[::-1]:
            start = turn * 1_000_000
            until = time.perf_counter() + seconds / rounds
            await target.drive(name, choose, itertools.count(start), until)


def _always(call: Call, _world: World, _number: int) -> Call:
    return call


async def measure(servers: list[Server], count: int, seconds: float, only: str = "") -> dict[str, Any]:
    """Every call on every server: {call: {kind, server: figures}}; and the mixture, which leaves more issues behind."""
    targets = [Target(server) for server in servers]
    pulls = 0
    for target in targets:
        target.look()
        target.world.issues = count
        target.world.pulls = pulls = max(CLIENTS, int(count * 0.1))
    rounds = 2 if count < 400 else 4
    found: dict[str, Any] = {}
    for call in (*BUILD, *READS, *END):
        if call.kind == "write":
            await _write(targets, call, pulls if call.share == 0.1 else max(CLIENTS, int(count * call.share)), rounds)
        elif only in call.name:
            await _read(targets, call.name, partial(_always, call), seconds, rounds)
        if call.name in targets[0].samples:
            found[call.name] = {"kind": call.kind} | {t.server.name: t.samples[call.name].figures() for t in targets}
        if call is READS[-1]:
            await _read(targets, "mixture", mixed, 2 * seconds, rounds)
            found["mixture"] = {"kind": "mixture"} | {t.server.name: t.samples["mixture"].figures() for t in targets}
    return found

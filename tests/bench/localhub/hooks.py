"""Part c: thousands of webhooks, none lost, in order within each repository; and one repository whose receiver is slow.

Each comment is one delivery. Comments are numbered as they are committed, so that what comes in order has rising ids.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.bench.localhub import servers
from tests.bench.localhub.servers import Server
from tests.bench.localhub.wire import Connection

REPOSITORIES = 8
CLIENTS = 16
SLOW = "repo-0"


def _seed(receiver: str) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return {
        "users": [{"login": "alice", "email": "alice@example.org", "token": "ghp_alice"}],
        "repositories": [{"full_name": f"alice/repo-{number}", "auto_init": False} for number in range(REPOSITORIES)],
        "apps": [{
            "id": 1, "slug": "bench", "owner": "alice", "private_key_pem": pem, "webhook_url": receiver,
            "webhook_secret": "secret", "permissions": {"issues": "write", "metadata": "read"},
            "events": ["issue_comment"],
        }],
        "installations": [{"app": "bench", "account": "alice"}],
    }  # fmt: skip


@contextmanager
def receiving(folder: Path, slow: str = "", delay: float = 0.0) -> Iterator[str]:
    """A receiver's URL."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.bench.localhub.receiver", "--slow", slow, "--delay", str(delay)]
    with servers.process(command, folder / "receiver.log") as process:
        yield f"http://127.0.0.1:{servers.line_of(process, 30).strip()}"


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


async def _comment(server: Server, count: int) -> dict[int, float]:
    """Comments on every repository's one issue in turn: {comment id: when it was acknowledged}."""
    numbers: Iterator[int] = iter(range(count))
    made: dict[int, float] = {}

    async def client(connection: Connection) -> None:
        for number in numbers:
            path = f"/repos/alice/repo-{number % REPOSITORIES}/issues/1/comments"
            answer = await connection.request("POST", path, "ghp_alice", {"body": f"Comment {number}"})
            assert answer.status == 201, answer.body
            made[answer.json()["id"]] = time.time()

    connections = [Connection(server.url) for _ in range(CLIENTS)]
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(client(connection))
    for connection in connections:
        connection.close()
    return made


def _deliver(folder: Path, count: int, slow: str = "", delay: float = 0.0) -> tuple[dict[int, float], list[Any], float]:
    """(comments made, what came in its order, seconds until the last had come)."""
    with receiving(folder, slow, delay) as url, servers.localhub(folder, _seed(url)) as server:
        for number in range(REPOSITORIES):
            server.post(f"/repos/alice/repo-{number}/issues", {"title": "An issue"})
        began = time.time()
        made = asyncio.run(_comment(server, count))
        while not server.get("/_localhub/quiet")["quiet"]:
            time.sleep(0.1)
        came = fetch(url)
        return made, came, max(at for _, _, at, _ in came) - began


def run(folder: Path, count: int) -> dict[str, Any]:
    """`count` deliveries to a quick receiver, then a tenth of them with one slow repository."""
    made, came, seconds = _deliver(folder / "quick", count)
    waits = sorted(at - made[comment] for _, comment, at, _ in came)
    found = {
        "deliveries": count,
        **faithful(list(made), came),
        "per_second": round(count / seconds, 1),
        "after_the_answer_p50_ms": round(1000 * waits[len(waits) // 2], 1),
        "after_the_answer_p99_ms": round(1000 * waits[len(waits) * 99 // 100], 1),
    }
    made, came, _ = _deliver(folder / "slow", max(160, count // 10), SLOW, 0.05)
    lag = {
        name: max(at - made[comment] for repo, comment, at, _ in came if (repo == SLOW) == (name == "slow"))
        for name in ("slow", "others")
    }
    return found | {
        "one_slow_repository": faithful(list(made), came)
        | {"slow_waits_at_most_s": round(lag["slow"], 2), "others_wait_at_most_s": round(lag["others"], 2)}
    }


def faithful(made: list[int], came: list[Any]) -> dict[str, int]:
    """What was lost, came twice, or came before what was committed earlier in the same repository."""
    ids = [comment for _, comment, _, _ in came]
    last: dict[str, int] = {}
    disordered = 0
    for repo, comment, _, _ in came:
        disordered += comment < last.get(repo, 0)
        last[repo] = comment
    return {
        "lost": len(set(made) - set(ids)),
        "twice": len(ids) - len(set(ids)),
        "out_of_order": disordered,
    }

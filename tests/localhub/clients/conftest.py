"""Clients that we did not write, the localhub that they talk to, and where their packages are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import github
import pytest
import yaml
from github import Auth
from github.Repository import Repository

from tests.localhub.clients.person import Person
from tests.localhub.clients.pygithub import QUICK, Connect

ROOT = Path(__file__).parents[3]
HOST = "localhub.test"
SEED = {
    "users": [{"login": each, "email": f"{each}@example.org", "token": f"ghp_{each}"} for each in ("alice", "bob")],
    "repositories": [
        {"full_name": "alice/sample", "collaborators": {"bob": "write"}},
        {"full_name": "alice/private", "private": True},
    ],
}


class Localhub:
    """`python -m localhub` as its users start it."""

    def __init__(self, data: Path, *options: str, seed: dict[str, Any] | None = None) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        file = data / "seed.yml"
        file.write_text(yaml.safe_dump(seed or SEED))
        command = [sys.executable, "-m", "localhub", "--data", str(data), "--seed", str(file), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.port = int(self.url.rsplit(":", 1)[-1])

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Tunnel(socketserver.ThreadingTCPServer):
    """An HTTP proxy that leads every CONNECT to one port: so localhub has a name and the port 443, without privileges.

    gh takes the port off the addresses of git remotes, so it knows its repository only on 443.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.to = ("127.0.0.1", port)
        super().__init__(("127.0.0.1", 0), _Through)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Through(socketserver.StreamRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        asked = self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        if asked.split()[:2] != [b"CONNECT", f"{HOST}:443".encode()]:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(self.server.to) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(there, self.connection))
            back.start()
            _copy(self.connection, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has hung up: so must this one
        source.close()


@dataclass(frozen=True)
class Secure:
    """A localhub over HTTPS under a name of its own."""

    hub: Localhub
    tunnel: Tunnel

    def environment(self, home: Path, token: str, host: str = HOST) -> dict[str, str]:
        """What gh and git need to reach it and to trust its certificate."""
        certificate = str(self.hub.data / "tls-cert.pem")
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "TMPDIR")}
        return kept | {
            "HOME": str(home), "GH_CONFIG_DIR": str(home / "gh"), "GH_HOST": host, "GH_ENTERPRISE_TOKEN": token,
            "SSL_CERT_FILE": certificate, "GIT_SSL_CAINFO": certificate, "HTTPS_PROXY": self.tunnel.url,
            "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "GIT_TERMINAL_PROMPT": "0",
        }  # fmt: skip


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    hub = Localhub(tmp_path_factory.mktemp("secure"), "--tls", "--public-url", f"https://{HOST}")
    tunnel = Tunnel(hub.port)
    yield Secure(hub, tunnel)
    tunnel.close()
    hub.close()


@pytest.fixture(scope="session")
def need() -> Callable[[str, str], None]:
    """Makes sure of a Debian package, or fails with the line that says how to get it."""

    def sure(command: str, package: str) -> None:
        done = subprocess.run([ROOT / "tools" / "need", command, package], capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.fail(done.stderr.strip() or f"{command} is missing. Run: sudo apt-get install {package}")

    return sure


@pytest.fixture(scope="session")
def packages(pytestconfig: pytest.Config) -> Callable[[Path], Path]:
    """The `node_modules` of a folder's lock file, installed once and kept beside pytest's own cache."""

    def installed(folder: Path) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("npm is missing. Run: sudo apt-get install nodejs npm (Node 20 or newer)")
        files = [folder / "package.json", folder / "package-lock.json"]
        key = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
        assert pytestconfig.cache is not None
        target = pytestconfig.cache.mkdir("npm") / f"{folder.name}-{key}"
        if not (target / "complete").exists():
            target.mkdir(exist_ok=True)
            for file in files:
                shutil.copy(file, target)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=target, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, done.stderr
            (target / "complete").touch()
        return target / "node_modules"

    return installed


@pytest.fixture
def localhub(tmp_path: Path) -> Iterator[Callable[..., Localhub]]:
    """Starts `python -m localhub` with a seed, over HTTP."""
    started: list[Localhub] = []

    def start(seed: dict[str, Any] | None = None, *options: str) -> Localhub:
        started.append(Localhub(tmp_path / f"hub-{len(started)}", *options, seed=seed))
        return started[-1]

    yield start
    for hub in started:
        hub.close()


@pytest.fixture
def app_seed(key_pem: str) -> Callable[[str], dict[str, Any]]:
    """People, repositories, and an app that is told of everything at an address."""

    def seed(hook: str) -> dict[str, Any]:
        app = {
            "id": 77, "slug": "helper", "owner": "alice", "private_key_pem": key_pem, "webhook_url": hook,
            "webhook_secret": "a webhook secret",
            "permissions": {"issues": "write", "pull_requests": "write", "checks": "write", "contents": "read", "metadata": "read"},
            "events": ["issues", "issue_comment", "pull_request", "check_run"],
        }  # fmt: skip
        return SEED | {"apps": [app], "installations": [{"app": "helper", "account": "alice"}]}

    return seed


@pytest.fixture
def connect(hub: Any) -> Iterator[Connect]:
    with contextlib.ExitStack() as open_:
        yield lambda login: open_.enter_context(
            github.Github(base_url=f"{hub.url}/api/v3", auth=Auth.Token(hub.pat(login)), **QUICK)
        )


@pytest.fixture
def repo(connect: Connect) -> Repository:
    return connect("alice").get_repo("alice/sample")


@pytest.fixture
def person(secure: Any, tmp_path: Path, need: Callable[[str, str], None]) -> Callable[..., Person]:
    need("gh", "gh")
    return lambda login, **more: Person(secure, login, tmp_path / login, **more)


@pytest.fixture
def alice(person: Callable[..., Person], request: pytest.FixtureRequest) -> Person:
    """Alice in a fresh clone of a repository of hers that is named after the test; Bob may write to it."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    someone = person("alice")
    someone.gh("repo", "create", name, "--public", "--add-readme")
    someone.gh("repo", "clone", f"alice/{name}")
    someone.gh("api", "-X", "PUT", f"repos/alice/{name}/collaborators/bob", "-f", "permission=push", "--silent")
    someone.folder /= name
    return someone


@pytest.fixture
def bob(person: Callable[..., Person], alice: Person) -> Person:
    someone = person("bob")
    someone.gh("repo", "clone", f"alice/{alice.folder.name}")
    someone.folder /= alice.folder.name
    return someone

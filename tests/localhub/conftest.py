"""A running localhub, its clients, a webhook receiver, and GitHub's own schemas as the judge of every answer.

Longer than 300 lines because test helpers live in one conftest (tests are no package).
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import importlib.util
import json
import shutil
import sqlite3
import ssl
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import TypeAdapter

from localhub import seed
from localhub.faults import FaultPlan
from localhub.hub import Hub
from localhub.limits import LimitSettings
from localhub.server import Server

SECRET = "a webhook secret"
APP_ID = 4242
PERMISSIONS = {
    "contents": "write", "issues": "write", "pull_requests": "write", "actions": "write", "checks": "write",
    "statuses": "write", "metadata": "read", "members": "read",
}  # fmt: skip
EVENTS = [
    "issues", "issue_comment", "sub_issues", "issue_dependencies", "pull_request", "pull_request_review",
    "pull_request_review_comment", "pull_request_review_thread", "check_run", "check_suite", "status", "workflow_run",
    "workflow_job", "push", "repository", "create", "delete", "label", "milestone", "fork",
]  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    event: str
    guid: str
    payload: dict[str, Any]
    headers: dict[str, str]
    body: bytes

    @property
    def action(self) -> str | None:
        return self.payload.get("action")

    def signed(self) -> bool:
        want = "sha256=" + hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        return self.headers.get("X-Hub-Signature-256") == want


class Hooks:
    """A webhook receiver: keeps what comes, answers `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.deliveries: list[Delivery] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = dict(self.headers.items())
                found = Delivery(
                    headers["X-GitHub-Event"], headers["X-GitHub-Delivery"], json.loads(body), headers, body
                )
                with receiver._arrived:
                    receiver.deliveries.append(found)
                    receiver._arrived.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Receiver(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Receiver(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def find(self, event: str, action: str | None = None) -> list[Delivery]:
        return [
            each for each in list(self.deliveries) if each.event == event and (action is None or each.action == action)
        ]

    def wait(self, event: str, action: str | None = None, count: int = 1, timeout: float = 10) -> dict[str, Any]:
        """The payload of the latest one of this event, when there are at least `count`."""
        return self.delivery(event, action, count, timeout).payload

    def delivery(self, event: str, action: str | None = None, count: int = 1, timeout: float = 10) -> Delivery:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.find(event, action)) >= count, timeout)
        seen = [(each.event, each.action) for each in self.deliveries]
        assert arrived, f"no {event}.{action} within {timeout} s; came: {seen}"
        return self.find(event, action)[-1]

    def clear(self) -> None:
        self.deliveries.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_client(**options: Any) -> httpx.Client:
    """For plain HTTP: a context of its own, with every authority in the world, would cost each client 50 ms."""
    return httpx.Client(verify=NO_TLS, timeout=30, trust_env=False, **options)


class World:
    """The hub, reached as anyone would: over HTTP."""

    def __init__(self, data: Path, key_pem: str, events: list[str] | None = None) -> None:
        self.key_pem = key_pem
        self.hooks = Hooks()
        self.hub = Hub(data)
        self.ids = seed.plant(self.hub, _seed(key_pem, self.hooks.url, events or EVENTS))
        self.server = Server(self.hub)
        self.server.start()
        self.url = self.server.url
        self.installation_id: int = self.ids["installations"]["branchwork on alice"]
        self._clients: list[httpx.Client] = []
        self.settle()
        self.hooks.clear()
        self._data = data
        self._first = data.parent / f"{data.name}-first"
        shutil.copytree(data / "git", self._first / "git")
        _copy_database(data / "localhub.sqlite3", self._first / "localhub.sqlite3")

    def reset(self) -> None:
        """Back to the seed, between two tests: building a hub anew takes longer than most of them."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self.hub.faults.set_plan(FaultPlan())
        self.settle()
        shutil.rmtree(self._data / "git")
        shutil.copytree(self._first / "git", self._data / "git")
        _copy_database(self._first / "localhub.sqlite3", self._data / "localhub.sqlite3")
        self.hub.clock.restore({})
        self.hub.limits.settings = LimitSettings()
        self.hub.known.forget()
        self.hub.limits.reset()
        self.hub.stats.clear()
        self.hooks.clear()
        self.hooks.status = 202

    def pat(self, login: str) -> str:
        return f"ghp_{login}"

    def client(self, login: str | None = None, prefix: str = "/api/v3") -> httpx.Client:
        return self.with_token(self.pat(login) if login else None, prefix)

    def with_token(self, token: str | None, prefix: str = "/api/v3") -> httpx.Client:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        client = plain_client(base_url=self.url + prefix, headers=headers)
        self._clients.append(client)
        return client

    def app_jwt(self, **claims: Any) -> str:
        now = int(self.hub.clock.timestamp())
        return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": str(APP_ID), **claims}, self.key_pem, "RS256")

    def app(self) -> httpx.Client:
        return self.with_token(self.app_jwt())

    def bot_token(self, permissions: dict[str, str] | None = None, repositories: list[str] | None = None) -> str:
        body: dict[str, Any] = {"permissions": permissions or {}}
        if repositories:
            body["repositories"] = repositories
        answer = self.app().post(f"/app/installations/{self.installation_id}/access_tokens", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def bot(self, permissions: dict[str, str] | None = None, repositories: list[str] | None = None) -> httpx.Client:
        return self.with_token(self.bot_token(permissions, repositories))

    def admin(self, path: str, body: Any) -> Any:
        with plain_client() as client:
            answer = client.post(f"{self.url}/_localhub{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def git_url(self, full_name: str, token: str, user: str = "x-access-token") -> str:
        return f"{self.url.replace('://', f'://{user}:{token}@')}/{full_name}.git"

    def settle(self, timeout: float = 30) -> None:
        """Wait until nothing is pending."""
        end = time.monotonic() + timeout
        while pending := self.hub.pending():
            assert time.monotonic() < end, f"still pending: {pending}"
            time.sleep(0.005)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()
        self.hooks.close()


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def _seed(key_pem: str, hook_url: str, events: list[str]) -> seed.Seed:
    people = ("alice", "bob", "carol", "mallory", "octo-owner")
    return seed.Seed.model_validate({
        "users": [{"login": each, "token": f"ghp_{each}", "email": f"{each}@example.org"} for each in people],
        "organizations": [{"login": "acme", "members": {"octo-owner": "admin", "bob": "member"}}],
        "repositories": [
            {"full_name": "alice/sample", "private": True, "collaborators": {"bob": "write", "carol": "read"}},
            {"full_name": "alice/other", "private": True, "auto_init": False},
            {"full_name": "alice/open", "auto_init": False},
            {"full_name": "acme/tools", "private": True, "auto_init": False},
        ],
        "apps": [{
            "id": APP_ID, "slug": "branchwork", "name": "Branchwork", "owner": "alice", "private_key_pem": key_pem,
            "webhook_url": hook_url, "webhook_secret": SECRET, "permissions": PERMISSIONS, "events": events,
        }],
        "installations": [
            {"app": "branchwork", "account": "alice", "repositories": ["alice/sample"]},
            {"app": "branchwork", "account": "acme"},
        ],
    })  # fmt: skip


@pytest.fixture(scope="session")
def key_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture(scope="session")
def worlds() -> Iterator[list[World]]:
    """The world that the last test left in good order, if there is one."""
    kept: list[World] = []
    yield kept
    for world in kept:
        world.close()


@pytest.fixture
def hub(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    """A freshly seeded localhub."""
    yield from _lent(worlds, tmp_path_factory, key_pem)


@pytest.fixture(scope="module")
def kept_hub(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    """One localhub for all tests of a module, for what takes long to furnish; no test may need it untouched."""
    yield from _lent(worlds, tmp_path_factory, key_pem)


def _lent(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    world = worlds.pop() if worlds else World(tmp_path_factory.mktemp("world") / "hub", key_pem)
    yield world
    try:
        world.reset()
    except BaseException:
        world.close()
        raise
    worlds.append(world)


def _schemas(module: str, version: str = "2026-03-10") -> Any:
    """A module of githubkit-schemas, without running `githubkit`'s own `__init__`, which loads a whole HTTP client.

    The hooks are what that `__init__` would apply: models are loaded one by one instead of 1,600 modules at once.
    """
    if "githubkit" not in sys.modules:
        found = importlib.util.find_spec("githubkit")
        assert found is not None
        package = types.ModuleType("githubkit")
        package.__path__ = list(found.submodule_search_locations or [])
        sys.modules["githubkit"] = package
        for hook in ("alias_module", "lazy_module"):
            importlib.import_module(f"githubkit.module_hooks.{hook}").apply()
    return importlib.import_module(f"githubkit_schemas.v{version.replace('-', '_')}.{module}")


def _model(name: str) -> Any:
    models = _schemas("models")
    if name.startswith("list["):
        return list[_model(name.removeprefix("list[").removesuffix("]"))]  # type: ignore[misc]
    return getattr(models, name)


def _validate(answer: Any, model: str, status: int | None = None) -> Any:
    """Check a response (or plain data) against GitHub's model of this name; returns the data."""
    if isinstance(answer, httpx.Response):
        expected = answer.status_code == status if status else answer.is_success
        assert expected, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        answer = answer.json()
    TypeAdapter(_model(model)).validate_python(answer)
    return answer


def _validate_hook(delivery: Delivery) -> dict[str, Any]:
    """Check a delivery's headers, signature and payload against GitHub's model of its event and action."""
    assert delivery.signed()
    assert delivery.headers["X-GitHub-Hook-Installation-Target-ID"] == str(APP_ID)
    module = _schemas(f"webhooks.{delivery.event}")
    types = getattr(module, "action_types", None)
    model = types[str(delivery.action)] if isinstance(types, dict) else module.Event  # push has no actions
    missing = _missing_organization(model, delivery.payload)
    TypeAdapter(model).validate_python(delivery.payload | missing)
    assert set(delivery.payload["installation"]) >= {"id", "node_id"} or delivery.event.startswith("installation")
    return delivery.payload


def _missing_organization(model: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """GitHub's description demands `organization` of some events though a user's repository has none."""
    field = getattr(model, "model_fields", {}).get("organization")
    if field is None or not field.is_required() or "organization" in payload:
        return {}
    assert payload["repository"]["owner"]["type"] == "User"
    urls = (
        "url",
        "repos_url",
        "events_url",
        "hooks_url",
        "issues_url",
        "members_url",
        "public_members_url",
        "avatar_url",
    )
    return {"organization": dict.fromkeys(urls, "http://example.org") | {
        "login": "x", "id": 1, "node_id": "x", "description": None}}  # fmt: skip


@pytest.fixture(scope="session")
def validate() -> Callable[..., Any]:
    return _validate


@pytest.fixture(scope="session")
def validate_hook() -> Callable[[Delivery], dict[str, Any]]:
    return _validate_hook


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, started once a file: while Playwright is up its event loop is the process's running one."""
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(chromium).exists():
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()

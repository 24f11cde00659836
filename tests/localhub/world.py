"""A seeded localhub in this process, reached as anyone would reach it: over HTTP."""

from __future__ import annotations

import shutil
import sqlite3
import ssl
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import jwt

from localhub import seed
from localhub.faults import FaultPlan
from localhub.hub import Hub
from localhub.limits import LimitSettings
from localhub.seedfile import Seed
from localhub.server import Server
from tests.localhub.hooks import SECRET, Hooks

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

    def told(self, event: str) -> list[dict[str, Any]]:
        """The payloads of every webhook of this event, once nothing is pending."""
        self.settle()
        return [each.payload for each in self.hooks.find(event)]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()
        self.hooks.close()


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def _seed(key_pem: str, hook_url: str, events: list[str]) -> Seed:
    people = ("alice", "bob", "carol", "mallory", "octo-owner")
    return Seed.model_validate({
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

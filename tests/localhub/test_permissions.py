"""Every call on a repository, asked by everyone: who may not see gets 404, who may not do gets 403.

permissions.txt is GitHub's "Permissions required for GitHub Apps" for the calls that localhub has, with the role that a
person needs (`app`: no person may, `hidden`: 404 unless an administrator, `-`: it depends) and a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from localhub.app import ROUTERS

BOTH = "issues pull_requests"
ALL = (
    "actions",
    "administration",
    "checks",
    "contents",
    "issues",
    "pull_requests",
    "repository_hooks",
    "statuses",
    "workflows",
)
WHO = {"message": "m", "content": "eA=="}
TABLE = (Path(__file__).parent / "permissions.txt").read_text()
PEOPLE_ONLY = {
    ("GET", "/notifications"),
    ("POST", "/forks"),
    ("PUT", "/notifications"),
    ("GET", "/subscription"),
    ("PUT", "/subscription"),
    ("DELETE", "/subscription"),
}
OWN = {("DELETE", "."), ("GET", "/installation")}  # tested where they belong


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    any_of: tuple[str, ...]
    every: bool
    role: str
    level: str
    body: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_edit(self) -> bool:
        """What a person may do depends on what is asked for."""
        return self.method == "PATCH" and self.path in ("/issues/1", "/pulls/2")


def table() -> Iterator[Call]:
    for line in TABLE.strip().splitlines():
        ask, permissions, role, *body = (part.strip() for part in line.split(" |", 3))
        method, path = ask.split()
        permissions, _, level = permissions.partition(":")
        level = level or ("read" if method == "GET" else "write")
        names = permissions.replace("BOTH", BOTH).replace("+", " ").split()
        yield Call(method, path, tuple(names), "+" in permissions, role, level, body[0].lstrip("| ") if body else None)


CALLS = list(table())


class Asker:
    """The repository with an issue (1), a pull request (2), a comment and a label."""

    def __init__(self, hub: Any, name: str = "/repos/alice/sample") -> None:
        self.hub, self.name = hub, name
        hub.admin("/limits", {"enforced": False})
        granted = dict.fromkeys(ALL, "write") | {"metadata": "read", "members": "read"}
        hub.admin(f"/installations/{hub.installation_id}", {"action": "permissions", "permissions": granted})
        alice = hub.client("alice")
        root = "/repos/alice/sample"
        self.sha = alice.get(f"{root}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{root}/issues", json={"title": "One"})
        alice.put(f"{root}/contents/a.txt", json={"message": "a", "content": "eA==", "branch": "main"})
        alice.post(f"{root}/git/refs", json={"ref": "refs/heads/old", "sha": self.sha})
        alice.post(f"{root}/pulls", json={"title": "Two", "head": "main", "base": "old"})
        self.comment = alice.post(f"{root}/issues/1/comments", json={"body": "x"}).json()["id"]
        self._tokens: dict[Any, Any] = {}

    def token(self, permissions: dict[str, str]) -> Any:
        key = tuple(sorted(permissions.items()))
        if key not in self._tokens:
            self._tokens[key] = self.hub.bot(permissions, ["sample"])
        return self._tokens[key]

    def ask(self, client: Any, call: Call) -> Any:
        def put(text: str) -> str:
            return text.replace("SHA", self.sha).replace("ZERO", "0" * 40).replace("COMMENT", str(self.comment))

        path = self.name + ("" if call.path == "." else put(call.path))
        content = put(call.body) if call.body else None
        return client.request(call.method, path, content=content)


@pytest.fixture
def asker(hub: Any) -> Asker:
    return Asker(hub)


def refusal(answer: Any) -> str:
    """What is wrong with a refusal that should be a 403 of GitHub's form; "" when it is right."""
    body = answer.json()
    if answer.status_code != 403 or not body.get("documentation_url", "").startswith("https://docs.github.com"):
        return f"{answer.status_code} {answer.text[:120]}"
    return ""


def test_an_apps_permissions(asker: Asker) -> None:
    """Nothing granted, everything else granted, read instead of write: 403. What is needed: not refused."""
    wrong: list[str] = []
    for call in CALLS:
        if call.any_of == ("metadata",):
            assert asker.ask(asker.token({"metadata": "read"}), call).status_code not in (401, 403), str(call)
            continue
        others = {name: "write" for name in ALL if name not in call.any_of}
        lacking: list[dict[str, str]] = [{"metadata": "read"}, others]
        enough = [{name: call.level} for name in call.any_of]
        if call.level == "write":
            lacking += [{name: "read"} for name in call.any_of]
        if call.every:
            lacking += enough
            enough = [dict.fromkeys(call.any_of, "write")]
        for permissions in lacking:
            answer = asker.ask(asker.token(permissions), call)
            if refusal(answer) or answer.json()["message"] != "Resource not accessible by integration":
                wrong.append(f"{call} with {sorted(permissions)}: {answer.status_code} {answer.text[:90]}")
        for permissions in enough:
            pull = replace(call, path=call.path.replace("/issues/1", "/issues/2"))
            answer = asker.ask(asker.token(permissions), pull if "pull_requests" in permissions else call)
            message = answer.json().get("message", "") if answer.content and answer.status_code >= 400 else ""
            if answer.status_code == 401 or "integration" in message or answer.status_code >= 500:
                wrong.append(f"{call} with {permissions}: {answer.status_code} {answer.text[:90]}")
            said = answer.headers.get("X-Accepted-GitHub-Permissions", "")
            wanted = "; ".join(f"{name}={call.level}" for name in call.any_of)
            if not call.every and answer.status_code != 404 and said != wanted:
                wrong.append(f"{call}: accepted {said!r} for {wanted!r}")
    assert not wrong, "\n".join(wrong)


def test_who_is_refused_learns_nothing_of_the_body(asker: Asker) -> None:
    """GitHub looks at credentials first: 403 and 404 come before what is wrong with the JSON; then nothing happens."""
    wrong: list[str] = []
    hub = asker.hub
    carol, nobody, before = hub.client("carol"), hub.client(), _rows(hub)
    for call in CALLS:
        if call.body is None:
            continue
        for body in ("[[1]]", json.dumps({key: {"x": []} for key in json.loads(call.body)})):
            misshapen = replace(call, body=body)
            lacking = asker.token({name: "write" for name in ALL if name not in call.any_of})
            refused = asker.ask(lacking, misshapen)
            if refusal(refused):
                wrong.append(f"{call} {body}: {refused.status_code} {refused.text[:90]}")
            if (
                call.role not in ("read", "-")
                and not call.is_edit
                and asker.ask(carol, misshapen).status_code not in (403, 404)
            ):
                wrong.append(f"{call} {body} by carol")
            if asker.ask(nobody, misshapen).status_code != 404:
                wrong.append(f"{call} {body} by nobody")
            told = asker.ask(asker.token(dict.fromkeys(call.any_of, call.level)), misshapen)
            if told.status_code not in (400, 404, 422) and not told.is_success:
                wrong.append(f"{call} {body} with all that is needed: {told.status_code} {told.text[:90]}")
    assert not wrong, "\n".join(wrong)
    assert _rows(hub) == before


def _rows(hub: Any) -> dict[str, int]:
    """How much there is of everything but tokens and what is made when one looks."""
    hub.settle()
    names = [row[0] for row in hub.hub.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: hub.hub.db.value(f"SELECT COUNT(*) FROM {name}") for name in names if name != "tokens"}


def test_peoples_roles(asker: Asker) -> None:
    order = ["none", "read", "triage", "write", "maintain", "admin"]
    people = {"mallory": "none", "carol": "read", "bob": "write", "alice": "admin"}
    wrong: list[str] = []
    clients = {login: asker.hub.client(login) for login in people}
    for call in CALLS:
        for login, role in people.items():
            answer = asker.ask(clients[login], call)
            told = f"{call} by {login}: {answer.status_code} {answer.text[:100]}"
            if role == "none":
                fine = answer.status_code == 404 and answer.json()["message"] == "Not Found"
            elif call.role == "hidden" and role != "admin":
                fine = answer.status_code == 404
            elif call.role == "hidden":
                fine = answer.status_code < 400 or answer.status_code == 404
            elif call.role == "-":
                fine = answer.status_code in (403, 404)
            elif call.role == "app":
                fine = not refusal(answer)
            elif order.index(role) < order.index(call.role):
                wanted = "Must have admin rights to Repository." if call.role == "admin" else "Must have"
                fine = not refusal(answer) and answer.json()["message"].startswith(wanted)
            else:
                fine = answer.status_code not in (401, 403) and answer.status_code < 500
            if not fine:
                wrong.append(told)
    assert not wrong, "\n".join(wrong)


def test_nobody_and_dead_tokens(asker: Asker) -> None:
    """A private repository is 404 for nobody; a public one is read, and writing asks for credentials."""
    hub = asker.hub
    everything = dict.fromkeys(ALL, "write")
    revoked = hub.bot(everything, ["sample"])
    assert revoked.delete("/installation/token").status_code == 204
    elsewhere = hub.bot(everything, ["sample"])
    suspended = hub.bot(everything, ["sample"])
    nobody, app, wrong = hub.client(), hub.app(), []
    public = Asker(hub, "/repos/alice/open")
    for call in CALLS:
        asked = [
            (asker.ask(nobody, call), (404,)),
            (asker.ask(revoked, call), (401,)),
            (asker.ask(app, call), (401, 403, 404)),
        ]
        if call.level == "write":
            asked.append((public.ask(nobody, call), (401, 404) if call.role == "hidden" else (401,)))
            asked.append((public.ask(elsewhere, call), (403,)))
        elif call.role == "read":
            asked.append((public.ask(nobody, call), (200, 202, 204, 302, 404, 409, 422)))
            asked.append((public.ask(elsewhere, call), (200, 202, 204, 302, 404, 409, 422)))
        wrong += [
            f"{call}: {answer.status_code} {answer.text[:90]}"
            for answer, fine in asked
            if answer.status_code not in fine
        ]
    hub.admin(f"/installations/{hub.installation_id}", {"action": "suspend"})
    for call in CALLS:
        answer = asker.ask(suspended, call)
        if refusal(answer) or answer.json()["message"] != "This installation has been suspended":
            wrong.append(f"{call} suspended: {answer.status_code} {answer.text[:90]}")
    assert not wrong, "\n".join(wrong)


def test_a_permission_for_pull_requests_opens_no_issue(asker: Asker) -> None:
    """Labels, comments and edits are the same calls for both kinds; the permission is not the same."""
    bot = asker.token({"pull_requests": "write", "issues": "read"})
    for path, body in (
        ("labels", {"labels": ["bug"]}),
        ("comments", {"body": "x"}),
        ("assignees", {"assignees": ["bob"]}),
    ):
        assert not refusal(bot.post(f"{asker.name}/issues/1/{path}", json=body))
        assert bot.post(f"{asker.name}/issues/2/{path}", json=body).is_success
    assert not refusal(bot.patch(f"{asker.name}/issues/1", json={"title": "y"}))
    assert bot.get(f"{asker.name}/issues/1").status_code == 200
    assert not refusal(asker.token({"pull_requests": "write"}).get(f"{asker.name}/issues/1"))


def test_no_call_is_missing_here(hub: Any) -> None:
    """A route that nobody put into the table is a route that nobody asks for its permission."""

    known = {(call.method, call.path) for call in CALLS} | PEOPLE_ONLY | OWN
    missing = []
    for make in ROUTERS:
        for route in make(hub.hub).routes:
            path = str(getattr(route, "path", ""))
            if not path.startswith("/repos/{owner}/{name}"):
                continue
            rest = path.removeprefix("/repos/{owner}/{name}") or "."
            anything = re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+(:int)?\}", "[^/]+", rest.replace(".", r"\.")))
            pattern = re.compile(anything + r"\Z")
            for method in getattr(route, "methods", None) or ():
                if method != "HEAD" and not any(method == each and pattern.match(path) for each, path in known):
                    missing.append(f"{method} {rest}")
    assert not missing, "\n".join(missing)

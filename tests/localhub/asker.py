"""GitHub's calls on a repository with what each of them wants, and one who makes them with any credentials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """The repository with an issue (1) and its comment, a pull request (2) and its remark, and a label."""

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
        self.remark = alice.post(f"{root}/issues/2/comments", json={"body": "on the pull"}).json()["id"]
        self._tokens: dict[Any, Any] = {}

    def token(self, permissions: dict[str, str]) -> Any:
        key = tuple(sorted(permissions.items()))
        if key not in self._tokens:
            self._tokens[key] = self.hub.bot(permissions, ["sample"])
        return self._tokens[key]

    def ask(self, client: Any, call: Call) -> Any:
        def put(text: str) -> str:
            text = text.replace("COMMENT", str(self.comment)).replace("REMARK", str(self.remark))
            return text.replace("SHA", self.sha).replace("ZERO", "0" * 40)

        path = self.name + ("" if call.path == "." else put(call.path))
        content = put(call.body) if call.body else None
        return client.request(call.method, path, content=content)


def refusal(answer: Any) -> str:
    """What is wrong with a refusal that should be a 403 of GitHub's form; "" when it is right."""
    body = answer.json()
    if answer.status_code != 403 or not body.get("documentation_url", "").startswith("https://docs.github.com"):
        return f"{answer.status_code} {answer.text[:120]}"
    return ""

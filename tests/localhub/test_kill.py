"""`kill -9` in the middle of everything: what a client was told is true afterwards, its webhooks come, nothing is half."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = "/repos/alice/sample"
EVENTS = [
    "issues",
    "issue_comment",
    "sub_issues",
    "issue_dependencies",
    "pull_request",
    "pull_request_review",
    "push",
    "status",
]
Fact = tuple[Any, ...]


class Process:
    """localhub as a process of its own, whose webhooks go to `hook_url`."""

    def __init__(self, folder: Path, key_pem: str, hook_url: str) -> None:
        permissions = dict.fromkeys(("contents", "issues", "pull_requests", "statuses"), "write")
        app = {
            "id": 7, "slug": "robot", "owner": "alice", "private_key_pem": key_pem, "webhook_url": hook_url,
            "webhook_secret": "a webhook secret", "permissions": {**permissions, "metadata": "read"}, "events": EVENTS,
        }  # fmt: skip
        users = [{"login": name, "token": f"ghp_{name}"} for name in ("alice", "bob")]
        seed = {
            "users": users, "repositories": [{"full_name": "alice/sample", "collaborators": {"bob": "write"}}],
            "apps": [app], "installations": [{"app": "robot", "account": "alice"}],
        }  # fmt: skip
        self._seed = folder / "seed.json"
        self._seed.write_text(json.dumps(seed))
        self._data = folder / "data"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "localhub", "--data", str(self._data), "--seed", str(self._seed)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        httpx.post(f"{self.url}/_localhub/limits", json={"enforced": False}, trust_env=False)

    def end(self, *, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.communicate()

    def client(self, who: str) -> httpx.Client:
        headers = {"Authorization": f"token ghp_{who}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    def settle(self) -> None:
        end = time.monotonic() + 30
        while not httpx.get(f"{self.url}/_localhub/quiet", trust_env=False).json()["quiet"]:
            assert time.monotonic() < end
            time.sleep(0.02)


class Writer(threading.Thread):
    """Does one thing after the other and notes what it was told, until nobody answers any more."""

    def __init__(self, number: int, server: Process, told: list[Fact], enough: Callable[[], None]) -> None:
        super().__init__()
        self.number, self.server, self.told, self.enough = number, server, told, enough

    def run(self) -> None:
        with self.server.client("alice") as self.alice, self.server.client("bob") as self.bob:
            try:
                for turn in range(10_000):
                    self.issues(turn)
                    self.pull(f"topic-{self.number}-{turn}")
            except httpx.TransportError:
                return

    def ask(self, client: httpx.Client, method: str, path: str, **body: Any) -> Any:
        answer = client.request(method, ROOT + path, json=body or None)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.is_success and answer.content else {}

    def note(self, *fact: Any) -> None:
        self.told.append(fact)
        self.enough()

    def issues(self, turn: int) -> None:
        made = []
        for _ in range(2):
            issue = self.ask(self.alice, "POST", "/issues", title=f"{self.number}-{turn}")
            self.note("issue", issue["number"])
            made.append(issue)
        one, other = made
        path = f"/issues/{one['number']}"
        self.note("comment", self.ask(self.alice, "POST", f"{path}/comments", body="Words")["id"])
        self.ask(self.alice, "POST", f"{path}/labels", labels=["bug"])
        self.note("labelled", one["number"])
        self.ask(self.alice, "POST", f"{path}/sub_issues", sub_issue_id=other["id"])
        self.note("child", one["number"], other["number"])
        self.ask(self.alice, "POST", f"{path}/dependencies/blocked_by", issue_id=other["id"])
        self.note("blocked", one["number"], other["number"])
        self.ask(self.alice, "PATCH", path, state="closed", state_reason="not_planned")
        self.note("closed", one["number"])

    def pull(self, branch: str) -> None:
        main = self.ask(self.alice, "GET", "/git/ref/heads/main")["object"]["sha"]
        self.ask(self.alice, "POST", "/git/refs", ref=f"refs/heads/{branch}", sha=main)
        self.note("branch", branch)
        content = base64.b64encode(branch.encode()).decode()
        body = {"message": branch, "content": content, "branch": branch}
        sha = self.ask(self.alice, "PUT", f"/contents/{branch}.txt", **body)["commit"]["sha"]
        self.note("commit", branch, sha)
        number = self.ask(self.alice, "POST", "/pulls", title=branch, head=branch, base="main")["number"]
        self.note("pull", number, sha)
        self.note("review", number, self.ask(self.bob, "POST", f"/pulls/{number}/reviews", event="APPROVE")["id"])
        self.ask(self.alice, "POST", f"/statuses/{sha}", context="ci", state="success")
        self.note("status", sha)
        merged = self.ask(self.alice, "PUT", f"/pulls/{number}/merge", merge_method=("merge", "squash")[number % 2])
        if merged:
            self.note("merged", number, merged["sha"])


def true(client: httpx.Client, fact: Fact) -> bool:
    """Whether it is so now."""

    def get(path: str) -> Any:
        return client.get(ROOT + path).json()

    match fact:
        case ("issue", number):
            return bool(get(f"/issues/{number}").get("title"))
        case ("comment", comment):
            return bool(get(f"/issues/comments/{comment}")["body"] == "Words")
        case ("labelled", number):
            return [each["name"] for each in get(f"/issues/{number}")["labels"]] == ["bug"]
        case ("child", parent, child):
            return [each["number"] for each in get(f"/issues/{parent}/sub_issues")] == [child]
        case ("blocked", number, blocker):
            return [each["number"] for each in get(f"/issues/{number}/dependencies/blocked_by")] == [blocker]
        case ("closed", number):
            return bool(get(f"/issues/{number}")["state_reason"] == "not_planned")
        case ("branch", branch):
            return "object" in get(f"/git/ref/heads/{branch}")
        case ("commit", branch, sha):
            return bool(get(f"/git/ref/heads/{branch}")["object"]["sha"] == sha)
        case ("pull", number, sha):
            return bool(get(f"/pulls/{number}")["head"]["sha"] == sha)
        case ("review", number, review):
            return bool(get(f"/pulls/{number}/reviews/{review}")["state"] == "APPROVED")
        case ("status", sha):
            return bool(get(f"/commits/{sha}/status")["state"] == "success")
        case ("merged", number, sha):
            return bool(get(f"/pulls/{number}")["merge_commit_sha"] == sha and get(f"/pulls/{number}")["merged"])
        case _:
            return False


def news(hooks: Any) -> set[Fact]:
    """The facts of which webhooks told."""
    found: set[Fact] = set()
    for each in hooks.deliveries:
        match each.event, each.action, each.payload:
            case "issues", "opened" | "closed" | "labeled" as action, {"issue": {"number": number}}:
                found.add(({"opened": "issue", "labeled": "labelled"}.get(action, action), number))
            case "issue_comment", _, {"comment": {"id": comment}}:
                found.add(("comment", comment))
            case "sub_issues", "sub_issue_added", {"parent_issue": {"number": parent}, "sub_issue": {"number": child}}:
                found.add(("child", parent, child))
            case "issue_dependencies", _, {"blocked_issue": {"number": one}, "blocking_issue": {"number": other}}:
                found.add(("blocked", one, other))
            case "pull_request", "opened", {"number": number, "pull_request": {"head": {"sha": sha}}}:
                found.add(("pull", number, sha))
            case "pull_request", "closed", {"number": number, "pull_request": {"merge_commit_sha": sha}}:
                found.add(("merged", number, sha))
            case "pull_request_review", _, {"pull_request": {"number": number}, "review": {"id": review}}:
                found.add(("review", number, review))
            case "push", _, {"ref": ref, "after": sha}:
                found |= {("branch", ref[11:]), ("commit", ref[11:], sha)}
            case "status", _, {"sha": sha}:
                found.add(("status", sha))
    return found


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "after", [45, pytest.param(7, marks=SLOW), pytest.param(120, marks=SLOW), pytest.param(333, marks=SLOW)]
)
def test_nothing_that_was_told_is_lost_by_a_kill(hub: Any, key_pem: str, tmp_path: Path, after: int) -> None:
    server = Process(tmp_path, key_pem, hub.hooks.url)
    told: list[Fact] = []
    enough = threading.Event()
    writers = [Writer(each, server, told, lambda: enough.set() if len(told) >= after else None) for each in range(3)]
    for writer in writers:
        writer.start()
    assert enough.wait(120)
    server.end(kill=True)
    for writer in writers:
        writer.join()
    server.start()
    try:
        with server.client("alice") as client:
            assert [fact for fact in told if not true(client, fact)] == []
            server.settle()
            assert [fact for fact in told if fact not in news(hub.hooks)] == []
            check_whole(client)
    finally:
        server.end()


def check_whole(client: httpx.Client) -> None:
    """A merge that nobody was told of is done wholly or not at all, and all can go on."""
    main = {each["sha"] for each in client.get(f"{ROOT}/commits", params={"per_page": 100}).json()}
    for pull in client.get(f"{ROOT}/pulls", params={"state": "all", "per_page": 100}).json():
        if pull["merged_at"]:
            compared = client.get(f"{ROOT}/compare/main...{pull['merge_commit_sha']}").json()
            assert compared["ahead_by"] == 0, "what it was merged as is in main"
        else:
            assert pull["state"] == "open"
            assert pull["head"]["sha"] not in main
    issues = client.get(f"{ROOT}/issues", params={"state": "all", "per_page": 1})
    number = client.post(f"{ROOT}/issues", json={"title": "After"}).json()["number"]
    assert number == issues.json()[0]["number"] + 1

"""Junk on every route: whatever comes, GitHub's own kind of answer goes back, never a crash."""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import replace
from typing import Any

import httpx

from localhub.app import ROUTERS
from tests.localhub.asker import ALL, CALLS, Asker

JUNK = ["", "0", "-1", "1", "x", "é💥", "a" * 3000, "9" * 30, "%00", "a%00b", "..%2F..%2Fetc", "%2e%2e", "*", "'; --", "1e9",
        "HEAD", "main", "refs%2Fheads%2Fmain", "main...HEAD", "%FF%FE", "null", "true", "[]", "{}", "@{1}", "-x", "--all",
        "%0a", "a%20b", "README.md", "sample", "alice"]  # fmt: skip
LEAVES: list[Any] = [None, True, -1, 0, 10**30, 1.5, 1e308, "", "x", "\0", "é" * 70, "a" * 5000, "\ud800", [], {}, [None],
                     {"a": 1}, "refs/heads/x", "0" * 40, [[]], "2026-13-45T99:99:99Z"]  # fmt: skip
NAMES = ["title", "body", "labels", "assignees", "state", "sha", "ref", "base", "head", "name", "permissions", "event", "comments",
         "sub_issue_id", "issue_id", "after_id", "content", "message", "tree", "parents", "tag", "object", "type", "branch",
         "milestone", "color", "output", "conclusion", "status", "head_sha", "query", "variables", "repositories", "repository_ids",
         "force", "draft", "path", "line", "commit_id", "reviewers", "rules", "conditions", "enforcement", "config", "events",
         "required_status_checks", "author", "committer", "encoding", "base_tree", "merge_method", "inputs", "since", "url"]  # fmt: skip
QUERIES = ["per_page", "page", "since", "state", "labels", "ref", "sha", "sort", "direction", "cursor", "recursive", "q", "status",
           "creator", "assignee", "milestone", "filter", "author", "until", "path", "event", "branch", "base", "head"]  # fmt: skip


def routes(hub: Any) -> list[tuple[str, str]]:
    found = []
    for make in ROUTERS:
        for route in make(hub).routes:
            found += [(method, str(route.path)) for method in sorted(getattr(route, "methods", None) or ())]  # type: ignore[attr-defined]
    return sorted(set(found))


def filled(path: str, chance: random.Random) -> str:
    """The route's path; the repository is mostly one that exists, so that the junk gets behind the first door."""

    def value(match: re.Match[str]) -> str:
        known = {"owner": "alice", "name": "sample", "login": "alice", "org": "acme"}.get(match[1])
        if known and chance.random() < 0.9:
            return known
        if match[2] == "int" or chance.random() < 0.3:
            return chance.choice(["1", "0", "2", "9" * 18, "9" * 19, "9" * 30, "007"])
        return chance.choice(JUNK)

    return re.sub(r"\{(\w+):?(\w*)\}", value, path)


def body(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(
            [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b"1", b'{"a":', b"[" * 3000, b'{"title": NaN}']
        )
    chosen = chance.sample(NAMES, chance.randint(0, 12))
    return json.dumps({name: chance.choice(LEAVES) for name in chosen}).encode("utf-8", "surrogatepass")


def junk(hub: Any, count: int, seed: int) -> list[str]:
    """What was answered with 5xx (or not at all), of `count` junk requests a route."""
    chance = random.Random(seed)
    hub.admin("/limits", {"enforced": False})
    clients = [hub.client("alice"), hub.bot(), hub.app(), hub.client(), hub.client("alice", prefix="")]
    bad = []
    clients[0].post("/repos/alice/sample/issues", json={"title": "One"})
    for method, path in routes(hub.hub):
        if "git-upload-pack" in path or method == "HEAD" or (method, path) == ("DELETE", "/repos/{owner}/{name}"):
            continue
        for _ in range(count):
            client = chance.choice(clients)
            url = filled(path, chance)
            if chance.random() < 0.5:
                url += "?" + "&".join(
                    f"{chance.choice(QUERIES)}={chance.choice(JUNK)}" for _ in range(chance.randint(1, 3))
                )
            content = body(chance) if method != "GET" else None
            try:
                answer = client.request(method, url, content=content, headers={"Content-Type": "application/json"})
                status = answer.status_code
            except httpx.TransportError:
                status = 599
            if status >= 500:
                bad.append(f"{method} {path}: {url[:150]} {content[:300] if content else ''!r} -> {status}")
    return bad


def test_no_junk_is_a_crash(hub: Any) -> None:
    bad = junk(hub, int(os.environ.get("LOCALHUB_FUZZ", "2")), int(os.environ.get("LOCALHUB_FUZZ_SEED", "1")))
    assert not bad, "\n".join(bad)


MORE = {
    "issues": "body labels assignees assignee milestone type state state_reason", "pulls": "body draft issue maintainer_can_modify",
    "check-runs": "status conclusion started_at completed_at output actions external_id details_url", "reviews": "comments commit_id",
    "comments": "side start_line start_side position in_reply_to subject_type", "commits": "parents author committer signature",
    "trees": "base_tree", "tags": "tagger type", "refs": "force", "hooks": "events config name", "blobs": "encoding",
    "statuses": "target_url description context", "labels": "color description new_name", "milestones": "due_on state description",
    "contents": "sha author committer branch", "merges": "commit_message", "rulesets": "rules conditions target bypass_actors",
    "branches": "required_status_checks required_pull_request_reviews enforce_admins restrictions required_linear_history",
    "dispatches": "inputs ref client_payload",
    ".": "name private default_branch visibility has_issues homepage allow_auto_merge",
}  # fmt: skip
"""What calls take besides what permissions.txt sends."""


def test_one_wrong_value_in_a_good_body_is_no_crash(asker: Asker) -> None:
    """All the rest being right, it comes as far as the value is carried."""
    chance = random.Random(int(os.environ.get("LOCALHUB_FUZZ_SEED", "1")))
    alice, bot, bad = asker.hub.client("alice"), asker.token(dict.fromkeys(ALL, "write")), []
    for call in CALLS:
        parts = call.path.split("/")
        body = json.loads(call.body or "null")
        if body is None or call.path.endswith(("/merge", "/update-branch")):
            continue
        names = {*body, *MORE.get(parts[1] if len(parts) > 1 else ".", "").split(), *MORE.get(parts[-1], "").split()}
        for name in sorted(names):
            for leaf in chance.sample(LEAVES, int(os.environ.get("LOCALHUB_FUZZ", "2")) * 2):
                text = json.dumps({**body, name: leaf if leaf != "\ud800" else "@"})
                answer = asker.ask(bot if call.role == "app" else alice, replace(call, body=text))
                if answer.status_code >= 500:
                    bad.append(f"{call}: {text[:200]} -> {answer.status_code}")
    assert not bad, "\n".join(bad)


def test_wrong_values_that_crashed_once(hub: Any) -> None:
    alice, repo = hub.client("alice"), "/repos/alice/sample"
    sha = alice.get(f"{repo}/git/ref/heads/main").json()["object"]["sha"]
    tag = {"tag": "v1", "message": "m", "object": sha, "type": "commit"}
    for method, path, body in (
        ("POST", "/git/tags", tag | {"object": "@"}), ("POST", "/git/tags", tag | {"tag": " "}),
        ("PUT", "/contents/new.txt", {"message": "m", "content": "é"}), ("POST", f"/statuses/{sha}", {"state": "success", "description": 1}),
        ("PUT", "/contents/new.txt", {"message": "m", "content": "!!!!"}), ("POST", "/dispatches", {"event_type": "x", "client_payload": 1}),
        ("POST", "/git/blobs", {"content": "é", "encoding": "base64"}),
    ):  # fmt: skip
        assert alice.request(method, repo + path, json=body).status_code == 422, path
    for name in ("default_branch", "private", "has_issues"):
        assert alice.patch(repo, json={name: None}).json()[name] == alice.get(repo).json()[name]
    lines = {"message": "m", "content": "aGVs\nbG8=\n"}
    assert alice.put(f"{repo}/contents/new.txt", json=lines).json()["content"]["size"] == 5
    assert hub.client().get("/user", headers={"Authorization": b"Basic \xe9"}).status_code == 401

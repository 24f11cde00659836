"""Junk on every route: whatever comes, GitHub's own kind of answer goes back, never a crash."""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

import httpx

from localhub.app import ROUTERS

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

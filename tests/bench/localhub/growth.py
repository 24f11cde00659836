"""Part d: what a call costs in a repository of 10 issues and in one of 20,000, in turn, by one client.

Reads carry a number that makes each its own, so that none is answered from memory. A ratio near 1 is no growth; on a busy
machine the ratio of the quickest answers says more than that of the medians.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.localhub import servers
from tests.bench.localhub.calls import REPO
from tests.bench.localhub.servers import Server
from tests.bench.localhub.wire import Connection

FEW = 10

Asked = tuple[str, str, Any]


def _get(path: str) -> Callable[[int], Asked]:
    mark = "&" if "?" in path else "?"
    return lambda i: ("GET", f"{path}{mark}bench={i}", None)


def _list(path: str, size: int = 5) -> Callable[[int], Asked]:
    """A page of a size that ten issues fill as well as 20,000 do, so that both answers say as much."""
    return _get(f"{path}{'&' if '?' in path else '?'}per_page={size}")


CALLS: dict[str, Callable[[int], Asked]] = {
    "get repository": _get(REPO),
    "list issues": _list(f"{REPO}/issues"),
    "list issues, second page": _list(f"{REPO}/issues?page=2", 2),
    "list issues, all states": _list(f"{REPO}/issues?state=all"),
    "list issues, closed": _list(f"{REPO}/issues?state=closed"),
    "list issues, a label": _list(f"{REPO}/issues?labels=odd", 2),
    "list issues, two labels": _list(f"{REPO}/issues?labels=odd,label-3", 1),
    "list issues, by update": _list(f"{REPO}/issues?sort=updated"),
    "list issues, by comments": _list(f"{REPO}/issues?sort=comments"),
    "list issues, oldest first": _list(f"{REPO}/issues?direction=asc"),
    "list issues, since": _list(f"{REPO}/issues?since=2020-01-01T00:00:00Z"),
    "list issues, an assignee": _list(f"{REPO}/issues?assignee=alice"),
    "list issues, nobody assigned": _list(f"{REPO}/issues?assignee=none"),
    "list issues, an author": _list(f"{REPO}/issues?creator=alice"),
    "list issues, no milestone": _list(f"{REPO}/issues?milestone=none"),
    "my issues": _list("/issues?filter=all"),
    "get issue": _get(f"{REPO}/issues/2"),
    "list comments": _list(f"{REPO}/issues/1/comments"),
    "list comments of the repository": _list(f"{REPO}/issues/comments"),
    "timeline": _list(f"{REPO}/issues/1/timeline"),
    "issue events": _list(f"{REPO}/issues/1/events"),
    "events of the repository": _list(f"{REPO}/issues/events"),
    "list labels": _list(f"{REPO}/labels"),
    "list pull requests": _list(f"{REPO}/pulls"),
    "notifications": _list("/notifications"),
    "notifications, read ones too": _list("/notifications?all=true"),
    "search, a state": _list("/search/issues?q=repo:alice/sample+is:open"),
    "search, a label": _list("/search/issues?q=repo:alice/sample+label:odd"),
    "search, a word": _list("/search/issues?q=repo:alice/sample+sentence"),
    "search, a rare word": _list("/search/issues?q=repo:alice/sample+heron"),
    "search, a rare phrase": _list('/search/issues?q=repo:alice/sample+"number+5+about"'),
    "search, three words": _list("/search/issues?q=repo:alice/sample+number+about+wanted"),
    "page of issues": lambda i: ("PAGE", f"/alice/sample/issues?per_page=5&bench={i}", None),
    "page of the first issue": lambda i: ("PAGE", f"/alice/sample/issues/2?bench={i}", None),
    "GraphQL, first issues": lambda i: ("POST", "/graphql", {"query": """
        {repository(owner: "alice", name: "sample") {issues(first: 5) {totalCount nodes {number title}}}}"""}),
    "create issue": lambda i: ("POST", f"{REPO}/issues", {"title": f"New {i}", "labels": ["odd"]}),
    "edit issue": lambda i: ("PATCH", f"{REPO}/issues/2", {"title": f"Edited {i}"}),
    "close and open": lambda i: ("PATCH", f"{REPO}/issues/3", {"state": "open" if i % 2 else "closed"}),
    "comment": lambda i: ("POST", f"{REPO}/issues/1/comments", {"body": f"Comment {i}"}),
    "add labels": lambda i: ("POST", f"{REPO}/issues/4/labels", {"labels": [f"label-{i % 10}"]}),
}  # fmt: skip


def run(folder: Path, many: int, repeats: int) -> dict[str, Any]:
    """{call: p50 with few, p50 with many, ratio}."""
    for name, count in (("few", FEW), ("many", many)):
        command = [sys.executable, "-m", "tests.bench.localhub.fill", str(folder / name / "data"), str(count)]
        began = time.perf_counter()
        subprocess.run(command, check=True)
        filled = time.perf_counter() - began
    with servers.localhub(folder / "few", {}) as few, servers.localhub(folder / "many", {}) as large:
        calls = asyncio.run(_measure(few, large, repeats))
        return {"issues": [FEW, many], "filled_s": round(filled, 1), "calls": calls, "rss_mb": round(large.rss_mb())}


async def _measure(few: Server, many: Server, repeats: int) -> dict[str, Any]:
    connections = [Connection(server.url) for server in (few, many)]
    found: dict[str, Any] = {}
    for name, make in CALLS.items():
        spent: tuple[list[float], list[float]] = ([], [])
        for number in range(repeats + 3):  # three to warm up
            for connection, list_ in zip(connections, spent, strict=True):
                method, path, body = make(number)
                at = time.perf_counter()
                answer = await connection.request(
                    method.replace("PAGE", "GET"), path, "ghp_alice", body, page=method == "PAGE"
                )
                list_.append(time.perf_counter() - at)
                if answer.status >= 300:
                    raise RuntimeError(f"{name}: {answer.status} {answer.body[:300]!r}")
        small, large = (sorted(list_[3:])[repeats // 2] * 1000 for list_ in spent)
        best = min(spent[1][3:]) / min(spent[0][3:])
        found[name] = {
            "few_ms": round(small, 2),
            "many_ms": round(large, 2),
            "ratio": round(large / small, 2),
            "best_ratio": round(best, 2),
        }
    for connection in connections:
        connection.close()
    return found

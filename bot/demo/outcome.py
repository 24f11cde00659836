"""What a run came to, counted from outside: localhub's REST API and statistics, and the bot's own status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import markers
from bot.demo.hub import Hub, Json

ATTEMPT = re.compile(r"^Branchwork-Attempt: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """Everything of the repository that counting needs, read once."""

    issues: list[Json]
    pulls: list[Json]
    comments: list[Json]
    reviews: dict[int, list[Json]]
    threads: list[Json]
    """review comments of all pull requests"""
    commits: list[Json]
    """of the target branch"""
    branch_commits: dict[int, list[Json]]
    runs: list[Json]


def read(hub: Hub) -> Found:
    """Ask for everything."""
    issues, pulls = hub.issues(), hub.pulls()
    return Found(
        issues=issues,
        pulls=pulls,
        comments=hub.pages("/issues/comments"),
        reviews={p["number"]: hub.pages(f"/pulls/{p['number']}/reviews") for p in pulls},
        threads=hub.pages("/pulls/comments"),
        commits=hub.pages("/commits", sha="main"),
        branch_commits={p["number"]: hub.pages(f"/pulls/{p['number']}/commits") for p in pulls},
        runs=hub.pages("/actions/runs"),
    )


def count(
    found: Found,
    roots: Sequence[int],
    status: Mapping[str, Any],
    stats: Mapping[str, Any],
    keys: Sequence[str],
    repo_id: int,
) -> dict[str, Any]:
    """The fields of the result that follow from what was found."""
    nodes = [n for tree in status.get("trees", []) for n in tree["nodes"]]
    marks = _marks(found, keys, repo_id)
    closed = {i["number"]: i for i in found.issues if i["state"] == "closed" and i["state_reason"] == "completed"}
    planners = [n for n in nodes if n["kind"] == "planner"]
    return {
        "root_state": "closed" if roots and all(n in closed for n in roots) else "open",
        "nodes": len(nodes),
        "planners": len(planners),
        "tasks": len(nodes) - len(planners),
        "max_depth": max((n["key"].count("/") for n in nodes), default=0),
        "issues": len(found.issues),
        "pull_requests": len(found.pulls),
        "merged": sum(p["merged_at"] is not None for p in found.pulls),
        "attempts": sum(n.get("attempt") or 0 for n in nodes if n["kind"] == "task"),
        "ci_runs": len(found.runs),
        "ci_failures_repaired": _repaired(found),
        "reviews_answered": _answered(found),
        "conflicts_resolved": _resolved(found),
        "redirects": sum(mark.kind == "redirect" for mark, _ in marks),
        "notifications": sum(sum(kinds.values()) for kinds in stats.get("notifications", {}).values()),
        "github_requests": status.get("github_requests", 0),
        "content_writes": status.get("content_writes", 0),
        "duplicates": _duplicates(found, marks),
    }


def _marks(found: Found, keys: Sequence[str], repo_id: int) -> list[tuple[markers.Marker, str]]:
    """Every genuine marker in something that a bot wrote, with what it stands on."""
    things = [
        *((i, f"issue {i['number']}") for i in found.issues),
        *((p, f"pull {p['number']}") for p in found.pulls),
        *((c, f"comment {c['id']}") for c in found.comments),
        *((c, f"reply {c['id']}") for c in found.threads),
    ]
    read = ((markers.find(t.get("body"), keys, repo_id), name) for t, name in things if t["user"]["type"] == "Bot")
    return [(mark, name) for mark, name in read if mark is not None]


def _duplicates(found: Found, marks: Iterable[tuple[markers.Marker, str]]) -> int:
    """Issues, pull requests, comments that share a marker; commits of the target that share an attempt."""
    written = Counter((mark.kind, mark.parent, mark.key) for mark, _ in marks)
    attempts = Counter(
        match[1]
        for commit in found.commits
        if len(commit["parents"]) == 1 and (match := ATTEMPT.search(commit["commit"]["message"]))
    )
    return sum(n - 1 for counts in (written, attempts) for n in counts.values())


def _repaired(found: Found) -> int:
    """Merged pull requests of which one head failed CI and a later one passed."""
    merged = {p["head"]["ref"]: p for p in found.pulls if p["merged_at"] is not None}
    results: dict[str, list[str]] = {}
    for run in sorted(found.runs, key=lambda r: r["id"]):
        if run["event"] == "pull_request" and run["head_branch"] in merged:
            results.setdefault(run["head_branch"], []).append(run["conclusion"] or "")
    return sum("failure" in seen and "success" in seen[seen.index("failure") :] for seen in results.values())


def _answered(found: Found) -> int:
    """Requests for changes of which every comment has a bot's reply, on pull requests that were merged."""
    replies = {c.get("in_reply_to_id") for c in found.threads if c["user"]["type"] == "Bot"}
    merged = {p["number"] for p in found.pulls if p["merged_at"] is not None}
    asked: dict[int, list[int]] = {}
    for comment in found.threads:
        if comment["user"]["type"] != "Bot" and comment.get("pull_request_review_id"):
            asked.setdefault(comment["pull_request_review_id"], []).append(comment["id"])
    return sum(
        any(r["id"] == review for number in merged for r in found.reviews[number])
        and all(comment in replies for comment in comments)
        for review, comments in asked.items()
    )


def _resolved(found: Found) -> int:
    """Merged task pull requests towards a slice whose own branch has a merge: a resolver's commit."""
    return sum(
        any(len(c["parents"]) > 1 for c in found.branch_commits[p["number"]])
        for p in found.pulls
        if p["merged_at"] is not None and "/t-" in p["head"]["ref"] and p["base"]["ref"].endswith("/slice")
    )

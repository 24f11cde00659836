"""An issue among others: what is above it, its tree of sub-issues, what it waits for, its pull requests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localhub import relations
from localhub.closing import references
from localhub.context import current_actor
from localhub.pages import checks, shapes

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_PART = re.compile(r"\bpart of #(\d{1,9})\b", re.IGNORECASE)
MOST = 500  # nodes of a tree on one page
RECENT = 3000  # pull requests looked through for what closes an issue


@dataclass
class Node:
    """An issue with what is below it."""

    row: Row
    state: str
    href: str
    people: list[dict[str, Any]]
    pulls: list[dict[str, Any]]
    waits: list[Row]
    """open issues that block it"""
    below: list[Node] = field(default_factory=list)
    more: bool = False
    """sub-issues were left out"""

    @property
    def done(self) -> int:
        return sum(each.row["state"] == "closed" for each in self.below)


class Family:
    """Trees within one repository (links lead wherever the issue lives)."""

    def __init__(self, hub: Hub, repo: Row) -> None:
        self._hub, self._repo = hub, repo
        self._closers: dict[int, list[Row]] | None = None
        self._left = MOST
        self._seen: dict[int, bool] = {repo["id"]: True}

    def sees(self, issue: Row) -> bool:
        """Whether who looks may see the repository that an issue lives in."""
        repo_id = issue["repo_id"]
        if repo_id not in self._seen:
            self._seen[repo_id] = self._hub.access.sees(current_actor(), self._hub.access.repo_by_id(repo_id))
        return self._seen[repo_id]

    def tree(self, issue: Row) -> Node:
        """The issue with all below it, at most MOST of them."""
        hub = self._hub
        people = hub.db.rows("SELECT account_id FROM assignees WHERE issue_id = ? ORDER BY rowid", issue["id"])
        node = Node(
            issue,
            shapes.issue_state(hub, issue),
            self.href(issue),
            [shapes.person(hub, each["account_id"]) for each in people] or [shapes.person(hub, issue["author_id"])],
            self.pulls(issue),
            [each for each in relations.blockers(hub, issue["id"]) if each["state"] == "open" and self.sees(each)],
        )
        for child in filter(self.sees, relations.children(hub, issue["id"])):
            self._left -= 1
            if self._left < 0:
                node.more = True
                break
            node.below.append(self.tree(child))
        return node

    def above(self, issue: Row) -> list[Row]:
        """Parents, the root first."""
        found: list[Row] = []
        parent = relations.parent_of(self._hub, issue["id"])
        while parent is not None:
            found.insert(0, parent)
            parent = relations.parent_of(self._hub, parent["id"])
        return found

    def href(self, issue: Row) -> str:
        repo = self._repo if issue["repo_id"] == self._repo["id"] else self._hub.access.repo_by_id(issue["repo_id"])
        kind = "pull" if issue["is_pull"] else "issues"
        return f"/{repo['owner_login']}/{repo['name']}/{kind}/{issue['number']}"

    def pulls(self, issue: Row) -> list[dict[str, Any]]:
        """Pull requests that say they close it or are part of it, those about the least else first, at most three."""
        if issue["repo_id"] != self._repo["id"]:
            return []
        if self._closers is None:
            self._closers = self._find_closers()
        shown = []
        for pull in self._closers.get(issue["number"], [])[:3]:
            state = checks.overall(self._hub, self._repo, pull["head_sha"])
            href = f"/{self._repo['owner_login']}/{self._repo['name']}/pull/{pull['number']}"
            shown.append({"number": pull["number"], "state": shapes.pull_state(pull), "checks": state, "href": href})
        return shown

    def _find_closers(self) -> dict[int, list[Row]]:
        rows = self._hub.db.rows(
            """SELECT p.number, p.draft, p.merged, p.open, p.head_sha, i.body FROM pulls p
               JOIN issues i ON i.id = p.issue_id WHERE p.repo_id = ? ORDER BY p.number DESC LIMIT ?""",
            self._repo["id"],
            RECENT,
        )
        full_name = f"{self._repo['owner_login']}/{self._repo['name']}"
        found: dict[int, list[tuple[int, Row]]] = {}
        for row in rows:
            numbers = [number for repo, number in references(row["body"], full_name) if repo is None]
            numbers += [int(each) for each in _PART.findall(row["body"] or "")]
            for number in numbers:
                found.setdefault(number, []).append((len(numbers), row))
        return {number: [row for _, row in sorted(each, key=_order)] for number, each in found.items()}


def _order(each: tuple[int, Row]) -> tuple[bool, int, int]:
    """What was thrown away last, what is about this issue alone first, then the newest."""
    others, pull = each
    return (not pull["open"] and not pull["merged"], others, -pull["number"])

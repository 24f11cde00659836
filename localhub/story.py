"""What happened to an issue or pull request, in order: rows of `issue_events`, and a pull request's commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localhub import pulls
from localhub.gitcore import Commit
from localhub.refs import git_of
from localhub.render import git as render

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


_ELSEWHERE = {
    "cross-referenced": "source", "referenced": "_repo", "marked_as_duplicate": "_of",
    **{f"{kind}_{verb}": f"{kind}_id" for kind in ("sub_issue", "parent_issue", "blocked_by", "blocking")
       for verb in ("added", "removed")},
}  # fmt: skip
"""Events that name an issue or a repository, and under which key."""


def of(hub: Hub, actor: Actor, issue: Row) -> list[Row | Commit]:
    """Everything that the actor sees, oldest first; commits stand where their own date puts them."""
    rows = hub.db.rows("SELECT * FROM issue_events WHERE issue_id = ? ORDER BY id", issue["id"])
    shown: list[Row | Commit] = [row for row in rows if _visible(hub, actor, row)]
    pull = pulls.of_issue(hub, issue["id"]) if issue["is_pull"] else None
    return shown if pull is None else _with_commits(hub, pull, shown)


def _visible(hub: Hub, actor: Actor, event: Row) -> bool:
    """What has to do with a repository that the viewer cannot see is not told of."""
    key = _ELSEWHERE.get(event["event"])
    other = json.loads(event["data"]).get(key) if key else None
    if other is None:
        return True
    home = other if key == "_repo" else hub.db.value("SELECT repo_id FROM issues WHERE id = ?", other)
    return home is not None and hub.access.sees(actor, hub.access.repo_by_id(home))


def _with_commits(hub: Hub, pull: Row, rows: list[Row | Commit]) -> list[Row | Commit]:
    git = git_of(hub, pull["repo_id"])
    shas = pulls.commits(git, pull)
    found = git.commits_by_sha(shas) if shas else {}
    placed: list[tuple[str, Row | Commit]] = [(render.date(found[sha].committer), found[sha]) for sha in shas]
    placed += [(row["created_at"], row) for row in rows if not isinstance(row, Commit)]
    return [one for _, one in sorted(placed, key=lambda each: each[0])]  # stable: a commit goes before its news

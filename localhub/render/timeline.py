"""What happened to an issue or a pull request, one item after the other, as `/timeline` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.gitcore import Commit
from localhub.render import git, issues, pulls, repos

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def item(hub: Hub, repo: Row, issue: Row, one: Row | Commit) -> dict[str, Any]:
    """A part of `localhub.story`: comments and reviews with all that they say, commits, the rest as events."""
    if isinstance(one, Commit):
        return git.git_commit(hub, repo, one) | {"event": "committed"}
    data = json.loads(one["data"])
    if one["event"] == "commented":
        shown = issues.comment(hub, hub.db.get("comments", data["comment_id"]), issue)
        return shown | {"event": "commented", "actor": shown["user"]}
    if one["event"] == "reviewed":
        from localhub.pulls import of_issue

        pull = of_issue(hub, issue["id"])
        assert pull is not None
        review = pulls.review(hub, repo, pull, hub.db.get("reviews", data["review_id"]), webhook=True)
        return review | {"event": "reviewed"}
    if one["event"] == "cross-referenced":
        return _mention(hub, one, data["source"])
    shown = issues.event(hub, one, repo)
    shown.pop("assigner", None)
    return shown


def _mention(hub: Hub, row: Row, source_id: int) -> dict[str, Any]:
    source = hub.db.get("issues", source_id)
    home = hub.access.repo_by_id(source["repo_id"])
    return {
        "event": "cross-referenced",
        "actor": issues.event(hub, row, home)["actor"],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "source": {
            "type": "issue",
            "issue": issues.issue(hub, source, home) | {"repository": repos.minimal(hub, home)},
        },
    }

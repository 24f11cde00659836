"""What happened to an issue or a pull request, one item after the other, as `/timeline` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.render import issues, pulls

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

SAID = ("commented", "reviewed")
"""In the timeline alone: `/events` has no words."""


def item(hub: Hub, repo: Row, issue: Row, row: Row) -> dict[str, Any]:
    """A row of issue_events: comments and reviews with all that they say, the rest as events."""
    data = json.loads(row["data"])
    if row["event"] == "commented":
        shown = issues.comment(hub, hub.db.get("comments", data["comment_id"]), issue)
        return shown | {"event": "commented", "actor": shown["user"]}
    if row["event"] == "reviewed":
        from localhub.pulls import of_issue

        pull = of_issue(hub, issue["id"])
        assert pull is not None
        return pulls.review(hub, repo, pull, hub.db.get("reviews", data["review_id"])) | {"event": "reviewed"}
    shown = issues.event(hub, row, repo)
    shown.pop("assigner", None)
    return shown

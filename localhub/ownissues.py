"""The issues and pull requests of a person in all repositories: assigned, created, mentioned, subscribed, all.

Source: docs.github.com, "List issues assigned to the authenticated user" (`filter`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import issuecounts, issuefilters, issuelist

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.http import Paging
    from localhub.hub import Hub

_THEIRS = {"mentioned": issuefilters.mentioning, "subscribed": issuefilters.following}
_OWN = """SELECT r.id FROM repos r WHERE r.owner_id = ?1
  OR EXISTS (SELECT 1 FROM collaborators c WHERE c.repo_id = r.id AND c.account_id = ?1)
  OR EXISTS (SELECT 1 FROM org_members m WHERE m.org_id = r.owner_id AND m.account_id = ?1)"""


def listed(hub: Hub, actor: Actor, query: dict[str, str], paging: Paging) -> tuple[list[Row], int | None]:
    """One page, and how many there are, as `issuelist.listed`; nothing of a repository that the actor may not read."""
    who = actor.account_id
    also: list[issuefilters.Filter] = []
    asked = query.get("filter", "assigned")
    query = {
        key: value
        for key, value in query.items()
        if key not in ("creator", "assignee", "mentioned", "type", "milestone")
    }
    if asked in _THEIRS:
        also = [_THEIRS[asked](who)]
        homes = [row[0] for row in hub.db.rows("SELECT DISTINCT repo_id FROM threads WHERE account_id = ?", who)]
    elif asked in ("all", "repos"):
        homes = [row[0] for row in hub.db.rows(_OWN, who)]
    elif asked == "created":
        query["creator"] = actor.login
        homes = issuecounts.homes(hub, "author", who)
    else:
        query["assignee"] = actor.login
        homes = issuecounts.homes(hub, "assignee", who)
    both = ("issues", "pull_requests")
    seen = [home for home in sorted(homes) if hub.access.allowed(actor, hub.access.repo_by_id(home), both)]
    return issuelist.listed(hub, query, paging, homes=seen, also=also)

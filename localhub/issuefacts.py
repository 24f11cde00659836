"""What search knows of an issue besides its words and labels: the facts that qualifiers ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import merging, notifications, protection, references
from localhub.closing import references as closed_by
from localhub.issueterms import COMMENTS

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def text(hub: Hub, issue: Row) -> str:
    """Title, a line break, body, and each comment after a mark; in small letters."""
    said = hub.db.rows("SELECT body FROM comments WHERE issue_id = ? ORDER BY id", issue["id"])
    parts = [f"{issue['title']}\n{issue['body'] or ''}", *(row["body"] for row in said)]
    return COMMENTS.join(part.replace(COMMENTS, " ") for part in parts).lower()


def of(hub: Hub, issue: Row) -> dict[str, Any]:
    """Names as qualifiers have them; people are account ids, other texts in small letters."""
    repo = hub.access.repo_by_id(issue["repo_id"])
    milestone = issue["milestone_id"] and hub.db.get("milestones", issue["milestone_id"])["title"].lower()
    said = hub.db.rows("SELECT author_id, body FROM comments WHERE issue_id = ?", issue["id"])
    spoken = [issue["body"], *(row["body"] for row in said)]
    facts = {
        "title": issue["title"].lower(),
        "locked": issue["locked"],
        "comments": issue["comments"],
        "assignees": _people(hub, "SELECT account_id FROM assignees WHERE issue_id = ?", issue["id"]),
        "milestone": milestone,
        "closed_at": issue["closed_at"],
        "reason": issue["state_reason"],
        "type": issue["type_id"] and hub.db.get("issue_types", issue["type_id"])["name"].lower(),
        "commenters": sorted({row["author_id"] for row in said}),
        "mentioned": sorted({one for each in spoken if "@" in (each or "") for one in
                             notifications.mentions(hub, repo, each)}),
    }  # fmt: skip
    pull = hub.db.row("SELECT * FROM pulls WHERE issue_id = ?", issue["id"]) if issue["is_pull"] else None
    return facts if pull is None else facts | _of_pull(hub, repo, issue, pull)


def _people(hub: Hub, sql: str, id: int) -> list[int]:
    return [row[0] for row in hub.db.rows(sql, id)]


def _of_pull(hub: Hub, repo: Row, issue: Row, pull: Row) -> dict[str, Any]:
    reviewed = "SELECT DISTINCT user_id FROM reviews WHERE pull_id = ? AND state <> 'PENDING'"
    return {
        "merged": pull["merged"],
        "merged_at": pull["merged_at"],
        "draft": pull["draft"],
        "head": pull["head_ref"].lower(),
        "base": pull["base_ref"].lower(),
        "reviewers": _people(hub, reviewed, pull["id"]),
        "asked": _people(hub, "SELECT account_id FROM review_requests WHERE pull_id = ?", pull["id"]),
        "review": _review(hub, repo, pull),
        "closes": _closes(hub, repo, issue, pull),
    }


def _review(hub: Hub, repo: Row, pull: Row) -> str:
    """none, required, approved or changes_requested."""
    decided = list(merging.decisions(hub, pull["id"], repo).values())
    if "CHANGES_REQUESTED" in decided:
        return "changes_requested"
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    needed = rules.approvals if rules else 0
    if decided.count("APPROVED") >= max(1, needed):
        return "approved"
    return "required" if needed else "none"


def _closes(hub: Hub, repo: Row, issue: Row, pull: Row) -> list[int]:
    if pull["base_ref"] != repo["default_branch"]:
        return []
    named = {number for name, number in closed_by(issue["body"], f"{repo['owner_login']}/{repo['name']}") if not name}
    found = references.mentioned(hub, repo, issue["body"])
    return [row["id"] for row in found if row["repo_id"] == repo["id"] and row["number"] in named]

"""Issues, comments, labels, milestones, events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from localhub import issuetypes, reactions
from localhub.ids import node_id
from localhub.render.accounts import maybe_user, simple_user
from localhub.render.apps import integration

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_LABELS = """SELECT i.issue_id, l.* FROM issue_labels i JOIN labels l ON l.id = i.label_id
  WHERE i.issue_id IN (SELECT value FROM json_each(?)) ORDER BY i.rowid"""
# What issues have at all, in one question instead of one each: most have little.
_HAS = """SELECT i.value AS id, EXISTS (SELECT 1 FROM assignees WHERE issue_id = i.value) AS assignees,
  EXISTS (SELECT 1 FROM issue_labels WHERE issue_id = i.value) AS labels,
  EXISTS (SELECT 1 FROM reactions WHERE subject_type = 'issue' AND subject_id = i.value) AS reactions,
  EXISTS (SELECT 1 FROM sub_issues WHERE child_id = i.value) AS parent,
  EXISTS (SELECT 1 FROM sub_issues WHERE parent_id = i.value) AS children,
  EXISTS (SELECT 1 FROM dependencies WHERE blocked_id = i.value)
    OR EXISTS (SELECT 1 FROM dependencies WHERE blocking_id = i.value) AS relations FROM json_each(?) i"""
_ASSIGNEES = "SELECT a.* FROM accounts a JOIN assignees s ON s.account_id = a.id WHERE s.issue_id = ? ORDER BY s.rowid"


def repo_api(hub: Hub, repo: Row) -> str:
    return hub.api(f"/repos/{repo['owner_login']}/{repo['name']}")


def html_url(hub: Hub, repo: Row, row: Row) -> str:
    kind = "pull" if row["is_pull"] else "issues"
    return hub.html(f"/{repo['owner_login']}/{repo['name']}/{kind}/{row['number']}")


def label(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """`Label`."""
    return _label(repo_api(hub, repo), row)


def _label(api: str, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "node_id": node_id("Label", row["id"]),
        "url": f"{api}/labels/{quote(row['name'], safe='')}",
        "name": row["name"],
        "color": row["color"],
        "default": bool(row["is_default"]),
        "description": row["description"],
        "archived_at": None,
        "archived_by": None,
    }


def milestone(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """`Milestone`."""
    url = f"{repo_api(hub, repo)}/milestones/{row['number']}"
    counts = hub.db.row("SELECT open_issues, closed_issues FROM milestones WHERE id = ?", row["id"])  # as they are now
    assert counts is not None
    return {
        "url": url,
        "html_url": hub.html(f"/{repo['owner_login']}/{repo['name']}/milestone/{row['number']}"),
        "labels_url": f"{url}/labels",
        "id": row["id"],
        "node_id": node_id("Milestone", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "description": row["description"],
        "creator": simple_user(hub, row["creator_id"]),
        "open_issues": counts["open_issues"],
        "closed_issues": counts["closed_issues"],
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "due_on": row["due_on"],
        "closed_at": row["closed_at"],
    }


@dataclass(frozen=True)
class _Facts:
    """Which things an issue has, and its labels."""

    has: Mapping[str, Any] | Row
    labels: list[Row]


def new(labels: list[Row], people: Sequence[int]) -> _Facts:
    """Of an issue that has just been made with these."""
    return _Facts({"assignees": people, "reactions": 0, "parent": 0, "children": 0, "relations": 0}, labels)


def _facts(hub: Hub, ids: list[int]) -> list[_Facts]:
    """Of these issues, in their order."""
    asked = orjson.dumps(ids).decode()
    has = hub.db.rows(_HAS, asked)
    labels: dict[int, list[Row]] = {}
    if any(each["labels"] for each in has):
        for each in hub.db.rows(_LABELS, asked):
            labels.setdefault(each["issue_id"], []).append(each)
    return [_Facts(each, labels.get(each["id"], [])) for each in has]


def issues(hub: Hub, rows: Sequence[Row], repo: Row | None = None) -> list[dict[str, Any]]:
    """Several `Issue`, with as many questions to the database as for one."""
    found = _facts(hub, [row["id"] for row in rows])
    return [issue(hub, row, repo, facts) for row, facts in zip(rows, found, strict=True)]


def issue(hub: Hub, row: Row, repo: Row | None = None, facts: _Facts | None = None) -> dict[str, Any]:
    """`Issue`, a pull request's too; the row of `issues`."""
    repo = repo or hub.access.repo_by_id(row["repo_id"])
    api = repo_api(hub, repo)
    url = f"{api}/issues/{row['number']}"
    facts = facts or _facts(hub, [row["id"]])[0]
    has = facts.has
    assignees = [simple_user(hub, each) for each in hub.db.rows(_ASSIGNEES, row["id"])] if has["assignees"] else []
    data = {
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html_url(hub, repo, row),
        "id": row["id"],
        "node_id": node_id("PullRequest" if row["is_pull"] else "Issue", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "user": simple_user(hub, row["author_id"]),
        "labels": [_label(api, each) for each in facts.labels],
        "state": row["state"],
        "locked": bool(row["locked"]),
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "milestone": None,
        "comments": row["comments"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "author_association": hub.access.association(repo, row["author_id"]),
        "active_lock_reason": row["lock_reason"],
        "body": row["body"],
        "closed_by": maybe_user(hub, row["closed_by"]),
        "reactions": reactions.rollup(hub, "issue", row["id"], f"{url}/reactions", any_=bool(has["reactions"])),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": integration(hub, row["app_id"]) if row["app_id"] else None,
        "state_reason": row["state_reason"],
    }
    if row["milestone_id"]:
        data["milestone"] = milestone(hub, repo, hub.db.get("milestones", row["milestone_id"]))
    if row["is_pull"]:
        return data | _pull_part(hub, repo, row)
    if has["parent"]:
        sql = "SELECT i.* FROM sub_issues s JOIN issues i ON i.id = s.parent_id WHERE s.child_id = ?"
        parent = hub.db.row(sql, row["id"])
        assert parent is not None
        home = hub.access.repo_by_id(parent["repo_id"])
        if home["id"] == repo["id"] or hub.access.shows(home["id"]):
            data["parent_issue_url"] = f"{repo_api(hub, home)}/issues/{parent['number']}"
    return data | {
        "type": issuetypes.render(hub.db.get("issue_types", row["type_id"])) if row["type_id"] else None,
        "sub_issues_summary": sub_issues_summary(hub, row["id"]) if has["children"] else dict(_NO_CHILDREN),
        "issue_dependencies_summary": dependencies_summary(hub, row["id"]) if has["relations"] else dict(_FREE),
    }


_NO_CHILDREN = {"total": 0, "completed": 0, "percent_completed": 0}
_FREE = {"blocked_by": 0, "total_blocked_by": 0, "blocking": 0, "total_blocking": 0}


def _pull_part(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    html = html_url(hub, repo, row)
    pull = hub.db.row("SELECT id, draft, merged_at FROM pulls WHERE issue_id = ?", row["id"])
    node = {"node_id": node_id("PullRequest", pull["id"])} if pull else {}
    return node | {
        "draft": bool(pull["draft"]) if pull else False,
        "pull_request": {
            "url": f"{repo_api(hub, repo)}/pulls/{row['number']}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": pull["merged_at"] if pull else None,
        },
    }


def brief(hub: Hub, row: Row) -> dict[str, Any]:
    """The issue as webhooks and searches have it, which say neither who closed it nor what it is part of."""
    return briefs(hub, [row])[0]


def briefs(hub: Hub, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Several of them."""
    unsaid = ("closed_by", "parent_issue_url")
    return [{key: value for key, value in each.items() if key not in unsaid} for each in issues(hub, rows)]


def sub_issues_summary(hub: Hub, issue_id: int) -> dict[str, int]:
    row = hub.db.row(
        """SELECT COUNT(*) AS total, COALESCE(SUM(i.state = 'closed'), 0) AS done
           FROM sub_issues s JOIN issues i ON i.id = s.child_id WHERE s.parent_id = ?""",
        issue_id,
    )
    total, done = (row["total"], row["done"]) if row else (0, 0)
    return {"total": total, "completed": done, "percent_completed": done * 100 // total if total else 0}


def dependencies_summary(hub: Hub, issue_id: int) -> dict[str, int]:
    """Open ones and all of them, in both directions."""
    counts: dict[str, int] = {}
    for name, own, other in (("blocked_by", "blocked_id", "blocking_id"), ("blocking", "blocking_id", "blocked_id")):
        row = hub.db.row(
            f"""SELECT COUNT(*) AS total, COALESCE(SUM(i.state = 'open'), 0) AS open FROM dependencies d
                JOIN issues i ON i.id = d.{other} WHERE d.{own} = ?""",  # noqa: S608
            issue_id,
        )
        counts[name], counts[f"total_{name}"] = (row["open"], row["total"]) if row else (0, 0)
    return counts


def comments(hub: Hub, rows: Sequence[Row], issue_row: Row | None = None) -> list[dict[str, Any]]:
    """Several `IssueComment`; `issue_row` is theirs, if it is one's."""
    liked = reactions.among(hub, "comment", [row["id"] for row in rows])
    return [comment(hub, row, issue_row, any_=row["id"] in liked) for row in rows]


def comment(hub: Hub, row: Row, issue_row: Row | None = None, *, any_: bool = True) -> dict[str, Any]:
    """`IssueComment`; `any_` is False when the caller knows that there are no reactions."""
    issue_row = issue_row or hub.db.get("issues", row["issue_id"])
    repo = hub.access.repo_by_id(issue_row["repo_id"])
    url = f"{repo_api(hub, repo)}/issues/comments/{row['id']}"
    return {
        "url": url,
        "html_url": f"{html_url(hub, repo, issue_row)}#issuecomment-{row['id']}",
        "issue_url": f"{repo_api(hub, repo)}/issues/{issue_row['number']}",
        "id": row["id"],
        "node_id": node_id("IssueComment", row["id"]),
        "user": simple_user(hub, row["author_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "body": row["body"],
        "author_association": hub.access.association(repo, row["author_id"]),
        "reactions": reactions.rollup(hub, "comment", row["id"], f"{url}/reactions", any_=any_),
        "performed_via_github_app": integration(hub, row["app_id"]) if row["app_id"] else None,
    }


_ACCOUNTS = {"assignee_id", "assigner_id", "requested_reviewer_id", "review_requester_id"}
_ISSUES = {"sub_issue_id", "parent_issue_id", "blocked_by_id", "blocking_id"}


def event(hub: Hub, row: Row, repo: Row, *, with_issue: bool = False) -> dict[str, Any]:
    """One issue event, as /events and /timeline show it."""
    data: dict[str, Any] = {
        "id": row["id"],
        "node_id": node_id("Event", row["id"]),
        "url": f"{repo_api(hub, repo)}/issues/events/{row['id']}",
        "actor": maybe_user(hub, row["actor_id"]),
        "event": row["event"],
        "commit_id": None,
        "commit_url": None,
        "created_at": row["created_at"],
        "performed_via_github_app": integration(hub, row["app_id"]) if row["app_id"] else None,
    }
    for key, value in json.loads(row["data"]).items():
        if key.startswith("_"):
            continue
        if key in _ACCOUNTS:
            data[key.removesuffix("_id")] = maybe_user(hub, value)
        elif key in _ISSUES:
            data[key.removesuffix("_id")] = reference(hub, value, repo)
        else:
            data[key] = value
    if data["commit_id"]:
        data["commit_url"] = f"{repo_api(hub, repo)}/commits/{data['commit_id']}"
    if row["event"] in ("review_requested", "review_request_removed"):
        data["review_requester"] = data["actor"]
    if with_issue:
        data["issue"] = issue(hub, hub.db.get("issues", row["issue_id"]))
    return data


def reference(hub: Hub, issue_id: int, home: Row) -> dict[str, Any] | None:
    """`IssueReference` in an event of the repository `home`; None for one that is gone or that may not be seen."""
    from localhub.render.repos import simple

    row = hub.db.row("SELECT * FROM issues WHERE id = ?", issue_id)
    if row is None or not (row["repo_id"] == home["id"] or hub.access.shows(row["repo_id"])):
        return None
    keys = ("number", "title", "state", "state_reason")
    repo = simple(hub, hub.access.repo_by_id(row["repo_id"]))
    return {key: row[key] for key in keys} | {"repository": repo, "issue_type": None}

"""Pull requests, reviews, review comments and threads as GitHub's JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub import heads, reactions
from localhub.gitstore import GitRepo
from localhub.ids import node_id
from localhub.render import git as render
from localhub.render import issues, repos
from localhub.render.accounts import maybe_user, simple_user

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

JOINED = """SELECT p.*, i.title, i.body, i.state, i.author_id, i.locked, i.lock_reason, i.milestone_id, i.comments,
  i.closed_at, i.created_at, i.updated_at FROM pulls p JOIN issues i ON i.id = p.issue_id"""


def _sides(hub: Hub, repo: Row, pull: Row, *, webhook: bool) -> dict[str, dict[str, Any]]:
    """`head` and `base`; the head's repository is null when a fork is gone."""

    def shape(repo: Row) -> dict[str, Any]:
        return repos.webhook(hub, repo) | repos.settings(repo) if webhook else repos.minimal(hub, repo)

    def side(owner_id: int, ref: str, sha: str, shown: dict[str, Any] | None) -> dict[str, Any]:
        user = simple_user(hub, owner_id)
        return {"label": f"{user['login']}:{ref}", "ref": ref, "sha": sha, "user": user, "repo": shown}

    base = side(repo["owner_id"], pull["base_ref"], base_sha(hub, pull), shape(repo))
    if not heads.foreign(pull):
        head = side(repo["owner_id"], pull["head_ref"], pull["head_sha"], dict(base["repo"]))
    else:
        home = heads.home(hub, pull)
        owner = pull["head_owner_id"] if home is None else home["owner_id"]
        head = side(owner, pull["head_ref"], pull["head_sha"], None if home is None else shape(home))
    return {"head": head, "base": base}


def base_sha(hub: Hub, pull: Row) -> str:
    """Where the base is; of one that is not open, where it was.

    The column says so for a closed one alone: of an open one it is the base that it was last measured against.
    """
    tip = GitRepo(hub.git_dir(pull["repo_id"])).ref(f"refs/heads/{pull['base_ref']}") if pull["open"] else None
    return tip or str(pull["base_sha"])


def simple(hub: Hub, repo: Row, pull: Row, *, webhook: bool = False) -> dict[str, Any]:
    """`PullRequestSimple`, as lists have it; `pull` is a row of JOINED."""
    number = pull["number"]
    url, page = render.api(hub, repo, f"/pulls/{number}"), render.html(hub, repo, f"/pull/{number}")
    issue_url = render.api(hub, repo, f"/issues/{number}")
    statuses = render.api(hub, repo, f"/statuses/{pull['head_sha']}")
    assignees = _assignees(hub, pull)
    links = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{render.api(hub, repo, '/pulls/comments')}{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {
        "url": url,
        "id": pull["id"],
        "node_id": node_id("PullRequest", pull["id"]),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{render.api(hub, repo, '/pulls/comments')}{{/number}}",
        "comments_url": f"{issue_url}/comments",
        "statuses_url": statuses,
        "number": number,
        "state": pull["state"],
        "locked": bool(pull["locked"]),
        "active_lock_reason": pull["lock_reason"],
        "title": pull["title"],
        "user": simple_user(hub, pull["author_id"]),
        "body": pull["body"],
        "labels": _labels(hub, repo, pull),
        "milestone": _milestone(hub, repo, pull),
        "created_at": pull["created_at"],
        "updated_at": pull["updated_at"],
        "closed_at": pull["closed_at"],
        "merged_at": pull["merged_at"],
        "merge_commit_sha": pull["merge_commit_sha"],
        "assignee": next(iter(assignees), None),
        "assignees": assignees,
        "requested_reviewers": [simple_user(hub, account) for account in requested(hub, pull["id"])],
        "requested_teams": [],
        **_sides(hub, repo, pull, webhook=webhook),
        "_links": {name: {"href": link} for name, link in links.items()},
        "author_association": hub.access.association(repo, pull["author_id"]),
        "auto_merge": _auto_merge(hub, pull),
        "draft": bool(pull["draft"]),
    }


def full(hub: Hub, repo: Row, pull: Row, state: str, *, webhook: bool = False) -> dict[str, Any]:
    """`PullRequest`; `state` is its mergeable_state."""
    mergeable = pull["mergeable"]
    count = hub.db.value(
        """SELECT COUNT(*) FROM review_comments c JOIN reviews r ON r.id = c.review_id
           WHERE c.pull_id = ? AND r.state <> 'PENDING'""",
        pull["id"],
    )
    return simple(hub, repo, pull, webhook=webhook) | {
        "merged": bool(pull["merged"]),
        "mergeable": None if mergeable is None else bool(mergeable),
        "rebaseable": None if mergeable is None else bool(mergeable),
        "mergeable_state": state,
        "merged_by": maybe_user(hub, pull["merged_by"]),
        "comments": pull["comments"],
        "review_comments": count,
        "maintainer_can_modify": bool(pull["maintainer_can_modify"]),
        "commits": pull["commits"],
        "additions": pull["additions"],
        "deletions": pull["deletions"],
        "changed_files": pull["changed_files"],
    }


def minimal(hub: Hub, repo: Row, pull: Row) -> dict[str, Any]:
    """`PullRequestMinimal`, as checks and workflow runs have it."""
    about = {"id": repo["id"], "url": render.api(hub, repo, ""), "name": repo["name"]}
    home = heads.home(hub, pull) if heads.foreign(pull) else None
    from_ = about if home is None else {"id": home["id"], "url": render.api(hub, home, ""), "name": home["name"]}
    return {
        "id": pull["id"],
        "number": pull["number"],
        "url": render.api(hub, repo, f"/pulls/{pull['number']}"),
        "head": {"ref": pull["head_ref"], "sha": pull["head_sha"], "repo": from_},
        "base": {"ref": pull["base_ref"], "sha": base_sha(hub, pull), "repo": about},
    }


def requested(hub: Hub, pull_id: int) -> list[int]:
    rows = hub.db.rows("SELECT account_id FROM review_requests WHERE pull_id = ? ORDER BY rowid", pull_id)
    return [row["account_id"] for row in rows]


def _labels(hub: Hub, repo: Row, pull: Row) -> list[dict[str, Any]]:
    rows = hub.db.rows(
        "SELECT l.* FROM labels l JOIN issue_labels i ON i.label_id = l.id WHERE i.issue_id = ? ORDER BY l.name",
        pull["issue_id"],
    )
    return [issues.label(hub, repo, row) for row in rows]


def _milestone(hub: Hub, repo: Row, pull: Row) -> dict[str, Any] | None:
    if pull["milestone_id"] is None:
        return None
    return issues.milestone(hub, repo, hub.db.get("milestones", pull["milestone_id"]))


def _assignees(hub: Hub, pull: Row) -> list[dict[str, Any]]:
    rows = hub.db.rows("SELECT account_id FROM assignees WHERE issue_id = ? ORDER BY rowid", pull["issue_id"])
    return [simple_user(hub, row["account_id"]) for row in rows]


def _auto_merge(hub: Hub, pull: Row) -> dict[str, Any] | None:
    if pull["auto_merge"] is None:
        return None
    wish = json.loads(pull["auto_merge"])
    return {
        "enabled_by": simple_user(hub, wish["by"]),
        "merge_method": wish["method"],
        "commit_title": wish["title"],
        "commit_message": wish["message"],
    }


def review(hub: Hub, repo: Row, pull: Row, row: Row, *, webhook: bool = False) -> dict[str, Any]:
    """`PullRequestReview`; the webhook has the state in small letters and null for an empty body."""
    page = render.html(hub, repo, f"/pull/{pull['number']}#pullrequestreview-{row['id']}")
    url = render.api(hub, repo, f"/pulls/{pull['number']}")
    data = {
        "id": row["id"],
        "node_id": node_id("PullRequestReview", row["id"]),
        "user": simple_user(hub, row["user_id"]),
        "body": row["body"] or (None if webhook else ""),
        "state": row["state"].lower() if webhook else row["state"],
        "html_url": page,
        "pull_request_url": url,
        "author_association": hub.access.association(repo, row["user_id"]),
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "commit_id": row["commit_id"],
    }
    if webhook:
        data["updated_at"] = row["updated_at"]
    return data | ({"submitted_at": row["submitted_at"]} if row["submitted_at"] or webhook else {})


def comment(hub: Hub, repo: Row, pull: Row, row: Row) -> dict[str, Any]:
    """`PullRequestReviewComment`."""
    url = render.api(hub, repo, f"/pulls/comments/{row['id']}")
    page = render.html(hub, repo, f"/pull/{pull['number']}#discussion_r{row['id']}")
    pull_url = render.api(hub, repo, f"/pulls/{pull['number']}")
    data = {
        "url": url,
        "pull_request_review_id": row["review_id"],
        "id": row["id"],
        "node_id": node_id("PullRequestReviewComment", row["id"]),
        "diff_hunk": row["diff_hunk"],
        "path": row["path"],
        "position": row["position"],
        "original_position": row["original_position"],
        "commit_id": row["commit_id"],
        "original_commit_id": row["original_commit_id"],
        "user": simple_user(hub, row["user_id"]),
        "body": row["body"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": hub.access.association(repo, row["user_id"]),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
        "start_line": row["start_line"],
        "original_start_line": row["original_start_line"],
        "start_side": row["start_side"],
        "line": row["line"],
        "original_line": row["original_line"],
        "side": row["side"],
        "subject_type": row["subject_type"],
        "reactions": reactions.rollup(hub, "review_comment", row["id"], f"{url}/reactions"),
    }
    return data | ({"in_reply_to_id": row["in_reply_to"]} if row["in_reply_to"] else {})


def thread(hub: Hub, repo: Row, pull: Row, row: Row) -> dict[str, Any]:
    """A thread as the `pull_request_review_thread` webhook has it."""
    rows = hub.db.rows(
        """SELECT c.* FROM review_comments c JOIN reviews r ON r.id = c.review_id
           WHERE c.thread_id = ? AND r.state <> 'PENDING' ORDER BY c.id""",
        row["id"],
    )
    return {
        "node_id": node_id("PullRequestReviewThread", row["id"]),
        "comments": [comment(hub, repo, pull, each) for each in rows],
    }

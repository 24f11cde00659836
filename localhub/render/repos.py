"""Repositories in the five shapes that GitHub has for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from localhub.access import RANK
from localhub.auth import Actor
from localhub.context import current_actor
from localhub.ids import node_id
from localhub.render.accounts import simple_user

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_ROLES = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}


def simple(hub: Hub, repo: Row) -> dict[str, Any]:
    """`SimpleRepository`: what every shape has, all that workflow runs and references to issues show."""
    full_name = f"{repo['owner_login']}/{repo['name']}"
    api, html = hub.api(f"/repos/{full_name}"), hub.html(f"/{full_name}")
    return {
        "id": repo["id"],
        "node_id": node_id("Repository", repo["id"]),
        "name": repo["name"],
        "full_name": full_name,
        "owner": simple_user(hub, repo["owner_id"]),
        "private": bool(repo["private"]),
        "html_url": html,
        "description": repo["description"],
        "fork": repo["parent_id"] is not None,
        "url": api,
        **{name: api + suffix for name, suffix in _URLS.items()},
    }


def core(hub: Hub, repo: Row) -> dict[str, Any]:
    """What lists, webhooks and the single repository have; the row as `Access.repo_row` reads it."""
    full_name = f"{repo['owner_login']}/{repo['name']}"
    html = hub.html(f"/{full_name}")
    host = urlsplit(html).hostname
    forks = hub.db.value("SELECT COUNT(*) FROM repos WHERE parent_id = ?", repo["id"])
    counts = hub.access.counts(repo["id"])
    return {
        **simple(hub, repo),
        "clone_url": f"{html}.git",
        "git_url": f"git://{host}/{full_name}.git",
        "ssh_url": f"git@{host}:{full_name}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": repo["homepage"],
        "language": None,
        "forks_count": forks,
        "stargazers_count": 0,
        "watchers_count": 0,
        "size": repo["size"],
        "default_branch": repo["default_branch"],
        "open_issues_count": counts["open_issues"],
        "is_template": False,
        "topics": json.loads(repo["topics"]),
        "has_issues": bool(repo["has_issues"]),
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "archived": bool(repo["archived"]),
        "disabled": False,
        "visibility": "private" if repo["private"] else "public",
        "pushed_at": counts["pushed_at"],
        "created_at": repo["created_at"],
        "updated_at": repo["updated_at"],
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "license": None,
        "forks": forks,
        "open_issues": counts["open_issues"],
        "watchers": 0,
    }


def settings(repo: Row) -> dict[str, Any]:
    return {
        "allow_rebase_merge": bool(repo["allow_rebase_merge"]),
        "allow_squash_merge": bool(repo["allow_squash_merge"]),
        "allow_merge_commit": bool(repo["allow_merge_commit"]),
        "allow_auto_merge": bool(repo["allow_auto_merge"]),
        "allow_update_branch": bool(repo["allow_update_branch"]),
        "delete_branch_on_merge": bool(repo["delete_branch_on_merge"]),
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "merge_commit_title": "MERGE_MESSAGE",
        "merge_commit_message": "PR_TITLE",
    }


def permissions(hub: Hub, repo: Row, actor: Actor) -> dict[str, bool]:
    """What the actor may do; of an app its contents and administration permissions tell."""
    if actor.is_bot:
        role = "write" if actor.permissions.get("contents") == "write" else "read"
        role = "admin" if actor.permissions.get("administration") == "write" else role
    else:
        role = hub.access.role(repo, actor.account_id)
    return {name: RANK[role] >= RANK[needed] for name, needed in _ROLES.items()}


def minimal(hub: Hub, repo: Row) -> dict[str, Any]:
    """`MinimalRepository` and `Repository`, as lists have it."""
    return core(hub, repo) | {"permissions": permissions(hub, repo, current_actor())}


def full(hub: Hub, repo: Row) -> dict[str, Any]:
    """`FullRepository`."""
    data = minimal(hub, repo) | {"temp_clone_token": None, "network_count": 0, "subscribers_count": 0}
    may_write = data["permissions"]["push"]
    if may_write:
        data |= settings(repo)
    if repo["owner_type"] == "Organization":
        data["organization"] = data["owner"]
    for key in ("parent", "source"):
        other = repo[f"{key}_id"] and hub.access.repo_by_id(repo[f"{key}_id"])
        if other and hub.access.sees(current_actor(), other):
            data[key] = minimal(hub, other)
    return data


def webhook(hub: Hub, repo: Row) -> dict[str, Any]:
    """`RepositoryWebhooks`: without what depends on the reader."""
    return core(hub, repo)


def brief(hub: Hub, repo: Row) -> dict[str, Any]:
    """The five keys that installation webhooks have."""
    return {
        "id": repo["id"],
        "node_id": node_id("Repository", repo["id"]),
        "name": repo["name"],
        "full_name": f"{repo['owner_login']}/{repo['name']}",
        "private": bool(repo["private"]),
    }

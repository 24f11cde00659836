"""Users, organisations and bots as GitHub shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def _row(hub: Hub, account: Row | int) -> Row:
    return hub.account(account) if isinstance(account, int) else account


def simple_user(hub: Hub, account: Row | int) -> dict[str, Any]:
    """`SimpleUser`."""
    if isinstance(account, int):
        return dict(hub.known.get(("user", account, hub.root), lambda: _simple(hub, hub.account(account))))
    return _simple(hub, account)


def _simple(hub: Hub, row: Row) -> dict[str, Any]:
    login = row["login"]
    api = hub.api(f"/users/{login}")
    slug = f"/apps/{login.removesuffix('[bot]')}" if row["type"] == "Bot" else f"/{login}"
    return {
        "login": login,
        "id": row["id"],
        "node_id": node_id(row["type"], row["id"]),
        "avatar_url": hub.html(f"/_localhub/avatars/{row['id']}.svg"),
        "gravatar_id": "",
        "url": api,
        "html_url": hub.html(slug),
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": row["type"],
        "user_view_type": "public",
        "site_admin": bool(row["site_admin"]),
    }


def maybe_user(hub: Hub, account: Row | int | None) -> dict[str, Any] | None:
    return None if account is None else simple_user(hub, account)


def public_user(hub: Hub, account: Row | int) -> dict[str, Any]:
    """`PublicUser`."""
    row = _row(hub, account)
    repositories = hub.db.value("SELECT COUNT(*) FROM repos WHERE owner_id = ? AND private = 0", row["id"])
    return simple_user(hub, row) | {
        "name": row["name"],
        "company": None,
        "blog": "",
        "location": None,
        "email": row["email"],
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
    }


def private_user(hub: Hub, account: Row | int) -> dict[str, Any]:
    """`PrivateUser`: oneself."""
    row = _row(hub, account)
    private = hub.db.value("SELECT COUNT(*) FROM repos WHERE owner_id = ? AND private = 1", row["id"])
    return public_user(hub, row) | {
        "user_view_type": "private",
        "private_gists": 0,
        "total_private_repos": private,
        "owned_private_repos": private,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
        "plan": {"name": "free", "space": 976562499, "collaborators": 0, "private_repos": 10000},
    }


def organization(hub: Hub, account: Row | int) -> dict[str, Any]:
    """`OrganizationSimple`, as webhooks carry it."""
    row = _row(hub, account)
    api = hub.api(f"/orgs/{row['login']}")
    return {
        "login": row["login"],
        "id": row["id"],
        "node_id": node_id("Organization", row["id"]),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": hub.html(f"/_localhub/avatars/{row['id']}.svg"),
        "description": row["name"],
    }


def full_organization(hub: Hub, account: Row | int) -> dict[str, Any]:
    """`OrganizationFull`, as far as everybody may see it."""
    row = _row(hub, account)
    repositories = hub.db.value("SELECT COUNT(*) FROM repos WHERE owner_id = ? AND private = 0", row["id"])
    return organization(hub, row) | {
        "name": row["name"],
        "email": row["email"],
        "has_organization_projects": False,
        "has_repository_projects": False,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": hub.html(f"/{row['login']}"),
        "type": "Organization",
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "archived_at": None,
    }

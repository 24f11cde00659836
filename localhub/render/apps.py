"""Apps, installations and deliveries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.ids import node_id
from localhub.render.accounts import maybe_user, simple_user

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def integration(hub: Hub, app: Row | int, *, counted: bool = False) -> dict[str, Any]:
    """`Integration`; `counted` adds the number of installations, as GET /app does."""
    row = hub.db.get("apps", app) if isinstance(app, int) else app
    data = {
        "id": row["id"],
        "client_id": row["client_id"],
        "slug": row["slug"],
        "node_id": node_id("App", row["id"]),
        "owner": simple_user(hub, row["owner_id"]),
        "name": row["name"],
        "description": row["description"],
        "external_url": row["external_url"],
        "html_url": hub.html(f"/apps/{row['slug']}"),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "permissions": json.loads(row["permissions"]),
        "events": json.loads(row["events"]),
    }
    if counted:
        data["installations_count"] = hub.db.value("SELECT COUNT(*) FROM installations WHERE app_id = ?", row["id"])
    return data


def installation(hub: Hub, row: Row) -> dict[str, Any]:
    """`Installation`."""
    account = simple_user(hub, row["account_id"])
    app = hub.db.get("apps", row["app_id"])
    organization = account["type"] == "Organization"
    page = f"/organizations/{account['login']}" if organization else ""
    return {
        "id": row["id"],
        "client_id": app["client_id"],
        "account": account,
        "repository_selection": row["repository_selection"],
        "access_tokens_url": hub.api(f"/app/installations/{row['id']}/access_tokens"),
        "repositories_url": hub.api("/installation/repositories"),
        "html_url": hub.html(f"{page}/settings/installations/{row['id']}"),
        "app_id": app["id"],
        "app_slug": app["slug"],
        "target_id": account["id"],
        "target_type": account["type"],
        "permissions": json.loads(row["permissions"]),
        "events": json.loads(row["events"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": maybe_user(hub, row["suspended_by"]),
        "suspended_at": row["suspended_at"],
    }


def delivery(row: Row) -> dict[str, Any]:
    """`HookDeliveryItem`."""
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": row["delivered_at"] or row["queued_at"],
        "redelivery": bool(row["redelivery"]),
        "duration": row["duration"] or 0.0,
        "status": row["status"] or "pending",
        "status_code": row["status_code"] or 0,
        "event": row["event"],
        "action": row["action"],
        "installation_id": row["installation_id"],
        "repository_id": row["repo_id"],
        "throttled_at": None,
    }


def full_delivery(row: Row) -> dict[str, Any]:
    """`HookDelivery`: with request and response."""
    return delivery(row) | {
        "url": row["url"],
        "request": {"headers": json.loads(row["request_headers"] or "{}"), "payload": json.loads(row["payload"])},
        "response": {"headers": json.loads(row["response_headers"] or "{}"), "payload": row["response_body"] or ""},
    }

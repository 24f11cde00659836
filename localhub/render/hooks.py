"""Webhooks of repositories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.render.issues import repo_api

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def config(row: Row) -> dict[str, str]:
    """`WebhookConfig`; the secret is shown as stars."""
    data = {"content_type": row["content_type"], "insecure_ssl": row["insecure_ssl"], "url": row["url"]}
    return data | ({"secret": "********"} if row["secret"] else {})


def hook(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """`Hook`."""
    url = f"{repo_api(hub, repo)}/hooks/{row['id']}"
    return {
        "type": "Repository",
        "id": row["id"],
        "name": "web",
        "active": bool(row["active"]),
        "events": json.loads(row["events"]),
        "config": config(row),
        "updated_at": row["updated_at"],
        "created_at": row["created_at"],
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {"code": row["last_code"], "status": row["last_status"], "message": row["last_message"]},
    }

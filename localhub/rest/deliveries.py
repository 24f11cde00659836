"""What deliveries of apps and of repositories' hooks share: pages by cursor, and for how long one may be repeated."""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi import Response

from localhub.clock import iso, parse_iso
from localhub.db import Row
from localhub.errors import invalid
from localhub.http import Paging, reply
from localhub.hub import Hub
from localhub.render import apps as render

LISTED_DAYS = 30
REDELIVERABLE_DAYS = 3
_CURSOR = re.compile(r"v1_(\d{1,18})", re.ASCII)
_SUCCESS = "status_code BETWEEN 200 AND 399"
_CHOSEN = {"failure": f"AND NOT {_SUCCESS}", "success": f"AND {_SUCCESS}"}


def listing(
    hub: Hub, column: str, owner_id: int, path: str, paging: Paging, cursor: str | None, status: str | None
) -> Response:
    """One page of the deliveries of an app (`app_id`) or hook (`hook_id`), newest first; `Link` has the next cursor."""
    at = _CURSOR.fullmatch(cursor) if cursor else None
    if cursor and at is None:
        raise invalid("Invalid cursor")
    if status not in (None, "success", "failure"):
        raise invalid("Invalid status: success or failure.")
    rows = hub.db.rows(
        f"""SELECT * FROM deliveries WHERE {column} = ? AND delivered_at >= ? AND (? IS NULL OR id < ?)
            {_CHOSEN.get(status or "", "")} ORDER BY id DESC LIMIT ?""",  # noqa: S608
        owner_id,
        iso(hub.clock.now() - timedelta(days=LISTED_DAYS)),
        cursor,
        int(at[1]) if at else 0,
        paging.limit + 1,
    )
    page = rows[: paging.limit]
    headers = {}
    if len(rows) > paging.limit:
        more = f"&status={status}" if status else ""
        url = hub.api(f"{path}?per_page={paging.limit}&cursor=v1_{page[-1]['id']}{more}")
        headers["Link"] = f'<{url}>; rel="next"'
    return reply([render.delivery(row) for row in page], headers=headers)


def may_be_sent_again(hub: Hub, delivery: Row) -> None:
    if parse_iso(delivery["queued_at"]) < hub.clock.now() - timedelta(days=REDELIVERABLE_DAYS):
        raise invalid("This delivery is too old to be redelivered.")

"""GitHub's eight reactions; they send no webhook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from localhub.auth import Actor
from localhub.errors import field, invalid
from localhub.ids import node_id
from localhub.render.accounts import simple_user

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

CONTENTS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def rollup(hub: Hub, subject_type: str, subject_id: int, url: str, *, any_: bool = True) -> dict[str, Any]:
    """`ReactionRollup`; `any_` is False when the caller knows that there are none."""
    counts = dict.fromkeys(CONTENTS, 0)
    if not any_:
        return {"url": url, "total_count": 0, **counts}
    for row in hub.db.rows(
        "SELECT content, COUNT(*) AS n FROM reactions WHERE subject_type = ? AND subject_id = ? GROUP BY content",
        subject_type,
        subject_id,
    ):
        counts[row["content"]] = row["n"]
    return {"url": url, "total_count": sum(counts.values()), **counts}


def among(hub: Hub, subject_type: str, ids: Sequence[int]) -> set[int]:
    """Those that have any reaction."""
    sql = """SELECT DISTINCT subject_id FROM reactions
             WHERE subject_type = ? AND subject_id IN (SELECT value FROM json_each(?))"""
    return {row[0] for row in hub.db.rows(sql, subject_type, orjson.dumps(ids).decode())}


def add(hub: Hub, subject_type: str, subject_id: int, content: str, actor: Actor) -> tuple[Row, bool]:
    """The actor's reaction, and whether it is new."""
    if content not in CONTENTS:
        raise invalid("Validation Failed", field("Reaction", "content", "invalid"))
    where = (subject_type, subject_id, actor.account_id, content)
    with hub.tx():
        sql = "SELECT * FROM reactions WHERE subject_type = ? AND subject_id = ? AND account_id = ? AND content = ?"
        found = hub.db.row(sql, *where)
        if found is not None:
            return found, False
        made = hub.db.insert(
            "reactions",
            subject_type=subject_type,
            subject_id=subject_id,
            account_id=actor.account_id,
            content=content,
            created_at=hub.now(),
        )
        return hub.db.get("reactions", made), True


def listing(hub: Hub, subject_type: str, subject_id: int, content: str | None) -> list[Row]:
    return hub.db.rows(
        "SELECT * FROM reactions WHERE subject_type = ? AND subject_id = ? AND (? IS NULL OR content = ?) ORDER BY id",
        subject_type,
        subject_id,
        content,
        content,
    )


def render(hub: Hub, row: Row) -> dict[str, Any]:
    """`Reaction`."""
    return {
        "id": row["id"],
        "node_id": node_id("Reaction", row["id"]),
        "user": simple_user(hub, row["account_id"]),
        "content": row["content"],
        "created_at": row["created_at"],
    }

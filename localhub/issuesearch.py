"""The search of issues, which lags behind what is true, as GitHub's does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub import issuefacts, issuequery, issuetotals
from localhub.issuelist import Where

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

FEW = 100
FOUND = 1000
"""GitHub shows no more of what it finds. Of what nothing keeps the count (`issuetotals`), no more is counted either."""


def refresh_index(hub: Hub) -> None:
    """Bring the search index up to what was true `search_lag_seconds` ago: what changed since then is not seen."""
    horizon = hub.clock.timestamp() - hub.limits.settings.search_lag_seconds
    if not hub.db.value("SELECT 1 FROM search_stale WHERE since <= ? LIMIT 1", horizon):
        return
    with hub.tx():
        for stale in hub.db.rows("SELECT issue_id FROM search_stale WHERE since <= ?", horizon):
            _learn(hub, stale["issue_id"])
        hub.db.execute("DELETE FROM search_stale WHERE since <= ?", horizon)


def _learn(hub: Hub, issue_id: int) -> None:
    row = hub.db.get("issues", issue_id)
    names = hub.db.rows(
        "SELECT l.name FROM labels l JOIN issue_labels x ON x.label_id = l.id WHERE x.issue_id = ?", issue_id
    )
    keys = ("repo_id", "is_pull", "state", "author_id", "created_at", "updated_at")
    hub.db.execute("DELETE FROM search_index WHERE issue_id = ?", issue_id)
    hub.db.insert(
        "search_index",
        issue_id=issue_id,
        seen=row["touched"],
        text=issuefacts.text(hub, row),
        labels=json.dumps([each["name"].lower() for each in names], ensure_ascii=False),
        facts=json.dumps(issuefacts.of(hub, row), ensure_ascii=False),
        **{key: row[key] for key in keys},
    )


def search(
    hub: Hub, actor: Actor, text: str, offset: int, limit: int, sort: str = "", order: str = "desc"
) -> tuple[list[Row], int]:
    """A page of the issues that match GitHub's query language and that the actor sees, and how many there are."""
    found, total = ids(hub, actor, text, offset, limit, sort, order)
    return [hub.db.get("issues", issue_id) for issue_id in found], total


def ids(
    hub: Hub, actor: Actor, text: str, offset: int, limit: int, sort: str = "", order: str = "desc"
) -> tuple[list[int], int]:
    """As `search`, but ids alone."""
    query = issuequery.read(hub, actor, text)
    refresh_index(hub)
    where = Where()
    where.add(query.sql.text, *query.sql.values)
    issues = _readable(hub, actor, "issues")
    pulls = _readable(hub, actor, "pull_requests") if actor.is_bot else issues
    marks = ",".join("?" for _ in issues) or "NULL"
    if issues == pulls:  # the +: only a repo: term is a reason to start from one
        where.add(f"+x.repo_id IN ({marks})", *issues)
    else:
        others = ",".join("?" for _ in pulls) or "NULL"
        where.add(
            f"CASE x.is_pull WHEN 0 THEN x.repo_id IN ({marks}) ELSE x.repo_id IN ({others}) END", *issues, *pulls
        )
    source, key = "search_index x", "x.issue_id"
    if query.words:  # what has the words is walked in its order, and the rest looked up
        source, key = "search_words w CROSS JOIN search_index x ON x.issue_id = w.rowid", "w.rowid"
        where.add("search_words MATCH ?", " AND ".join(query.words))
    sort, order = (query.sort, query.order) if query.sort else (sort, order)
    column = {"updated": "x.updated_at", "comments": "json_extract(x.facts, '$.comments')"}.get(sort or "", key)
    found = _Found(hub, f"{source} WHERE {where}", where.values, key, column, "ASC" if order == "asc" else "DESC")
    total = issuetotals.known(hub, actor, query.tokens, (issues, pulls))
    if total is None and query.words:  # what few have is quickest found in the order of the index, and then turned
        few = found.few()
        if len(few) <= FEW and column == key:
            few.sort(reverse=order != "asc")
            return few[offset : offset + limit], len(few)
        total = len(few) if len(few) <= FEW else None
    return found.page(limit, offset), found.count() if total is None else total


@dataclass(frozen=True)
class _Found:
    """What a condition finds in the index."""

    hub: Hub
    where: str
    values: list[object]
    key: str
    column: str
    way: str

    def few(self) -> list[int]:
        sql = f"SELECT {self.key} AS id FROM {self.where} LIMIT {FEW + 1}"  # noqa: S608
        return [row["id"] for row in self.hub.db.rows(sql, *self.values)]

    def page(self, limit: int, offset: int) -> list[int]:
        # Said twice, the index of words would be sorted anew.
        last = "" if self.column == self.key else f", {self.key} {self.way}"
        order = f"{self.column} {self.way}{last}"
        sql = f"SELECT {self.key} AS id FROM {self.where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        return [row["id"] for row in self.hub.db.rows(sql, *self.values, limit, offset)]

    def count(self) -> int:
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {self.where} LIMIT {FOUND})"  # noqa: S608
        return int(self.hub.db.value(sql, *self.values))


def _readable(hub: Hub, actor: Actor, kind: str) -> list[int]:
    """The repositories whose issues or pull requests the actor may read: an app may have only one of both."""
    rows = [hub.access.repo_by_id(row["id"]) for row in hub.db.rows("SELECT id FROM repos")]
    return [row["id"] for row in rows if hub.access.sees(actor, row) and hub.access.allowed(actor, row, kind)]

"""The search of issues, which lags behind what is true, as GitHub's does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub import issuefacts, issuequery, issuetotals
from localhub.issuelist import Where

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

FEW = 30
SPARSE = 4  # issues to look into for each that has the words, at most
NEAR = 1000  # issues in which a page of what is not sparse is looked for first
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
    sort, order = (query.sort, query.order) if query.sort else (sort, order)
    found = _Found(hub, where, query, sort, "ASC" if order == "asc" else "DESC")
    total = issuetotals.known(hub, actor, query.tokens, (issues, pulls))
    if total is not None or not query.words:
        return found.page(limit, offset), found.count() if total is None else total
    return found.spoken(limit, offset)


class _Found:
    """What a condition finds in the index."""

    def __init__(self, hub: Hub, where: Where, query: issuequery.Query, sort: str, way: str) -> None:
        self._hub, self._where, self._query, self._way = hub, where, query, way
        self._source, self._key = "search_index x", "x.issue_id"
        if query.words:  # what has the words is walked in its order, and the rest looked up
            self._source, self._key = "search_words w CROSS JOIN search_index x ON x.issue_id = w.rowid", "w.rowid"
            self._where = where.and_("search_words MATCH ?", " AND ".join(query.words))
        self._plain = where
        for said in query.spoken:
            self._plain = self._plain.and_(said.text, *said.values)
        columns = {"updated": "x.updated_at", "comments": "json_extract(x.facts, '$.comments')"}
        self._column = columns.get(sort or "", self._key)

    def spoken(self, limit: int, offset: int) -> tuple[list[int], int]:
        """A page of what has some words, and how many have them.

        What few have is quickest found in the order of the index of words, and then turned. What many have is not:
        there it is quicker to look into each text, as far as every other one or so has them.
        """
        few = self._ids(self._source, self._where, self._key, f"ORDER BY {self._key}", FEW + 1, 0)
        ordered = self._column == self._key
        if len(few) <= FEW:
            few.sort(reverse=self._way == "DESC")
            return few[offset : offset + limit] if ordered else self.page(limit, offset), len(few)
        if few[-1] - few[0] > SPARSE * FEW:
            return self.page(limit, offset), self.count()
        end = self._hub.db.value("SELECT MAX(issue_id) FROM search_index")
        near = ("x.issue_id >= ?", end - NEAR) if self._way == "DESC" else ("x.issue_id <= ?", few[0] + NEAR)
        order = f"ORDER BY x.issue_id {self._way}"
        page = (
            self._ids("search_index x", self._plain.and_(*near), "x.issue_id", order, limit, offset) if ordered else []
        )
        where = self._plain.and_("x.issue_id BETWEEN ? AND ?", few[0], few[0] + SPARSE * FOUND)
        total = self._hub.db.value(*_counted("search_index x", where))
        return page if len(page) == limit else self.page(limit, offset), total if total == FOUND else self.count()

    def page(self, limit: int, offset: int) -> list[int]:
        # Said twice, the index of words would be sorted anew.
        last = "" if self._column == self._key else f", {self._key} {self._way}"
        return self._ids(
            self._source, self._where, self._key, f"ORDER BY {self._column} {self._way}{last}", limit, offset
        )

    def count(self) -> int:
        return int(self._hub.db.value(*_counted(self._source, self._where)))

    def _ids(self, source: str, where: Where, key: str, order: str, limit: int, offset: int) -> list[int]:
        sql = f"SELECT {key} AS id FROM {source} WHERE {where} {order} LIMIT ? OFFSET ?"  # noqa: S608
        return [row["id"] for row in self._hub.db.rows(sql, *where.values, limit, offset)]


def _counted(source: str, where: Where) -> tuple[Any, ...]:
    """A question, and its values, for how many there are as far as they can be shown."""
    return f"SELECT COUNT(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {FOUND})", *where.values  # noqa: S608


def _readable(hub: Hub, actor: Actor, kind: str) -> list[int]:
    """The repositories whose issues or pull requests the actor may read: an app may have only one of both."""
    rows = [hub.access.repo_by_id(row["id"]) for row in hub.db.rows("SELECT id FROM repos")]
    return [row["id"] for row in rows if hub.access.sees(actor, row) and hub.access.allowed(actor, row, kind)]

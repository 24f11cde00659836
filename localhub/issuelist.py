"""The list of issues with GitHub's filters, and the search that lags behind it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from localhub.clock import iso, parse_iso
from localhub.errors import field, invalid
from localhub.http import Paging

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_SORTS = {"created": "i.id", "updated": "i.updated_at", "comments": "i.comments"}

_OWNED = "(x.repo_id IN (SELECT r.id FROM repos r JOIN accounts a ON a.id = r.owner_id WHERE a.login = ?))"
_LABELLED = "EXISTS (SELECT 1 FROM json_each(x.labels) WHERE value = ?)"
_WRITTEN = "(x.author_id = (SELECT id FROM accounts WHERE login = ?))"


class Where:
    """SQL conditions and their values."""

    def __init__(self) -> None:
        self._conditions: list[str] = ["1 = 1"]
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._conditions)


def listed(hub: Hub, query: dict[str, str], paging: Paging, repo: Row | None = None) -> tuple[list[Row], int]:
    """One page of issues and pull requests, and how many there are."""
    where = Where()
    if repo is not None:
        where.add("i.repo_id = ?", repo["id"])
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Validation Failed", field("Issue", "state", "invalid"))
    if state != "all":
        where.add("i.state = ?", state)
    for name in filter(None, query.get("labels", "").split(",")):
        where.add(
            "EXISTS (SELECT 1 FROM issue_labels x JOIN labels l ON l.id = x.label_id WHERE x.issue_id = i.id "
            "AND l.name = ?)",
            name,
        )
    _people(hub, where, query)
    if query.get("since"):
        try:
            where.add("i.updated_at >= ?", iso(parse_iso(query["since"])))
        except ValueError as error:
            raise invalid("Validation Failed", field("Issue", "since", "invalid")) from error
    milestone = query.get("milestone")
    if milestone == "none":
        where.add("i.milestone_id IS NULL")
    elif milestone == "*":
        where.add("i.milestone_id IS NOT NULL")
    elif milestone:
        where.add("i.milestone_id = (SELECT id FROM milestones WHERE repo_id = i.repo_id AND number = ?)", milestone)
    sort = _SORTS.get(query.get("sort", "created"), "i.id")
    direction = "ASC" if query.get("direction") == "asc" else "DESC"
    return _page(hub, where, f"{sort} {direction}, i.id {direction}", paging)


def _page(hub: Hub, where: Where, order: str, paging: Paging) -> tuple[list[Row], int]:
    total = hub.db.value(f"SELECT COUNT(*) FROM issues i WHERE {where}", *where.values)  # noqa: S608
    rows = hub.db.rows(
        f"SELECT i.* FROM issues i WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return rows, total


def _people(hub: Hub, where: Where, query: dict[str, str]) -> None:
    def account(login: str) -> int:
        return int(hub.db.value("SELECT id FROM accounts WHERE login = ?", login) or 0)

    creator = query.get("creator")
    if creator:
        login = creator.replace("app/", "") + "[bot]" if creator.startswith("app/") else creator
        where.add("i.author_id = ?", account(login))
    assignee = query.get("assignee")
    has = "EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = i.id"
    if assignee == "none":
        where.add(f"NOT {has})")
    elif assignee == "*":
        where.add(f"{has})")
    elif assignee:
        where.add(f"{has} AND s.account_id = ?)", account(assignee))


def refresh_index(hub: Hub) -> None:
    """Bring the search index up to what was true `search_lag_seconds` ago: what changed since then is not seen."""
    horizon = hub.clock.timestamp() - hub.limits.settings.search_lag_seconds
    stale = """SELECT i.id FROM issues i LEFT JOIN search_index x ON x.issue_id = i.id
               WHERE i.touched <= ? AND i.touched > ? AND (x.seen IS NULL OR x.seen < i.touched)"""
    last = hub.db.value("SELECT MAX(seen) FROM search_index") or -1.0
    # A change may be committed a little after its time: look back over a minute.
    ids = [row["id"] for row in hub.db.rows(stale, horizon, last - 60)]
    if not ids:
        return
    with hub.tx():
        for issue_id in ids:
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
                text=f"{row['title']}\n{row['body'] or ''}".lower(),
                labels=json.dumps([each["name"].lower() for each in names]),
                **{key: row[key] for key in keys},
            )


def search(
    hub: Hub, text: str, paging: Paging, repositories: list[int], sort: str, order: str
) -> tuple[list[Row], int]:
    """Issues that match GitHub's query language, as far as: words, repo, is, type, state, label, author, in, no."""
    refresh_index(hub)
    where = Where()
    marks = ",".join("?" for _ in repositories) or "NULL"
    where.add(f"x.repo_id IN ({marks})", *repositories)
    for term in _terms(text):
        _term(hub, where, term)
    column = {"created": "x.issue_id", "updated": "x.updated_at"}.get(sort, "x.issue_id")
    direction = "ASC" if order == "asc" else "DESC"
    total = hub.db.value(f"SELECT COUNT(*) FROM search_index x WHERE {where}", *where.values)  # noqa: S608
    rows = hub.db.rows(
        f"""SELECT i.* FROM search_index x JOIN issues i ON i.id = x.issue_id WHERE {where}
            ORDER BY {column} {direction} LIMIT ? OFFSET ?""",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return rows, min(total, 1000)


def _terms(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise invalid("Validation Failed", field("Search", "q", "invalid", str(error))) from error


def _term(hub: Hub, where: Where, term: str) -> None:
    negated = "NOT " if term.startswith("-") else ""
    key, colon, value = term.removeprefix("-").partition(":")
    simple: dict[tuple[str, str], tuple[str, Any]] = {
        ("is", "issue"): ("x.is_pull = ?", 0),
        ("is", "pr"): ("x.is_pull = ?", 1),
        ("is", "pull-request"): ("x.is_pull = ?", 1),
        ("is", "open"): ("x.state = ?", "open"),
        ("is", "closed"): ("x.state = ?", "closed"),
    }
    key = "is" if key in ("type", "state") else key
    if (key, value) in simple:
        condition, wanted = simple[key, value]
        where.add(f"{negated}({condition})", wanted)
    elif key == "repo":
        owner, _, name = value.partition("/")
        repo = hub.access.repo_row(owner, name)
        where.add(f"{negated}(x.repo_id = ?)", repo["id"] if repo else 0)
    elif key in ("user", "org"):
        where.add(negated + _OWNED, value)
    elif key == "label":
        where.add(negated + _LABELLED, value.lower())
    elif key == "author":
        login = value.replace("app/", "") + "[bot]" if value.startswith("app/") else value
        where.add(negated + _WRITTEN, login)
    elif key == "in" and colon:
        return  # titles and bodies are searched in any case
    elif colon and key in ("sort", "archived"):
        return
    else:
        where.add(f"{negated}(instr(x.text, ?) > 0)", term.removeprefix("-").lower())

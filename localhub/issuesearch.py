"""The search of issues, which lags behind what is true, as GitHub's does."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from localhub.errors import field, invalid
from localhub.http import Paging
from localhub.issuelist import Where

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_OWNED = "(x.repo_id IN (SELECT r.id FROM repos r JOIN accounts a ON a.id = r.owner_id WHERE a.login = ?))"
_LABELLED = "EXISTS (SELECT 1 FROM json_each(x.labels) WHERE value = ?)"
_WRITTEN = "(x.author_id = (SELECT id FROM accounts WHERE login = ?))"
FOUND = 1000  # GitHub shows no more of what it finds


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
        text=f"{row['title']}\n{row['body'] or ''}".lower(),
        labels=json.dumps([each["name"].lower() for each in names], ensure_ascii=False),
        **{key: row[key] for key in keys},
    )


def search(
    hub: Hub, text: str, paging: Paging, repositories: list[int], sort: str, order: str
) -> tuple[list[Row], int]:
    """Issues that match GitHub's query language, as far as: words, repo, is, type, state, label, author, in, no."""
    refresh_index(hub)
    where = Where()
    words: list[str] = []
    for term in terms(text):
        _term(hub, where, words, term)
    marks = ",".join("?" for _ in repositories) or "NULL"
    where.add(f"+x.repo_id IN ({marks})", *repositories)  # the +: only a repo: term is a reason to start from one
    source, key = "search_index x", "x.issue_id"
    if words:  # what has the words is walked in its order, and the rest looked up
        source, key = "search_words w CROSS JOIN search_index x ON x.issue_id = w.rowid", "w.rowid"
        where.add("search_words MATCH ?", " AND ".join(words))
    column = "x.updated_at" if sort == "updated" else key
    direction = "ASC" if order == "asc" else "DESC"
    found = f"SELECT 1 FROM {source} WHERE {where} LIMIT {FOUND}"  # noqa: S608
    total = hub.db.value(f"SELECT COUNT(*) FROM ({found})", *where.values)  # noqa: S608
    page = hub.db.rows(
        f"SELECT {key} AS id FROM {source} WHERE {where} ORDER BY {column} {direction} LIMIT ? OFFSET ?",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return [hub.db.get("issues", row["id"]) for row in page], total


def terms(text: str) -> list[str]:
    """The terms of a query, split as a shell splits words."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise invalid("Validation Failed", field("Search", "q", "invalid", str(error))) from error


def _phrase(column: str, text: str) -> str:
    """What the trigram index knows of a text of three letters or more; it finds no shorter ones."""
    return f'{column} : "{text.replace(chr(34), chr(34) * 2)}"'


def _term(hub: Hub, where: Where, words: list[str], term: str) -> None:
    """Add a term to the conditions, and to `words` what the trigram index can find first."""
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
        if not negated:
            words.append(_phrase("labels", json.dumps(value.lower(), ensure_ascii=False)))
    elif key == "author":
        login = value.replace("app/", "") + "[bot]" if value.startswith("app/") else value
        where.add(negated + _WRITTEN, login)
    elif key == "in" and colon:
        return  # titles and bodies are searched in any case
    elif colon and key in ("sort", "archived"):
        return
    else:
        word = term.removeprefix("-").lower()
        where.add(f"{negated}(instr(x.text, ?) > 0)", word)
        if not negated and len(word) >= 3:
            words.append(_phrase("text", word))

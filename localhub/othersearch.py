"""The search for repositories and for people, in GitHub's query language as far as there is something to ask."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from localhub.errors import field, invalid

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def repositories(hub: Hub, actor: Actor, text: str, sort: str = "", order: str = "desc") -> list[Row]:
    """What the actor sees and what meets every term."""
    terms = _terms(text)
    rows = [hub.access.repo_by_id(row["id"]) for row in hub.db.rows("SELECT id FROM repos ORDER BY id")]
    found = [row for row in rows if hub.access.sees(actor, row) and all(_meets(row, term) for term in terms)]
    found.sort(key=lambda row: (row["updated_at" if sort == "updated" else "id"], row["id"]), reverse=order != "asc")
    return found


def accounts(hub: Hub, text: str, sort: str = "", order: str = "desc") -> list[Row]:
    """People and organisations whose name meets every term."""
    terms = _terms(text)
    rows = hub.db.rows("SELECT * FROM accounts WHERE type <> 'Bot' ORDER BY id")
    found = [row for row in rows if all(_named(row, term) for term in terms)]
    return found[::-1] if sort == "joined" and order != "asc" else found


def _terms(text: str) -> list[str]:
    if not text.strip():
        raise invalid("Validation Failed", field("Search", "q", "missing"))
    try:
        return shlex.split(text)
    except ValueError as error:
        raise invalid("Validation Failed", field("Search", "q", "invalid", str(error))) from error


def _named(row: Row, term: str) -> bool:
    if term.startswith("-"):
        return not _named(row, term[1:])
    key, colon, value = term.partition(":")
    match key if colon else "":
        case "type":
            return bool(row["type"] == {"org": "Organization", "user": "User"}.get(value))
        case "user" | "org":
            return bool(row["login"].lower() == value.lower())
        case "in" | "sort":
            return True
        case _:
            return term.lower() in f"{row['login']}\n{row['name'] or ''}\n{row['email'] or ''}".lower()


def _meets(repo: Row, term: str) -> bool:
    """Whether a repository has what one term of GitHub's query language asks."""
    if term.startswith("-"):
        return not _meets(repo, term[1:])
    key, colon, value = term.partition(":")
    full_name, topics = f"{repo['owner_login']}/{repo['name']}".lower(), json.loads(repo["topics"])
    match key if colon else "":
        case "user" | "org":
            return bool(repo["owner_login"].lower() == value.lower())
        case "repo":
            return full_name == value.lower()
        case "is":
            return {"private": bool(repo["private"]), "public": not repo["private"]}.get(value, True)
        case "archived":
            return bool(repo["archived"]) == (value == "true")
        case "topic":
            return value.lower() in topics
        case "fork":
            return value == "true" or (repo["parent_id"] is not None) == (value == "only")
        case "in" | "sort":
            return True
        case _:
            text = f"{full_name}\n{repo['description'] or ''}\n{' '.join(topics)}".lower()
            return term.lower() in text

"""The list of issues with GitHub's filters, at a cost that does not grow with the number of issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub.clock import iso, parse_iso
from localhub.errors import field, invalid
from localhub.http import Paging

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

MANY = 500
_SORTS = {"updated": "i.updated_at", "comments": "i.comments"}


class Where:
    """SQL conditions and their values."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "1 = 1"


def listed(hub: Hub, query: dict[str, str], paging: Paging, repo: Row | None = None) -> tuple[list[Row], int]:
    """One page of issues and pull requests, and how many there are."""
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Validation Failed", field("Issue", "state", "invalid"))
    states = ("open", "closed") if state == "all" else (state,)
    where = Where()
    facets = _facets(hub, query, repo)
    if repo is not None and not facets:  # facets know their repository and state
        where.add("i.repo_id = ?", repo["id"])
    if state != "all" and not facets:
        where.add("i.state = ?", state)
    if repo is None:
        _labels_anywhere(where, query)
    if query.get("creator"):
        where.add("i.author_id = ?", _account(hub, query["creator"]))
    if query.get("since"):
        try:
            where.add("i.updated_at >= ?", iso(parse_iso(query["since"])))
        except ValueError as error:
            raise invalid("Validation Failed", field("Issue", "since", "invalid")) from error
    _milestone(where, query.get("milestone"))
    if query.get("assignee") == "*":
        where.add("EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = i.id)")
    elif query.get("assignee") == "none" and repo is None:
        where.add("NOT EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = i.id)")
    direction = "ASC" if query.get("direction") == "asc" else "DESC"
    number = "i.number" if repo is not None else "i.id"
    sort = _SORTS.get(query.get("sort", "created"))
    if facets:
        return _page_of_facets(hub, facets, states, where, f"{sort} {direction}, " if sort else "", direction, paging)
    order = f"{sort} {direction}, i.id {direction}" if sort else f"{number} {direction}"
    return _page(hub, "issues i", where, order, paging)


def _page(hub: Hub, source: str, where: Where, order: str, paging: Paging) -> tuple[list[Row], int]:
    total = hub.db.value(f"SELECT COUNT(*) FROM {source} WHERE {where}", *where.values)  # noqa: S608
    conditions = str(where)
    if total > MANY:  # better walked in the order that is asked for than found by their times and sorted
        conditions = conditions.replace("i.updated_at >=", "+i.updated_at >=")
    rows = hub.db.rows(
        f"SELECT i.* FROM {source} WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return rows, total


_Facet = tuple[str, int | None, int]


def _facets(hub: Hub, query: dict[str, str], repo: Row | None) -> list[_Facet]:
    """Labels and people asked for, as rows of `issue_facets`: (kind, repository or any, value)."""
    repo_id = repo["id"] if repo is not None else None
    found: list[_Facet] = []
    if repo_id is not None:
        for name in filter(None, query.get("labels", "").split(",")):
            sql = "SELECT id FROM labels WHERE repo_id = ? AND name = ?"
            found.append(("label", repo_id, hub.db.value(sql, repo_id, name) or 0))
    assignee = query.get("assignee")
    if assignee == "none" and repo_id is not None:
        found.append(("unassigned", repo_id, 0))
    elif assignee and assignee not in ("none", "*"):
        found.append(("assignee", repo_id, _account(hub, assignee)))
    return found


def _page_of_facets(
    hub: Hub, facets: list[_Facet], states: tuple[str, ...], rest: Where, sort: str, direction: str, paging: Paging
) -> tuple[list[Row], int]:
    """A page of what has all these facets: the rarest is walked in its order, the others are looked up."""

    def matching(facet: _Facet, own: str) -> tuple[str, list[object]]:
        kind, repo_id, value = facet
        marks = ", ".join("?" for _ in states)
        of_repo = "" if repo_id is None else f" AND {own}.repo_id = ?"
        text = f"{own}.kind = '{kind}' AND {own}.value = ? AND {own}.state IN ({marks}){of_repo}"
        return text, [value, *states, *([] if repo_id is None else [repo_id])]

    def size(facet: _Facet) -> int:
        text, values = matching(facet, "f")
        return int(hub.db.value(f"SELECT COUNT(*) FROM issue_facets f WHERE {text}", *values))  # noqa: S608

    sizes = {facet: size(facet) for facet in facets}
    first, *others = sorted(sizes, key=lambda each: sizes[each])
    where = Where()
    text, values = matching(first, "f")
    where.add(text, *values)
    for other in others:
        text, values = matching(other, "o")
        where.add(f"EXISTS (SELECT 1 FROM issue_facets o WHERE {text} AND o.issue_id = f.issue_id)", *values)  # noqa: S608
    source = "issue_facets f CROSS JOIN issues i ON i.id = f.issue_id"
    order = f"{sort}f.issue_id {direction}"
    if rest.values or "EXISTS" in str(rest):
        where.add(str(rest), *rest.values)
        return _page(hub, source, where, order, paging)
    if others:
        total = hub.db.value(f"SELECT COUNT(*) FROM issue_facets f WHERE {where}", *where.values)  # noqa: S608
    else:
        total = sizes[first]
    rows = hub.db.rows(
        f"SELECT i.* FROM {source} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return rows, total


def _labels_anywhere(where: Where, query: dict[str, str]) -> None:
    """Labels by their names, whatever repository has them."""
    for name in filter(None, query.get("labels", "").split(",")):
        where.add(
            "EXISTS (SELECT 1 FROM issue_labels x JOIN labels l ON l.id = x.label_id WHERE x.issue_id = i.id "
            "AND l.name = ?)",
            name,
        )


def _milestone(where: Where, milestone: str | None) -> None:
    if milestone == "none":
        where.add("i.milestone_id IS NULL")
    elif milestone == "*":
        where.add("i.milestone_id IS NOT NULL")
    elif milestone:
        where.add("i.milestone_id = (SELECT id FROM milestones WHERE repo_id = i.repo_id AND number = ?)", milestone)


def _account(hub: Hub, login: str) -> int:
    """The id of an account, 0 for nobody; an app is named `app/slug`."""
    login = login.replace("app/", "") + "[bot]" if login.startswith("app/") else login
    return int(hub.db.value("SELECT id FROM accounts WHERE login = ?", login) or 0)

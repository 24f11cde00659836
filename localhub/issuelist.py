"""The list of issues with GitHub's filters, at a cost that does not grow with the number of issues.

How many there are is kept for each filter by itself (`issuecounts`). What has to meet several is counted up to MANY;
beyond that the answer names no last page, as GitHub's does not where it cannot tell. A page is read from an index that
has the order asked for, or from that of the rarest filter, state by state, and these are merged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub import issuecounts, issuefilters
from localhub.errors import field, invalid
from localhub.http import Paging
from localhub.issuefilters import Filter

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

HOMES = 50  # repositories whose lists are merged; of more than these, one list is sorted
_SORTS = {"updated": "i.updated_at", "comments": "i.comments"}
_ORDERED = {"": "issues_of_kind", "i.updated_at": "issues_by_state_update", "i.comments": "issues_by_comments"}
_AMONG = "IN (SELECT value FROM json_each(?))"
_FACETED = " CROSS JOIN issues i ON i.id = f.issue_id"


class Where:
    """SQL conditions and their values."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values += values

    def and_(self, condition: str, *values: object) -> Where:
        """A new one with this besides."""
        both = Where()
        both._conditions, both.values = [*self._conditions, condition], [*self.values, *values]
        return both

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "1 = 1"


def listed(
    hub: Hub,
    query: dict[str, str],
    paging: Paging,
    repo: Row | None = None,
    homes: Sequence[int] = (),
    also: Sequence[Filter] = (),
) -> tuple[list[Row], int | None]:
    """One page of issues and pull requests, and how many there are: None for more than this page and one knows not.

    They are those of one repository or of several (`homes`), which meet the query and the filters `also`.
    """
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Validation Failed", field("Issue", "state", "invalid"))
    states = ("open", "closed") if state == "all" else (state,)
    filters = [*issuefilters.read(hub, query, states, repo["id"] if repo is not None else None, homes), *also]
    if any(one.size == 0 for one in filters) or (repo is None and not homes):
        return [], 0
    way = "ASC" if query.get("direction") == "asc" else "DESC"
    found = _Listing(hub, states, filters, repo, homes, _SORTS.get(query.get("sort", ""), ""), way)
    total = found.total()
    if total is not None:
        return found.page(paging.limit, paging.offset), total
    rows = found.page(paging.limit + 1, paging.offset)
    if len(rows) > paging.limit:
        return rows[:-1], None
    return rows, paging.offset + len(rows) if rows else found.count()


@dataclass(frozen=True)
class _Listing:
    hub: Hub
    states: tuple[str, ...]
    filters: list[Filter]
    repo: Row | None
    homes: Sequence[int]
    key: str
    """The column that sorts; empty for the order in which issues were made, which is that of their ids."""
    way: str

    def total(self) -> int | None:
        """How many there are, if that is known or quickly counted."""
        if not self.filters and self.repo is not None:
            return issuecounts.of_repository(self.hub, self.repo["id"], self.states)
        if len(self.filters) == 1 and self.filters[0].size is not None:
            return self.filters[0].size
        found = self.count(issuefilters.MANY + 1)
        return found if found <= issuefilters.MANY else None

    def count(self, most: int = -1) -> int:
        parts = self._parts("1", self._rarest(), "issues_by_state_update")
        sql = f"SELECT COUNT(*) FROM ({_joined(parts)} LIMIT ?)"  # noqa: S608
        return int(self.hub.db.value(sql, *_values(parts), most))

    def page(self, limit: int, offset: int) -> list[Row]:
        first = self._rarest()
        if first is not None and self.repo is not None and self._walked(first, limit + offset):
            first = None
        columns = f"{{id}} AS id, {self.key} AS place" if self.key else "{id} AS id"
        parts = self._parts(columns, first, _ORDERED[self.key])
        order = ", ".join(f"{{}}{column} {self.way}" for column in (("place", "id") if self.key else ("id",)))
        merged = f"{_joined(parts)} ORDER BY {order.replace('{}', '')} LIMIT ? OFFSET ?"
        sql = f"SELECT i.* FROM ({merged}) p CROSS JOIN issues i ON i.id = p.id ORDER BY {order.replace('{}', 'p.')}"  # noqa: S608
        return self.hub.db.rows(sql, *_values(parts), limit, offset)

    def _rarest(self) -> Filter | None:
        """Of the filters that something finds, the one that the fewest meet."""
        for one in self.filters:
            if one.within:
                return one
        found = [one for one in self.filters if one.size is not None and (one.facet or one.index)]
        return min(found, key=lambda one: one.size or 0, default=None)

    def _walked(self, first: Filter, wanted: int) -> bool:
        """Whether to walk all issues in the order asked for is quicker than to sort what meets the filter."""
        if not self.key and (first.facet or first.in_order):
            return False
        assert self.repo is not None
        size = first.size or 1
        return wanted * issuecounts.of_repository(self.hub, self.repo["id"], self.states) < size * size

    def _parts(self, columns: str, first: Filter | None, index: str) -> list[_Part]:
        """One for each repository and state (and kind, where an index has that before the order)."""
        parts = []
        for home, state in ((home, state) for home in self._homes(first) for state in self.states):
            kinds: list[int | None] = [None]
            if first is None and index == _ORDERED[""]:
                counts = issuecounts.of_kind(self.hub, home, state) if isinstance(home, int) else [(0, 1), (1, 1)]
                kinds = [kind for kind, count in counts if count] or [0]
            parts += [self._part(columns, first, index, (home, state, kind)) for kind in kinds]
        return parts

    def _part(self, columns: str, first: Filter | None, index: str, place: tuple[object, str, int | None]) -> _Part:
        home, state, kind = place
        where = Where()
        own = "f" if first is not None and first.facet else "i"
        where.add(f"{own}.repo_id {'= ?' if isinstance(home, int) else _AMONG}", home)
        where.add(f"{own}.state = ?", state)
        if kind is not None:
            where.add("i.is_pull = ?", kind)
        if first is not None and first.facet:
            others = "".join(one.condition for one in self.filters if one is not first)
            rest = "i." in others or self.key  # than the facets know
            source, id_ = f"issue_facets f{_FACETED if rest else ''}", "f.issue_id"
            where.add("f.kind = ? AND f.value = ?", *first.facet)
        elif first is not None and first.within:
            source, id_ = f"({first.within}) w CROSS JOIN issues i ON i.id = w.issue_id", "i.id"
        else:
            source, id_ = f"issues i INDEXED BY {first.index if first is not None else index}", "i.id"
        for one in self.filters:
            if one is not first or not (one.facet or one.within):
                where.add(one.condition.format(id=id_), *one.values)
        return _Part(f"SELECT {columns.format(id=id_)} FROM {source} WHERE {where}", tuple(where.values))  # noqa: S608

    def _homes(self, first: Filter | None) -> list[object]:
        """The repositories to look in: ids, or several ids at once as JSON."""
        if self.repo is not None:
            return [self.repo["id"]]
        apart = len(self.homes) <= HOMES and not (first is not None and first.within)
        return list(self.homes) if apart else [json.dumps(list(self.homes))]


@dataclass(frozen=True)
class _Part:
    sql: str
    values: tuple[object, ...]


def _joined(parts: list[_Part]) -> str:
    return " UNION ALL ".join(part.sql for part in parts)


def _values(parts: list[_Part]) -> list[object]:
    return [value for part in parts for value in part.values]

"""What every object has: a row, fields that are columns, connections with cursors, and GitHub's typed errors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from graphql import GraphQLError, GraphQLResolveInfo

from localhub.graphql import gate

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

PAGE = 100


@dataclass(frozen=True)
class Scope:
    """What resolvers work with."""

    hub: Hub
    actor: Actor
    judged: dict[tuple[int, tuple[str, ...]], bool] = field(default_factory=dict, compare=False)
    """What the gate has found out for this request, by repository and permissions."""


class QueryError(GraphQLError):
    """An error with GitHub's `type`: NOT_FOUND, FORBIDDEN, UNPROCESSABLE, RATE_LIMITED …"""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def not_found(what: str, name: str) -> QueryError:
    """GitHub's words for what is not there or may not be seen."""
    return QueryError("NOT_FOUND", f"Could not resolve to {what} with the {name}.")


def no_node(kind: str, id: str) -> QueryError:
    """As `not_found`, of a global id; `kind` is "a" or a type."""
    return QueryError("NOT_FOUND", f"Could not resolve to {kind} node with the global id of '{id}'")


class Object:
    """A GraphQL object on top of a row of the database.

    `COLUMNS` are the fields that are a column; every other field is a method that takes the field's arguments.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {}
    FLAGS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, scope: Scope, row: Row) -> None:
        self.scope = scope
        self.row = row

    @property
    def hub(self) -> Hub:
        return self.scope.hub

    def databaseId(self) -> int | None:
        """Int in GitHub's schema: larger numbers are only in fullDatabaseId."""
        number = int(self.row["id"])
        return number if number < 2**31 else None

    def fullDatabaseId(self) -> str:
        return str(self.row["id"])

    def _html(self, path: str) -> str:
        return self.hub.html(path)


def resolve_field(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """The one resolver of every field; what an app may not read becomes an error in its place."""
    value = _resolved(source, info.field_name, arguments)
    if isinstance(value, list):
        return [_refused() if gate.forbidden(each) else each for each in value]
    if gate.forbidden(value):
        raise _refused()
    return value


def _refused() -> QueryError:
    return QueryError("FORBIDDEN", "Resource not accessible by integration")


def _resolved(source: Any, name: str, arguments: dict[str, Any]) -> Any:
    if isinstance(source, Mapping):
        return source.get(name)
    if isinstance(source, Object):
        if name in source.COLUMNS:
            return source.row[source.COLUMNS[name]]
        if name in source.FLAGS:
            return bool(source.row[source.FLAGS[name]])
    value = getattr(source, name)
    return value(**arguments) if callable(value) else value


def resolve_type(value: Any, *_: Any) -> str:
    """The concrete type behind an interface or union: classes are named as their types."""
    return str(value["__typename"]) if isinstance(value, Mapping) else type(value).__name__


class Connection:
    """A page of a list. `items` are keys or rows, `make` turns the shown ones into objects."""

    def __init__(
        self,
        items: Sequence[Any],
        make: Callable[[Any], Any],
        *,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        skip: int | None = None,
        **_: Any,
    ) -> None:
        for name, count in (("first", first), ("last", last)):
            if count is not None and not 0 <= count <= PAGE:
                kind = "EXCESSIVE_PAGINATION" if count > PAGE else "ARGUMENT_LIMIT"
                raise QueryError(
                    kind, f"Requesting {count} records on the connection exceeds the `{name}` limit of {PAGE} records."
                )
        start, end = (_position(after) if after else 0), (_position(before) - 1 if before else len(items))
        start += skip or 0
        end = min(end, len(items))
        start = min(start, end)
        self.filteredCount = end - start
        if first is not None:
            end = min(end, start + first)
        if last is not None:
            start = max(start, end - last)
        self.totalCount = len(items)
        self._bounded = first is not None or last is not None
        self._start, self._end = start, end
        self._made = [make(item) for item in items[start:end]] if self._bounded else []

    def _shown(self) -> list[Any]:
        """The page's objects; only a count may be asked for without a page size."""
        if not self._bounded:
            raise QueryError(
                "MISSING_PAGINATION_BOUNDARIES",
                "You must provide a `first` or `last` value to properly paginate the connection.",
            )
        return self._made

    def nodes(self) -> list[Any]:
        return self._shown()

    def edges(self) -> list[dict[str, Any]]:
        return [{"node": node, "cursor": _cursor(self._start + at)} for at, node in enumerate(self._shown(), 1)]

    def pageInfo(self) -> dict[str, Any]:
        self._shown()
        return {
            "hasNextPage": self._end < self.totalCount,
            "hasPreviousPage": self._start > 0,
            "startCursor": _cursor(self._start + 1) if self._made else None,
            "endCursor": _cursor(self._end) if self._made else None,
        }


def _cursor(position: int) -> str:
    return base64.b64encode(f"cursor:v2:{position}".encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rsplit(":", 1)[-1])
    except (binascii.Error, ValueError):
        raise QueryError("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None

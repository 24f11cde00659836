"""Rows that are counted and read a page at a time, so that a connection costs the same however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from localhub.db import Database, Row


class Found(Sequence["Row"]):
    """What `SELECT columns FROM source ORDER BY order` finds; `source` ends with its conditions."""

    def __init__(
        self, db: Database, columns: str, source: str, order: str, values: Sequence[object], count: int | None = None
    ) -> None:
        """`count`, if somebody knows it."""
        self._db, self._columns, self._source, self._order, self._values = db, columns, source, order, tuple(values)
        self._count = count

    def __len__(self) -> int:
        if self._count is None:
            self._count = int(self._db.value(f"SELECT COUNT(*) FROM {self._source}", *self._values))  # noqa: S608
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return self._page(start, stop)[::step]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._page(place, place + 1)[0]

    def _page(self, start: int, stop: int) -> list[Row]:
        sql = f"SELECT {self._columns} FROM {self._source} ORDER BY {self._order} LIMIT ? OFFSET ?"  # noqa: S608
        return self._db.rows(sql, *self._values, max(0, stop - start), start)

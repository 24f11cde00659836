"""A person's notifications, newest first, out of however many issues they follow: only threads that a mail was sent in
are looked at, unread and read ones each in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

MANY = 1000
"""What is counted, at most."""
_OF = "FROM threads INDEXED BY threads_told WHERE told AND account_id = ?"


@dataclass(frozen=True)
class Inbox:
    """What is not done: unread threads, or read ones too; of a time, a repository, or of what one takes part in."""

    hub: Hub
    account_id: int
    everything: bool = False
    since: str | None = None
    before: str | None = None
    repo_id: int | None = None
    participating: bool = False

    def page(self, limit: int, offset: int) -> tuple[list[Row], int | None]:
        """One page, and how many there are: None for more than MANY, if there is another page."""
        sql, values = self._found("*")
        rows = self.hub.db.rows(f"{sql} ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?", *values, limit + 1, offset)
        if len(rows) <= limit and (rows or not offset):
            return rows, offset + len(rows)
        sql, values = self._found("1")
        most = MANY + 1 if rows else -1
        total = int(self.hub.db.value(f"SELECT COUNT(*) FROM ({sql} LIMIT ?)", *values, most))  # noqa: S608
        return rows[:limit], None if total == most else total

    def latest(self) -> str | None:
        """When anything last came, read or done though it may be."""
        part = f"SELECT MAX(updated_at) AS moment {_OF} AND done = ? AND unread = ?"
        states = [(self.account_id, done, unread) for done in (0, 1) for unread in (0, 1)]
        values = [value for state in states for value in state]
        found: str | None = self.hub.db.value(
            f"SELECT MAX(moment) FROM ({' UNION ALL '.join([part] * len(states))})",  # noqa: S608
            *values,
        )
        return found

    def _found(self, columns: str) -> tuple[str, list[object]]:
        conditions: list[tuple[str, object]] = []
        if self.since:
            conditions.append(("updated_at >= ?", self.since))
        if self.before:
            conditions.append(("updated_at < ?", self.before))
        if self.repo_id is not None:
            conditions.append(("repo_id = ?", self.repo_id))
        if self.participating:
            conditions.append(("reason <> ?", "subscribed"))
        part = f"SELECT {columns} {_OF} AND done = 0 AND unread = ?" + "".join(f" AND {text}" for text, _ in conditions)
        states = (1, 0) if self.everything else (1,)
        values = [value for unread in states for value in (self.account_id, unread, *(each for _, each in conditions))]
        return " UNION ALL ".join([part] * len(states)), values

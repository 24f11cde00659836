"""How many issues there are of a kind, from numbers that triggers keep: asking costs the same for few and for many."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localhub.hub import Hub

States = Sequence[str]
LATELY = 1000  # rows that a reader counts before it notes how far it came


def of_repository(hub: Hub, repo_id: int, states: States) -> int:
    """Issues and pull requests."""
    row = hub.db.row("SELECT open_issues AS open, closed_issues AS closed FROM repos WHERE id = ?", repo_id)
    return sum(row[state] for state in states) if row else 0


def of_kind(hub: Hub, repo_id: int, state: str) -> list[tuple[int, int]]:
    """(is_pull, how many) of a state."""
    columns = f"{state}_issues - {state}_pulls AS issues, {state}_pulls AS pulls"
    row = hub.db.row(f"SELECT {columns} FROM repos WHERE id = ?", repo_id)  # noqa: S608
    return [(0, row["issues"]), (1, row["pulls"])] if row else []


def of_facet(hub: Hub, kind: str, value: int, home: int | Container[int], states: States) -> int:
    """Issues of one or several repositories with a label, of an author or assignee, or `unassigned` ones."""
    if isinstance(home, int):
        sql = "SELECT state, n FROM issue_counts WHERE kind = ? AND value = ? AND repo_id = ?"
        return sum(row["n"] for row in hub.db.rows(sql, kind, value, home) if row["state"] in states)
    rows = hub.db.rows("SELECT repo_id, state, n FROM issue_counts WHERE kind = ? AND value = ?", kind, value)
    return sum(row["n"] for row in rows if row["state"] in states and row["repo_id"] in home)


def homes(hub: Hub, kind: str, value: int) -> list[int]:
    """The repositories that have any issue of this author or assignee."""
    sql = "SELECT DISTINCT repo_id FROM issue_counts WHERE kind = ? AND value = ? AND n > 0 ORDER BY repo_id"
    return [row["repo_id"] for row in hub.db.rows(sql, kind, value)]


def of_milestone(hub: Hub, milestone_id: int, states: States) -> int:
    row = hub.db.row("SELECT open_issues AS open, closed_issues AS closed FROM milestones WHERE id = ?", milestone_id)
    return sum(row[state] for state in states) if row else 0


def with_milestone(hub: Hub, repo_id: int, states: States) -> int:
    """Issues that have any milestone."""
    sums = "SELECT SUM(open_issues) AS open, SUM(closed_issues) AS closed FROM milestones WHERE repo_id = ?"
    row = hub.db.row(sums, repo_id)
    return sum(row[state] or 0 for state in states) if row else 0


_TALLIED = {"comments": "comments WHERE repo_id = ?", "events": "issue_events WHERE repo_id = ? AND told = 1"}


def tally(hub: Hub, kind: str, repo_id: int) -> int:
    """How many comments or events a repository has: each is counted once, when a reader first comes past it.

    Nothing has to be kept up to date when one is written, which happens more often than that anybody asks.
    """
    rows = _TALLIED[kind]
    known = hub.db.row("SELECT upto, n FROM tallies WHERE kind = ? AND repo_id = ?", kind, repo_id)
    upto, count = (known["upto"], known["n"]) if known else (0, 0)
    newer = hub.db.value(f"SELECT COUNT(*) FROM {rows} AND id > ?", repo_id, upto)  # noqa: S608
    if newer > LATELY:
        _note(hub, kind, repo_id)
    return int(count + newer)


def _note(hub: Hub, kind: str, repo_id: int) -> None:
    """Once more inside a transaction, in which nothing is deleted meanwhile."""
    rows = _TALLIED[kind]
    with hub.tx():
        known = hub.db.row("SELECT upto, n FROM tallies WHERE kind = ? AND repo_id = ?", kind, repo_id)
        upto, count = (known["upto"], known["n"]) if known else (0, 0)
        row = hub.db.row(f"SELECT COUNT(*) AS n, MAX(id) AS last FROM {rows} AND id > ?", repo_id, upto)  # noqa: S608
        if row and row["n"]:
            values = (kind, repo_id, row["last"], count + row["n"])
            hub.db.execute("INSERT OR REPLACE INTO tallies VALUES (?, ?, ?, ?)", *values)

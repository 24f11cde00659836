"""Who may do what in a repository besides its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub.errors import invalid

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

ROLES = ("read", "triage", "write", "maintain", "admin")


def give(hub: Hub, repo: Row, account: Row, role: str) -> None:
    """Give an account a role, instead of the one it had."""
    if role not in ROLES:
        raise invalid(f"{role} is not a valid permission.")
    with hub.tx():
        hub.db.execute(
            "INSERT OR REPLACE INTO collaborators (repo_id, account_id, role) VALUES (?, ?, ?)",
            repo["id"],
            account["id"],
            role,
        )


def remove(hub: Hub, repo: Row, account: Row) -> None:
    with hub.tx():
        hub.db.execute("DELETE FROM collaborators WHERE repo_id = ? AND account_id = ?", repo["id"], account["id"])

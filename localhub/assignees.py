"""Who an issue or pull request is assigned to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localhub import notifications
from localhub.auth import Actor
from localhub.render.accounts import simple_user
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

PER_ISSUE = 10


def replace(hub: Hub, repo: Row, row: Row, logins: Sequence[str], actor: Actor) -> Row:
    """Exactly these people."""
    wanted = {login.lower() for login in logins}
    current = hub.db.rows(
        """SELECT a.id, a.login FROM assignees s JOIN accounts a ON a.id = s.account_id
           WHERE s.issue_id = ? ORDER BY s.rowid""",
        row["id"],
    )
    gone = [each["login"] for each in current if each["login"].lower() not in wanted]
    row = remove(hub, row, gone, actor)
    return add(hub, repo, row, logins, actor)


def add(hub: Hub, repo: Row, row: Row, logins: Sequence[str], actor: Actor) -> Row:
    """Add people; who cannot be assigned is passed over silently, as GitHub does."""
    from localhub import issues

    with hub.tx():
        people = attach(hub, repo, row, logins, actor)
        if people:
            row = issues.touch(hub, row["id"])
        for person in people:
            issues.tell(hub, row, "assigned", actor.account_id, assignee=simple_user(hub, person))
        notifications.notify(hub, row, "assign", people, by=actor.account_id)
    return row


def attach(hub: Hub, repo: Row, row: Row, logins: Sequence[str], actor: Actor) -> list[int]:
    """Add people to an issue; the ids of those who are new.

    The caller tells of them, and that the issue has changed.
    """
    added = []
    for login in dict.fromkeys(logins):
        person = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
        if person is None or not assignable(hub, repo, row, person["id"]):
            continue
        count = hub.db.value("SELECT COUNT(*) FROM assignees WHERE issue_id = ?", row["id"])
        if count >= PER_ISSUE:
            break
        if hub.db.execute("INSERT OR IGNORE INTO assignees VALUES (?, ?)", row["id"], person["id"]):
            data = {"assignee_id": person["id"], "assigner_id": actor.account_id}
            record(hub, row["repo_id"], row["id"], "assigned", actor.account_id, **data)
            added.append(person["id"])
    return added


def remove(hub: Hub, row: Row, logins: Sequence[str], actor: Actor) -> Row:
    """Take people off; who is not there is passed over."""
    from localhub import issues

    with hub.tx():
        for login in logins:
            person = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
            if person is None or not hub.db.execute(
                "DELETE FROM assignees WHERE issue_id = ? AND account_id = ?", row["id"], person["id"]
            ):
                continue
            data = {"assignee_id": person["id"], "assigner_id": actor.account_id}
            record(hub, row["repo_id"], row["id"], "unassigned", actor.account_id, **data)
            row = issues.touch(hub, row["id"])
            issues.tell(hub, row, "unassigned", actor.account_id, assignee=simple_user(hub, person))
    return row


def assignable(hub: Hub, repo: Row, row: Row | None, account_id: int) -> bool:
    """People who can push, and the issue's author and commenters who can read."""
    role = hub.access.role(repo, account_id)
    if role in ("write", "maintain", "admin", "triage"):
        return True
    if row is None or role == "none":
        return False
    spoke = "SELECT 1 FROM comments WHERE issue_id = ? AND author_id = ?"
    return bool(row["author_id"] == account_id or hub.db.value(spoke, row["id"], account_id))

"""What GitHub would mail to people: a thread per person and issue, a notice for each mail. Edits mail nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_MENTION = re.compile(r"(?<![\w`/@.-])@([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?![\w/-])")
TAKING_PART = {"assign", "author", "comment", "manual", "mention", "review_requested", "state_change"}
_STRONG = ("mention", "review_requested", "assign")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def mentions(hub: Hub, repo: Row, text: str | None) -> list[int]:
    """Accounts that a text mentions outside of code, as far as they may see the repository."""
    if not text or "@" not in text:
        return []
    logins = {found.lower() for found in _MENTION.findall(_CODE.sub(" ", text))}
    rows = [hub.db.row("SELECT id FROM accounts WHERE login = ? AND type = 'User'", login) for login in sorted(logins)]
    return [row["id"] for row in rows if row and hub.access.role(repo, row["id"]) != "none"]


def subscribe(hub: Hub, issue: Row, account_id: int, reason: str, *, new: bool = False) -> int | None:
    """Make sure that a person follows the issue; the thread's id, or None for bots, who get no mail.

    Who takes part (or is asked to) follows it again, though they had left it; who only watches does not. A `new` issue
    is followed by nobody yet.
    """
    if hub.account(account_id)["type"] != "User":
        return None
    thread = "SELECT id, subscribed FROM threads WHERE account_id = ? AND issue_id = ?"
    found = None if new else hub.db.row(thread, account_id, issue["id"])
    if found:
        if reason in TAKING_PART and not found["subscribed"]:
            hub.db.update("threads", found["id"], subscribed=1)
        return int(found["id"])
    return hub.db.insert(
        "threads",
        account_id=account_id,
        issue_id=issue["id"],
        repo_id=issue["repo_id"],
        reason=reason,
        created_at=hub.now(),
        updated_at=hub.now(),
    )


def rewritten(hub: Hub, issue: Row, before: str | None, after: str | None) -> None:
    """A text was edited: whom it mentions now follows the issue, but nobody is mailed."""
    repo = hub.access.repo_by_id(issue["repo_id"])
    for account_id in sorted(set(mentions(hub, repo, after)) - set(mentions(hub, repo, before))):
        subscribe(hub, issue, account_id, "mention")


def notify(hub: Hub, issue: Row, reason: str, accounts: Iterable[int], *, by: int, kind: str | None = None) -> None:
    """Mail these people, except who caused it and who ignores the thread or the whole repository."""
    for account_id in accounts:
        if _watchers(hub, issue["repo_id"]).get(account_id) or (account_id == by and reason not in _STRONG):
            continue
        thread_id = subscribe(hub, issue, account_id, reason)  # who assigns themselves follows it too
        if thread_id is None or account_id == by or hub.db.get("threads", thread_id)["ignored"]:
            continue
        changes: dict[str, Any] = {"reason": reason} if reason in _STRONG else {}
        hub.db.update("threads", thread_id, unread=1, done=0, updated_at=hub.now(), **changes)
        hub.db.insert(
            "notices",
            thread_id=thread_id,
            account_id=account_id,
            repo_id=issue["repo_id"],
            kind=kind or reason,
            by_id=by,
            created_at=hub.now(),
        )


def _watchers(hub: Hub, repo_id: int) -> dict[int, bool]:
    """Who watches the repository: True for those who want to hear nothing at all of it."""
    sql = "SELECT account_id, ignored FROM watchers WHERE repo_id = ?"
    return hub.known.get(("watchers", repo_id), lambda: {row[0]: bool(row[1]) for row in hub.db.rows(sql, repo_id)})


def thread(hub: Hub, issue: Row, *, by: int, kind: str, text: str | None = None, new: bool = False) -> None:
    """Mail everyone subscribed to the issue or watching the repository; and first who is mentioned in `text`.

    kind: opened, comment, closed, reopened, merged, review. The reason that people are told is why they follow it.
    A `new` issue is followed by its author and by who is mentioned in it.
    """
    if kind in ("closed", "reopened", "merged"):
        subscribe(hub, issue, by, "state_change")
    repo = hub.access.repo_by_id(issue["repo_id"])
    mentioned = mentions(hub, repo, text)
    notify(hub, issue, "mention", mentioned, by=by)
    watching = [account_id for account_id, ignored in _watchers(hub, repo["id"]).items() if not ignored]
    followers = "SELECT account_id FROM threads WHERE issue_id = ? AND subscribed = 1"
    following = [] if new else [row[0] for row in hub.db.rows(followers, issue["id"])]
    others = sorted(set(watching + following) - set(mentioned))
    visible = [each for each in others if hub.access.role(repo, each) != "none"]
    notify(hub, issue, "subscribed", visible, by=by, kind=kind)


def statistics(hub: Hub) -> dict[str, dict[str, int]]:
    """Mails by person and kind."""
    counts: dict[str, dict[str, int]] = {}
    for row in hub.db.rows(
        """SELECT a.login, n.kind, COUNT(*) AS n FROM notices n JOIN accounts a ON a.id = n.account_id
           GROUP BY a.login, n.kind ORDER BY a.login, n.kind"""
    ):
        counts.setdefault(row["login"], {})[row["kind"]] = row["n"]
    return counts

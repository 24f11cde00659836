"""What GitHub would mail to people: a thread per person and issue, a notice for each mail. Edits mail nobody."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_MENTION = re.compile(r"(?<![\w`/@.-])@([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?![\w/-])")
TAKING_PART = {"assign", "author", "comment", "manual", "mention", "review_requested", "state_change"}
_TAKES_PART = {
    "comment": "comment", "review": "comment",
    "closed": "state_change", "reopened": "state_change", "merged": "state_change",
}  # fmt: skip
_STRONG = ("mention", "review_requested", "assign")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)

Threads = dict[int, "Mapping[str, Any] | Row"]
"""Of one issue, by account: id, subscribed, ignored."""


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
    followed = _follow(hub, issue, account_id, reason, {} if new else _threads(hub, issue))
    return None if followed is None else int(followed["id"])


def _threads(hub: Hub, issue: Row) -> Threads:
    rows = hub.db.rows("SELECT id, account_id, subscribed, ignored FROM threads WHERE issue_id = ?", issue["id"])
    return {row["account_id"]: row for row in rows}


def _follow(hub: Hub, issue: Row, account_id: int, reason: str, threads: Threads) -> Mapping[str, Any] | Row | None:
    """`subscribe`, when the threads of the issue are known; the person's, put among them if it is new."""
    if hub.account(account_id)["type"] != "User":
        return None
    found = threads.get(account_id)
    if found:
        if reason in TAKING_PART and not found["subscribed"]:
            hub.db.update("threads", found["id"], subscribed=1)
        return found
    now, ours = hub.now(), {"account_id": account_id, "issue_id": issue["id"], "repo_id": issue["repo_id"]}
    made = hub.db.insert("threads", **ours, reason=reason, created_at=now, updated_at=now)
    threads[account_id] = {"id": made, "subscribed": 1, "ignored": 0}
    return threads[account_id]


def rewritten(hub: Hub, issue: Row, before: str | None, after: str | None) -> None:
    """A text was edited: whom it mentions now follows the issue, but nobody is mailed."""
    repo = hub.access.repo_by_id(issue["repo_id"])
    for account_id in sorted(set(mentions(hub, repo, after)) - set(mentions(hub, repo, before))):
        subscribe(hub, issue, account_id, "mention")


def notify(
    hub: Hub, issue: Row, reason: str, accounts: Collection[int], *,
    by: int, kind: str | None = None, threads: Threads | None = None,
) -> None:  # fmt: skip
    """Mail these people, except who caused it and who ignores the thread or the whole repository.

    `threads` are those of the issue, for a caller that knows them.
    """
    if not accounts:
        return
    threads = _threads(hub, issue) if threads is None else threads
    for account_id in accounts:
        if _watchers(hub, issue["repo_id"]).get(account_id) or (account_id == by and reason not in _STRONG):
            continue
        thread = _follow(hub, issue, account_id, reason, threads)  # who assigns themselves follows it too
        if thread is None or account_id == by or thread["ignored"]:
            continue
        changes: dict[str, Any] = {"reason": reason} if reason in _STRONG else {}
        hub.db.update("threads", thread["id"], unread=1, done=0, updated_at=hub.now(), **changes)
        hub.db.insert(
            "notices",
            thread_id=thread["id"],
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


def thread(
    hub: Hub, issue: Row, *, by: int, kind: str, text: str | None = None, comment: int | None = None, new: bool = False
) -> None:
    """Mail everyone subscribed to the issue or watching the repository; and first who is mentioned in `text`.

    kind: opened, comment (on the issue the one with this id), closed, reopened, merged, review; who did any of the
    last five follows the issue from now on. The reason that people are told is why they follow it. A `new` issue is
    followed by its author and by who is mentioned in it.
    """
    repo = hub.access.repo_by_id(issue["repo_id"])
    mentioned = mentions(hub, repo, text)
    threads = {} if new and not mentioned else _threads(hub, issue)
    if kind in _TAKES_PART:
        _follow(hub, issue, by, _TAKES_PART[kind], threads)
    if comment is not None:
        hub.db.execute("UPDATE threads SET latest_comment_id = ? WHERE issue_id = ?", comment, issue["id"])
    notify(hub, issue, "mention", mentioned, by=by, threads=threads)
    watching = [account_id for account_id, ignored in _watchers(hub, repo["id"]).items() if not ignored]
    following = [account_id for account_id, each in threads.items() if each["subscribed"]]
    others = sorted(set(watching + following) - set(mentioned))
    visible = [each for each in others if hub.access.role(repo, each) != "none"]
    notify(hub, issue, "subscribed", visible, by=by, kind=kind, threads=threads)


def statistics(hub: Hub) -> dict[str, dict[str, int]]:
    """Mails by person and kind."""
    counts: dict[str, dict[str, int]] = {}
    for row in hub.db.rows(
        """SELECT a.login, n.kind, COUNT(*) AS n FROM notices n JOIN accounts a ON a.id = n.account_id
           GROUP BY a.login, n.kind ORDER BY a.login, n.kind"""
    ):
        counts.setdefault(row["login"], {})[row["kind"]] = row["n"]
    return counts

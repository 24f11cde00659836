"""Arguments that narrow and sort lists, as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub import notifications
from localhub.clock import iso, parse_iso

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

STATES = {"OPEN": "p.open = 1", "MERGED": "p.merged = 1", "CLOSED": "p.open = 0 AND p.merged = 0"}
_ORDER = {"CREATED_AT": "i.id", "UPDATED_AT": "i.updated_at", "COMMENTS": "i.comments"}
_LABELLED = (
    "EXISTS (SELECT 1 FROM issue_labels l JOIN labels n ON n.id = l.label_id"
    " WHERE l.issue_id = i.id AND n.name IN ({marks}))"
)  # fmt: skip
_SPOKEN = "(i.body LIKE ? OR EXISTS (SELECT 1 FROM comments c WHERE c.issue_id = i.id AND c.body LIKE ?))"
Conditions = list[tuple[str, list[Any]]]


def order(asked: Mapping[str, str] | None) -> str:
    """ORDER BY of issues `i`."""
    if not asked:
        return "i.id"
    direction = "DESC" if asked["direction"] == "DESC" else "ASC"
    return f"{_ORDER[asked['field']]} {direction}, i.id {direction}"


def labelled(names: list[str] | None) -> Conditions:
    return [(_LABELLED.format(marks=", ".join("?" for _ in names)), names)] if names else []


def pull_states(states: list[str] | None) -> Conditions:
    return [("(" + " OR ".join(f"({STATES[state]})" for state in states) + ")", [])] if states else []


def _account(hub: Hub, login: str) -> int:
    bot = login.removeprefix("app/") + "[bot]" if login.startswith("app/") else login
    return int(hub.db.value("SELECT id FROM accounts WHERE login = ?", bot) or 0)


def issue_filters(hub: Hub, actor: Actor, asked: Mapping[str, Any]) -> Conditions:
    """`IssueFilters`, but for `mentioned`'s exactness, which `mentioning` adds."""
    found: Conditions = labelled(asked.get("labels"))
    states = [state.lower() for state in asked.get("states") or []]
    if states:
        found.append((f"i.state IN ({', '.join('?' for _ in states)})", states))
    if asked.get("createdBy"):
        found.append(("i.author_id = ?", [_account(hub, asked["createdBy"])]))
    assignee, has = asked.get("assignee"), "EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = i.id"
    if assignee == "*":
        found.append((f"{has})", []))
    elif assignee:
        found.append((f"{has} AND s.account_id = ?)", [_account(hub, assignee)]))
    if asked.get("mentioned"):
        found.append((_SPOKEN, [f"%@{asked['mentioned']}%"] * 2))
    milestone, own = asked.get("milestoneNumber"), "i.milestone_id = (SELECT id FROM milestones m WHERE {which})"
    if milestone == "*":
        found.append(("i.milestone_id IS NOT NULL", []))
    elif milestone:
        found.append((own.format(which="m.repo_id = i.repo_id AND m.number = ?"), [int(milestone)]))
    if asked.get("since"):
        found.append(("i.updated_at >= ?", [iso(parse_iso(asked["since"]))]))
    if asked.get("viewerSubscribed"):
        threads = "SELECT 1 FROM threads t WHERE t.issue_id = i.id AND t.subscribed = 1 AND t.account_id = ?"
        found.append((f"EXISTS ({threads})", [actor.account_id]))
    return found


def mentioning(hub: Hub, repo: Row, issue_id: int, login: str) -> bool:
    """Whether the issue or a comment really mentions the person: `@bob`, not `@bobby` nor code."""
    texts = [hub.db.get("issues", issue_id)["body"]]
    texts += [row["body"] for row in hub.db.rows("SELECT body FROM comments WHERE issue_id = ?", issue_id)]
    return any(_account(hub, login) in notifications.mentions(hub, repo, text) for text in texts)

"""What is done to issues: opened, edited, closed, reopened, labelled, assigned, locked.

REST, GraphQL, pages and pushes come through here, so each leaves the same timeline, webhooks and notifications.
Pull requests share labels, assignees and milestones; their webhooks are `pull_request`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from localhub import assignees as assigning
from localhub import issuetypes, notifications
from localhub import labels as labelling
from localhub.auth import Actor
from localhub.context import current_actor
from localhub.errors import GitHubError, check_length, field, invalid, not_found
from localhub.events import Event, Wrote
from localhub.render import issues as render
from localhub.render.accounts import simple_user
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

TITLE_LIMIT = 256
_INSERT = """
    INSERT INTO issues (repo_id, number, is_pull, title, body, author_id, app_id, created_at, updated_at, touched)
    SELECT id, last_number + 1, ?, ?, ?, ?, ?, ?, ?, ? FROM repos WHERE id = ? RETURNING *"""
REASONS = ("completed", "not_planned", "duplicate", "reopened")


def find(hub: Hub, repo: Row, number: int) -> Row:
    found = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo["id"], number)
    if found is None:
        if hub.db.value("SELECT 1 FROM deleted_issues WHERE repo_id = ? AND number = ?", repo["id"], number):
            raise GitHubError(410, "This issue was deleted")
        raise not_found()
    if not found["is_pull"]:  # a permission for pull requests opens the same calls, but no issue
        hub.access.require_again(repo, "issues")
    return found


def tell(hub: Hub, row: Row, action: str, by: int, **extra: Any) -> Row:
    """The webhook `issues` (or `pull_request`) about this row, which is as it is now and is returned."""
    if row["is_pull"]:
        from localhub import pulls

        pull = pulls.of_issue(hub, row["id"])
        if pull is not None:
            pulls.tell(hub, hub.access.repo_by_id(row["repo_id"]), pull["id"], action, by, **extra)
        return row
    announce(hub, row, action, by, lambda: extra)
    return row


def announce(hub: Hub, told: Row, action: str, by: int, more: Callable[[], dict[str, Any]] = dict) -> None:
    """The webhook `issues` about this row, which is as it is now, and `more`, if anybody hears it."""
    wrote = Wrote(told["id"], told["body"]) if action in ("opened", "edited") else None

    def payload() -> dict[str, Any]:
        return {"issue": render.brief(hub, told), **more()}

    hub.emit(Event("issues", action, told["repo_id"], by, payload, wrote=wrote))


def touch(hub: Hub, issue_id: int, **columns: object) -> Row:
    """Change columns and the time of the last change; the row as it is then."""
    return hub.db.changed("issues", issue_id, updated_at=hub.now(), touched=hub.clock.timestamp(), **columns)


def open_row(
    hub: Hub, repo: Row, title: str, body: str | None, *, is_pull: bool = False, actor: Actor | None = None
) -> Row:
    """The bare row with the next number; the caller tells of it."""
    actor = actor or current_actor()
    kind = "PullRequest" if is_pull else "Issue"
    if not title.strip():
        raise invalid("Validation Failed", field(kind, "title", "missing_field"))
    check_length(kind, "title", title, TITLE_LIMIT)
    check_length(kind, "body", body)
    with hub.tx():
        now, moment = hub.now(), hub.clock.timestamp()
        who = (actor.account_id, actor.app_id)
        row = hub.db.returned(_INSERT, is_pull, title.strip(), body, *who, now, now, moment, repo["id"])
        notifications.subscribe(hub, row, actor.account_id, "author", new=True)
    return row


def _label(hub: Hub, repo: Row, label: Row) -> dict[str, Any]:
    return {"label": render.label(hub, repo, label)}


def _assignee(hub: Hub, person: int) -> dict[str, Any]:
    return {"assignee": simple_user(hub, person)}


@dataclass(frozen=True)
class Made:
    """A new issue, and what was put on it."""

    row: Row
    labels: list[Row]
    people: list[int]


def create(
    hub: Hub,
    repo: Row,
    actor: Actor,
    title: str,
    body: str | None = None,
    *,
    labels: Sequence[str] = (),
    assignees: Sequence[str] = (),
    milestone: int | None = None,
    type: str | None = None,
) -> Made:
    """A new issue; what needs push access is dropped silently for those without it, as GitHub does."""
    if not repo["has_issues"]:
        raise GitHubError(410, "Issues has been disabled in this repository.")
    hub.limits.created(actor)
    may_triage = hub.access.allowed(actor, repo, "issues", "write", role="triage")
    with hub.tx():
        row = open_row(hub, repo, title, body, actor=actor)
        milestone_row = _milestone(hub, repo, milestone) if milestone is not None and may_triage else None
        if milestone_row is not None:
            row = hub.db.changed("issues", row["id"], milestone_id=milestone_row["id"])
            title_of = {"title": milestone_row["title"]}
            record(hub, row["repo_id"], row["id"], "milestoned", actor.account_id, milestone=title_of)
        added = labelling.attach(hub, repo, row, labels, actor, new=True) if may_triage else []
        people = assigning.attach(hub, repo, row, assignees, actor) if may_triage else []
        announce(hub, row, "opened", actor.account_id)
        for label in added:
            announce(hub, row, "labeled", actor.account_id, partial(_label, hub, repo, label))
        for person in people:
            announce(hub, row, "assigned", actor.account_id, partial(_assignee, hub, person))
        if milestone_row is not None:
            milestoned = {"milestone": render.milestone(hub, repo, milestone_row)}
            announce(hub, row, "milestoned", actor.account_id, lambda: milestoned)
        if type is not None and may_triage:
            row = issuetypes.assign(hub, repo, row, type, actor)
        notifications.thread(hub, row, by=actor.account_id, kind="opened", text=body, new=True)
        notifications.notify(hub, row, "assign", people, by=actor.account_id)
    return Made(row, added, people)


def edit(hub: Hub, repo: Row, row: Row, actor: Actor, changes: dict[str, Any]) -> Row:
    """PATCH: title, body, state with state_reason, labels, assignees, milestone; only keys that are there."""
    with hub.tx():
        row = _edit_text(hub, hub.db.get("issues", row["id"]), actor, changes)
        if changes.get("labels") is not None:
            row = labelling.replace(hub, repo, row, changes["labels"], actor)
        if changes.get("assignees") is not None:
            row = assigning.replace(hub, repo, row, changes["assignees"], actor)
        if "milestone" in changes:
            row = set_milestone(hub, repo, row, changes["milestone"], actor)
        if "type" in changes:
            row = issuetypes.assign(hub, repo, row, changes["type"], actor)
        state = changes.get("state") or row["state"]
        reason = changes.get("state_reason")
        if state == "closed" and (row["state"] == "open" or (reason and reason != row["state_reason"])):
            row = close(hub, row, actor.account_id, reason=reason or "completed")
        elif state == "open" and row["state"] == "closed":
            row = reopen(hub, row, actor.account_id)
    return row


def _edit_text(hub: Hub, row: Row, actor: Actor, changes: dict[str, Any]) -> Row:
    told: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    title, kind = changes.get("title"), "PullRequest" if row["is_pull"] else "Issue"
    if title is not None and str(title) != row["title"]:
        if not str(title).strip():
            raise invalid("Validation Failed", field(kind, "title", "missing_field"))
        check_length(kind, "title", str(title), TITLE_LIMIT)
        columns["title"], told["title"] = str(title), {"from": row["title"]}
        renamed = {"from": row["title"], "to": str(title)}
        record(hub, row["repo_id"], row["id"], "renamed", actor.account_id, rename=renamed)
    if "body" in changes and (changes["body"] or "") != (row["body"] or ""):
        check_length(kind, "body", changes["body"])
        columns["body"], told["body"] = changes["body"], {"from": row["body"] or ""}
    if not columns:
        return row
    changed = touch(hub, row["id"], **columns)
    if "body" in columns:
        notifications.rewritten(hub, row, row["body"], columns["body"])
    return tell(hub, changed, "edited", actor.account_id, changes=told)


def close(hub: Hub, row: Row, by: int, *, reason: str = "completed", commit: str | None = None) -> Row:
    """Close, or give another reason to what is closed already."""
    if reason not in REASONS or reason == "reopened":
        raise invalid("Validation Failed", field("Issue", "state_reason", "invalid"))
    with hub.tx():
        if row["is_pull"]:
            from localhub import pulls

            pull = pulls.of_issue(hub, row["id"])
            if pull is not None:
                pulls.close(hub, hub.access.repo_by_id(row["repo_id"]), pull, by)
            return hub.db.get("issues", row["id"])
        row = hub.db.get("issues", row["id"])
        if (row["state"], row["state_reason"]) == ("closed", reason):
            return row  # another was quicker
        row = touch(hub, row["id"], state="closed", state_reason=reason, closed_at=hub.now(), closed_by=by)
        record(hub, row["repo_id"], row["id"], "closed", by, state_reason=reason, commit_id=commit)
        tell(hub, row, "closed", by)
        notifications.thread(hub, row, by=by, kind="closed")
    return row


def reopen(hub: Hub, row: Row, by: int) -> Row:
    with hub.tx():
        if row["is_pull"]:
            from localhub import pulls

            pull = pulls.of_issue(hub, row["id"])
            if pull is not None:
                pulls.reopen(hub, hub.access.repo_by_id(row["repo_id"]), pull, current_actor())
            return hub.db.get("issues", row["id"])
        row = hub.db.get("issues", row["id"])
        if row["state"] == "open":
            return row
        row = touch(hub, row["id"], state="open", state_reason="reopened", closed_at=None, closed_by=None)
        record(hub, row["repo_id"], row["id"], "reopened", by, state_reason="reopened")
        tell(hub, row, "reopened", by)
        notifications.thread(hub, row, by=by, kind="reopened")
    return row


def _milestone(hub: Hub, repo: Row, number: int) -> Row:
    found = hub.db.row("SELECT * FROM milestones WHERE repo_id = ? AND number = ?", repo["id"], number)
    if found is None:
        raise invalid("Validation Failed", field("Issue", "milestone", "invalid", value=number))
    return found


def set_milestone(hub: Hub, repo: Row, row: Row, number: int | None, actor: Actor) -> Row:
    new = None if number is None else _milestone(hub, repo, number)
    old = hub.db.get("milestones", row["milestone_id"]) if row["milestone_id"] else None
    if (new and new["id"]) == (old and old["id"]):
        return row
    with hub.tx():
        row = touch(hub, row["id"], milestone_id=new["id"] if new else None)
        for action, which in (("demilestoned", old), ("milestoned", new)):
            if which is not None:
                record(hub, row["repo_id"], row["id"], action, actor.account_id, milestone={"title": which["title"]})
                tell(hub, row, action, actor.account_id, milestone=render.milestone(hub, repo, which))
    return row

"""Sub-issues (a tree: one parent, 100 children, 8 levels) and dependencies (blocked by / blocking, 50 of each)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.auth import Actor
from localhub.errors import GitHubError, invalid
from localhub.events import Event
from localhub.render import issues as render
from localhub.render import repos
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

MAX_CHILDREN, MAX_LEVELS, MAX_DEPENDENCIES = 100, 8, 50
_REFUSED = "An error occurred while adding the sub-issue to the parent issue."
_NO_BLOCKER = "An error occurred while adding the blocking issue to the issue. Validation failed:"


def parent_of(hub: Hub, issue_id: int) -> Row | None:
    return hub.db.row("SELECT i.* FROM sub_issues s JOIN issues i ON i.id = s.parent_id WHERE s.child_id = ?", issue_id)


def children(hub: Hub, issue_id: int) -> list[Row]:
    return hub.db.rows(
        "SELECT i.* FROM sub_issues s JOIN issues i ON i.id = s.child_id WHERE s.parent_id = ? ORDER BY s.position",
        issue_id,
    )


def add_sub_issue(hub: Hub, parent: Row, child: Row, actor: Actor, *, replace_parent: bool = False) -> Row:
    """Link the child under the parent, as its last one; returns the parent as it is then."""
    if child["id"] == parent["id"]:
        raise invalid(f"{_REFUSED} Issue cannot be its own parent")
    for name, row in (("Parent", parent), ("Sub issue", child)):
        if row["is_pull"]:
            raise invalid(f"{_REFUSED} {name} may only be an issue")
    with hub.tx():
        old = parent_of(hub, child["id"])
        if old is not None and (not replace_parent or old["id"] == parent["id"]):
            reason = (
                "Issue may not contain duplicate sub-issues and Sub issue may only have one parent"
                if old["id"] == parent["id"]
                else "Sub issue may only have one parent"
            )
            raise invalid(f"{_REFUSED} {reason}")
        _check_shape(hub, parent, child)
        if old is not None:
            remove_sub_issue(hub, old, child, actor)
        last = hub.db.value("SELECT MAX(position) FROM sub_issues WHERE parent_id = ?", parent["id"])
        hub.db.insert("sub_issues", child_id=child["id"], parent_id=parent["id"], position=(last or 0.0) + 1)
        _linked(hub, parent, child, actor, "added")
    return hub.db.get("issues", parent["id"])


def _check_shape(hub: Hub, parent: Row, child: Row) -> None:
    if len(children(hub, parent["id"])) >= MAX_CHILDREN:
        raise invalid(f"{_REFUSED} Parent cannot have more than {MAX_CHILDREN} sub-issues")
    above, walk = 1, parent_of(hub, parent["id"])
    while walk is not None:
        if walk["id"] == child["id"]:
            raise invalid(f"{_REFUSED} Sub-issues cannot form a circle")
        above, walk = above + 1, parent_of(hub, walk["id"])
    if above + _height(hub, [child["id"]]) > MAX_LEVELS:
        raise invalid(f"{_REFUSED} Sub-issues cannot be nested deeper than {MAX_LEVELS} levels")


def _height(hub: Hub, level: list[int]) -> int:
    """Levels of a subtree, its root included."""
    height = 0
    while level and height <= MAX_LEVELS:
        height += 1
        level = [row["id"] for each in level for row in children(hub, each)]
    return height


def remove_sub_issue(hub: Hub, parent: Row, child: Row, actor: Actor) -> Row:
    with hub.tx():
        if not hub.db.execute("DELETE FROM sub_issues WHERE parent_id = ? AND child_id = ?", parent["id"], child["id"]):
            raise GitHubError(404, "The provided sub-issue does not exist")
        _linked(hub, parent, child, actor, "removed")
    return hub.db.get("issues", parent["id"])


def prioritise(hub: Hub, parent: Row, child: Row, *, after: int | None = None, before: int | None = None) -> Row:
    """Move a child behind or before another one (database ids); exactly one of both."""
    if (after is None) == (before is None):
        raise invalid("Exactly one of after_id and before_id must be given")
    with hub.tx():
        ids = [row["id"] for row in children(hub, parent["id"])]
        anchor = after if after is not None else before
        if child["id"] not in ids or anchor not in ids or anchor == child["id"]:
            raise invalid("The provided sub-issue does not exist or is no sibling")
        ids.remove(child["id"])
        ids.insert(ids.index(anchor) + (1 if after is not None else 0), child["id"])
        for position, each in enumerate(ids):
            hub.db.execute("UPDATE sub_issues SET position = ? WHERE child_id = ?", float(position + 1), each)
    return hub.db.get("issues", parent["id"])


def _linked(hub: Hub, parent: Row, child: Row, actor: Actor, verb: str) -> None:
    """Timeline of both, and GitHub's two webhooks: one in the parent's repository, one in the child's."""
    from localhub import issues

    by = actor.account_id
    record(hub, parent["repo_id"], parent["id"], f"sub_issue_{verb}", by, sub_issue_id=child["id"])
    record(hub, child["repo_id"], child["id"], f"parent_issue_{verb}", by, parent_issue_id=parent["id"])
    for each in (parent, child):
        issues.touch(hub, each["id"])
    parent, child = hub.db.get("issues", parent["id"]), hub.db.get("issues", child["id"])

    def both(other: str, repo: int) -> dict[str, Any]:
        return {
            "sub_issue_id": child["id"],
            "sub_issue": render.issue(hub, child),
            "parent_issue_id": parent["id"],
            "parent_issue": render.issue(hub, parent),
            other: repos.core(hub, hub.access.repo_by_id(repo)),
        }

    name, above, below = "sub_issues", parent["repo_id"], child["repo_id"]
    hub.emit(Event(name, f"sub_issue_{verb}", above, by, lambda: both("sub_issue_repo", below)))
    hub.emit(Event(name, f"parent_issue_{verb}", below, by, lambda: both("parent_issue_repo", above)))


def blockers(hub: Hub, issue_id: int) -> list[Row]:
    return hub.db.rows(
        "SELECT i.* FROM dependencies d JOIN issues i ON i.id = d.blocking_id WHERE d.blocked_id = ? ORDER BY d.rowid",
        issue_id,
    )


def blocked(hub: Hub, issue_id: int) -> list[Row]:
    return hub.db.rows(
        "SELECT i.* FROM dependencies d JOIN issues i ON i.id = d.blocked_id WHERE d.blocking_id = ? ORDER BY d.rowid",
        issue_id,
    )


def add_blocker(hub: Hub, issue: Row, blocker: Row, actor: Actor) -> Row:
    """The issue is blocked by `blocker` from now on (GitHub only shows it). Circles of three and more are taken."""
    if issue["id"] == blocker["id"]:
        raise invalid(f"{_NO_BLOCKER} Target issue cannot be the same as the source issue")
    for name, row in (("Source", issue), ("Target", blocker)):
        if row["is_pull"]:
            raise invalid(f"{_NO_BLOCKER} {name} issue may only be an issue")
    with hub.tx():
        if _is_blocked(hub, issue, blocker):
            raise invalid(f"{_NO_BLOCKER} Target issue has already been taken")
        if _is_blocked(hub, blocker, issue):
            raise invalid(
                f"{_NO_BLOCKER} this dependency would create a cycle where the target is already blocked by the source"
            )
        for kind, known in (("blocked-by", blockers(hub, issue["id"])), ("blocking", blocked(hub, blocker["id"]))):
            if len(known) >= MAX_DEPENDENCIES:
                raise invalid(f"{_NO_BLOCKER} cannot have more than {MAX_DEPENDENCIES} {kind} relations")
        hub.db.insert("dependencies", blocked_id=issue["id"], blocking_id=blocker["id"], created_at=hub.now())
        _depends(hub, issue, blocker, actor, "added")
    return hub.db.get("issues", blocker["id"])


def _is_blocked(hub: Hub, issue: Row, blocker: Row) -> bool:
    sql = "SELECT 1 FROM dependencies WHERE blocked_id = ? AND blocking_id = ?"
    return hub.db.value(sql, issue["id"], blocker["id"]) is not None


def remove_blocker(hub: Hub, issue: Row, blocker: Row, actor: Actor) -> Row:
    """Taking away what is not there is fine, and tells nobody."""
    with hub.tx():
        sql = "DELETE FROM dependencies WHERE blocked_id = ? AND blocking_id = ?"
        if hub.db.execute(sql, issue["id"], blocker["id"]):
            _depends(hub, issue, blocker, actor, "removed")
    return hub.db.get("issues", blocker["id"])


def _depends(hub: Hub, issue: Row, blocker: Row, actor: Actor, verb: str) -> None:
    by = actor.account_id
    record(hub, issue["repo_id"], issue["id"], f"blocked_by_{verb}", by, blocked_by_id=blocker["id"])
    record(hub, blocker["repo_id"], blocker["id"], f"blocking_{verb}", by, blocking_id=issue["id"])

    def both(other: str, repo: int) -> dict[str, Any]:
        return {
            "blocked_issue_id": issue["id"],
            "blocked_issue": render.issue(hub, issue),
            "blocking_issue_id": blocker["id"],
            "blocking_issue": render.issue(hub, blocker),
            other: repos.core(hub, hub.access.repo_by_id(repo)),
        }

    name, own, theirs = "issue_dependencies", issue["repo_id"], blocker["repo_id"]
    hub.emit(Event(name, f"blocked_by_{verb}", own, by, lambda: both("blocking_issue_repo", theirs)))
    hub.emit(Event(name, f"blocking_{verb}", theirs, by, lambda: both("blocked_issue_repo", own)))

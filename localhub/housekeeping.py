"""What people do to issues besides talking: pin, give a branch, delete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localhub import issues, refs
from localhub.auth import Actor
from localhub.errors import invalid
from localhub.events import Event
from localhub.render import issues as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

PINS = 3


def pin(hub: Hub, row: Row, actor: Actor) -> None:
    """Show the issue on top of its repository's list."""
    with hub.tx():
        if hub.db.value("SELECT 1 FROM pins WHERE issue_id = ?", row["id"]):
            return
        if hub.db.value("SELECT COUNT(*) FROM pins WHERE repo_id = ?", row["repo_id"]) >= PINS:
            raise invalid(f"Maximum {PINS} pinned issues per repository")
        hub.db.insert("pins", repo_id=row["repo_id"], issue_id=row["id"], pinned_by=actor.account_id)
        record(hub, row["repo_id"], row["id"], "pinned", actor.account_id)
        issues.tell(hub, hub.db.get("issues", row["id"]), "pinned", actor.account_id)


def unpin(hub: Hub, row: Row, actor: Actor) -> None:
    with hub.tx():
        if hub.db.execute("DELETE FROM pins WHERE issue_id = ?", row["id"]):
            record(hub, row["repo_id"], row["id"], "unpinned", actor.account_id)
            issues.tell(hub, hub.db.get("issues", row["id"]), "unpinned", actor.account_id)


def delete(hub: Hub, repo: Row, row: Row, actor: Actor) -> None:
    """Forget an issue with everything said in it; its number stays taken."""
    if row["is_pull"]:
        raise invalid("Pull requests cannot be deleted.")
    with hub.tx():
        hub.emit(Event("issues", "deleted", repo["id"], actor.account_id, {"issue": render.brief(hub, row)}))
        hub.db.execute("INSERT INTO deleted_issues VALUES (?, ?)", repo["id"], row["number"])
        spoken = "SELECT id FROM comments WHERE issue_id = ?"
        hub.db.execute(
            f"DELETE FROM reactions WHERE subject_type = 'comment' AND subject_id IN ({spoken})",  # noqa: S608
            row["id"],
        )
        hub.db.execute("DELETE FROM reactions WHERE subject_type = 'issue' AND subject_id = ?", row["id"])
        hub.db.execute("DELETE FROM issues WHERE id = ?", row["id"])


def branch_name(number: int, title: str) -> str:
    """The name that GitHub proposes: `12-fix-the-parser`."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"{number}-{words}".strip("-")


def link_branch(hub: Hub, repo: Row, issue: Row, actor: Actor, sha: str, name: str | None) -> Row:
    """A new branch at a commit, shown with the issue. Not inside a transaction: it moves a ref."""
    wanted = (name or branch_name(issue["number"], issue["title"])).removeprefix("refs/heads/")
    taken = refs.git_of(hub, repo).refs("refs/heads/")
    free, count = wanted, 1
    while f"refs/heads/{free}" in taken and name is None:
        free, count = f"{wanted}-{count}", count + 1
    refs.create(hub, repo, f"refs/heads/{free}", sha, actor)
    values: dict[str, Any] = {"issue_id": issue["id"], "repo_id": repo["id"], "ref": f"refs/heads/{free}"}
    with hub.tx():
        record(hub, issue["repo_id"], issue["id"], "connected", actor.account_id)
        return hub.db.get("linked_branches", hub.db.insert("linked_branches", **values))


def linked_branches(hub: Hub, issue_id: int) -> list[Row]:
    """Those whose branch is still there."""
    rows = hub.db.rows("SELECT * FROM linked_branches WHERE issue_id = ? ORDER BY id", issue_id)
    return [row for row in rows if refs.git_of(hub, row["repo_id"]).ref(row["ref"])]


def unlink_branch(hub: Hub, row: Row) -> None:
    """Forget the link; the branch stays."""
    with hub.tx():
        hub.db.execute("DELETE FROM linked_branches WHERE id = ?", row["id"])

"""What people do to an issue's tree and to what it waits for, and their reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from localhub import issues, reactions, relations
from localhub.auth import Actor
from localhub.context import current_actor
from localhub.errors import invalid, not_found
from localhub.pages.issues import number_of
from localhub.pages.talk import BOTH
from localhub.pages.web import FormDep, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_SUBJECTS = {"issue": "issues", "comment": "comments", "review_comment": "review_comments"}


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    @api.post(root + "/issues/{number:int}/relations")
    def relate(owner: str, name: str, number: int, form: FormDep) -> Response:
        """`do`: add, remove, up or down; `what`: sub_issue, blocker or blocked; `other`: an issue of the repository.

        A button says all in one: `do` is then `remove:sub_issue:12`, the number an issue's database id.
        """
        repo = hub.access.repo(owner, name, "issues", "write", role="triage")
        row, actor = issues.find(hub, repo, number), current_actor()
        do, _, rest = form.text("do").partition(":")
        if rest:
            what, _, other_id = rest.partition(":")
            other = linked(hub, other_id)
        else:
            what, other = form.text("what"), named(repo, number_of(form.text("other")))
        _relate(hub, row, other, actor, do, what, replace=form.text("replace") == "1")
        anchor = "#sub-issues" if what == "sub_issue" else "#relations"
        return to(f"{home(repo)}/issues/{number}{anchor}")

    def named(repo: Row, number: int) -> Row:
        row = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo["id"], number)
        if row is None:
            raise invalid(f"There is no issue #{number} in {home(repo)[1:]}.")
        return row

    def linked(hub: Hub, issue_id: str) -> Row:
        row = hub.db.row("SELECT * FROM issues WHERE id = ?", issue_id)
        if row is None or not hub.access.sees(current_actor(), hub.access.repo_by_id(row["repo_id"])):
            raise not_found()
        return row

    @api.post(root + "/react/{kind}/{subject_id:int}")
    def react(owner: str, name: str, kind: str, subject_id: int, form: FormDep) -> Response:
        """Give a reaction, or take one's own back; `kind`: issue, comment or review_comment."""
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        actor = hub.access.user()
        page = _page_of(hub, repo, kind, subject_id)
        toggle(hub, kind, subject_id, form.text("content"), actor)
        return to(page)


def _relate(hub: Hub, row: Row, other: Row, actor: Actor, do: str, what: str, *, replace: bool) -> None:
    match (do, what):
        case ("add", "sub_issue"):
            relations.add_sub_issue(hub, row, other, actor, replace_parent=replace)
        case ("remove", "sub_issue"):
            relations.remove_sub_issue(hub, row, other, actor)
        case ("up" | "down", "sub_issue"):
            _move(hub, row, other, 1 if do == "down" else -1)
        case ("add", "blocker"):
            relations.add_blocker(hub, row, other, actor)
        case ("remove", "blocker"):
            relations.remove_blocker(hub, row, other, actor)
        case ("add", "blocked"):
            relations.add_blocker(hub, other, row, actor)
        case ("remove", "blocked"):
            relations.remove_blocker(hub, other, row, actor)
        case _:
            raise not_found()


def _move(hub: Hub, parent: Row, child: Row, by: int) -> None:
    """One place up (-1) or down (1); at the end of the list nothing."""
    ids = [each["id"] for each in relations.children(hub, parent["id"])]
    if child["id"] not in ids:
        raise invalid("The provided sub-issue does not exist")
    at = ids.index(child["id"]) + by
    if not 0 <= at < len(ids):
        return
    if by > 0:
        relations.prioritise(hub, parent, child, after=ids[at])
    else:
        relations.prioritise(hub, parent, child, before=ids[at])


def toggle(hub: Hub, kind: str, subject_id: int, content: str, actor: Actor) -> None:
    """A person's reaction: given when it was not there, taken back when it was."""
    with hub.tx():
        row, new = reactions.add(hub, kind, subject_id, content, actor)
        if not new:
            hub.db.execute("DELETE FROM reactions WHERE id = ?", row["id"])


def _page_of(hub: Hub, repo: Row, kind: str, subject_id: int) -> str:
    """Where the subject is shown; 404 when it is not of this repository."""
    if kind not in _SUBJECTS:
        raise not_found()
    row = hub.db.row(f"SELECT * FROM {_SUBJECTS[kind]} WHERE id = ?", subject_id)  # noqa: S608
    if row is None:
        raise not_found()
    if kind == "review_comment":
        pull = hub.db.get("pulls", row["pull_id"])
        issue, anchor = hub.db.get("issues", pull["issue_id"]), f"discussion_r{subject_id}"
    elif kind == "comment":
        issue, anchor = hub.db.get("issues", row["issue_id"]), f"issuecomment-{subject_id}"
    else:
        issue, anchor = row, f"issue-{subject_id}"
    if issue["repo_id"] != repo["id"]:
        raise not_found()
    return f"{home(repo)}/{'pull' if issue['is_pull'] else 'issues'}/{issue['number']}#{anchor}"

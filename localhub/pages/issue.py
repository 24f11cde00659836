"""One issue: its page, and what people do on it. Comments, labels and states of pull requests are done here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub import assignees, comments, housekeeping, issues, labels, locking, notifications, relations
from localhub.context import current_actor
from localhub.errors import conflict, forbidden, not_found
from localhub.pages import markdown, shapes, timeline
from localhub.pages.issues import all_labels, milestones
from localhub.pages.people import assignable
from localhub.pages.talk import BOTH, Talk
from localhub.pages.tree import Family
from localhub.pages.web import FormDep, Posted, Web, home, to
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

CHANGED = "The text was changed meanwhile: go back, reload the page and click again."


def common(hub: Hub, repo: Row, row: Row, talk: Talk) -> dict[str, Any]:
    """What the pages of issues and of pull requests both show."""
    assignees = hub.db.rows("SELECT account_id FROM assignees WHERE issue_id = ? ORDER BY rowid", row["id"])
    return {
        "repo": repo,
        "issue": row,
        "talk": talk,
        "state": shapes.issue_state(hub, row),
        "words": shapes.STATE_WORDS,
        "labels": labels.of_issue(hub, row["id"]),
        "all_labels": all_labels(hub, repo),
        "assignees": [shapes.person(hub, each["account_id"]) for each in assignees],
        "assignable": assignable(hub, repo, row),
        "milestone": hub.db.get("milestones", row["milestone_id"]) if row["milestone_id"] else None,
        "milestones": milestones(hub, repo),
        "subscribed": _subscribed(hub, row, talk.actor.account_id),
    }


def seen(hub: Hub, row: Row, actor: Actor, request: Request) -> None:
    """Who opens it has read what they were told of it; a page that looks for news by itself says so in a header."""
    if actor.kind != "user" or request.headers.get("X-Refresh"):
        return
    sql = "SELECT id FROM threads WHERE issue_id = ? AND account_id = ? AND unread"
    thread = hub.db.value(sql, row["id"], actor.account_id)
    if thread is not None:
        with hub.tx():
            hub.db.update("threads", thread, unread=0, last_read_at=hub.now())


def _subscribed(hub: Hub, row: Row, account_id: int) -> bool:
    """Whether a person hears of what happens here."""
    sql = "SELECT 1 FROM threads WHERE issue_id = ? AND account_id = ? AND subscribed AND NOT ignored"
    return bool(hub.db.value(sql, row["id"], account_id))


def page_of(repo: Row, row: Row) -> str:
    return f"{home(repo)}/{'pull' if row['is_pull'] else 'issues'}/{row['number']}"


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    hub = web.hub
    root = "/{owner}/{name}/issues/{number:int}"

    @api.get(root)
    def issue(owner: str, name: str, number: int, request: Request) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        row = issues.find(hub, repo, number)
        if row["is_pull"]:
            return RedirectResponse(page_of(repo, row))
        talk, family = Talk(hub, repo), Family(hub, repo)
        seen(hub, row, talk.actor, request)
        return web.page(
            request,
            "issue.html",
            tab="issues",
            items=timeline.window(timeline.items(hub, talk, row), whole=request.query_params.get("all") == "1"),
            tree=family.tree(row),
            above=_linked(hub, family, family.above(row)),
            blockers=_linked(hub, family, relations.blockers(hub, row["id"])),
            blocking=_linked(hub, family, relations.blocked(hub, row["id"])),
            closers=family.pulls(row),
            own_branches=[
                each["ref"].removeprefix("refs/heads/") for each in housekeeping.linked_branches(hub, row["id"])
            ],
            pinned=bool(hub.db.value("SELECT 1 FROM pins WHERE issue_id = ?", row["id"])),
            may_push=talk.actor.kind == "user" and hub.access.allowed(talk.actor, repo, "contents", "write"),
            edit=request.query_params.get("edit"),
            **common(hub, repo, row, talk),
        )

    def writing(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        hub.access.user()
        return repo, issues.find(hub, repo, number)

    @api.post(root + "/comments")
    def comment(owner: str, name: str, number: int, form: FormDep) -> Response:
        """A comment; with `state`, the issue is closed or reopened as well."""
        repo, row = writing(owner, name, number)
        text, state, anchor = form.text("body"), form.text("state"), ""
        if state:
            _check_closer(hub, repo, row)
        if text.strip() or not state:
            made = comments.create(hub, repo, row, current_actor(), text)
            anchor = f"#issuecomment-{made['id']}"
        if state:
            _set_state(repo, row, state)
        return to(page_of(repo, row) + anchor)

    def _set_state(repo: Row, row: Row, state: str) -> None:
        wanted: dict[str, Any] = {"state": "open" if state == "open" else "closed"}
        if state in ("completed", "not_planned", "duplicate"):
            wanted["state_reason"] = state
        issues.edit(hub, repo, hub.db.get("issues", row["id"]), current_actor(), wanted)

    @api.post(root + "/edit")
    def edit(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo, row = writing(owner, name, number)
        if not Talk(hub, repo).may_edit(row):
            raise forbidden("Must have admin rights to Repository.")
        issues.edit(hub, repo, row, current_actor(), {"title": form.text("title"), "body": form.text("body")})
        return to(page_of(repo, row))

    @api.post(root + "/tick")
    def tick(owner: str, name: str, number: int, form: FormDep) -> Response:
        """A box of the issue's own text."""
        repo, row = writing(owner, name, number)
        if not Talk(hub, repo).may_edit(row):
            raise forbidden("Must have admin rights to Repository.")
        issues.edit(hub, repo, row, current_actor(), {"body": ticked(row["body"] or "", form)})
        return to(page_of(repo, row))

    @api.post(root + "/labels")
    def label(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        row = issues.find(hub, repo, number)
        if form.text("remove"):
            labels.remove(hub, repo, row, form.text("remove"), current_actor())
        elif form.text("add").strip():
            labels.add(hub, repo, row, [form.text("add").strip()], current_actor())
        return to(page_of(repo, row))

    @api.post(root + "/assignees")
    def assign(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        row = issues.find(hub, repo, number)
        if form.text("remove"):
            assignees.remove(hub, row, [form.text("remove")], current_actor())
        else:
            assignees.add(hub, repo, row, form.all("add"), current_actor())
        return to(page_of(repo, row))

    @api.post(root + "/milestone")
    def milestone(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        row = issues.find(hub, repo, number)
        chosen = form.number("milestone") if form.text("milestone") else None
        issues.set_milestone(hub, repo, row, chosen, current_actor())
        return to(page_of(repo, row))

    @api.post(root + "/lock")
    def lock(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        row = issues.find(hub, repo, number)
        locked, reason = form.text("do") != "unlock", form.text("reason") or None
        locking.lock(hub, row, current_actor(), locked=locked, reason=reason if locked else None)
        return to(page_of(repo, row))

    @api.post(root + "/house")
    def house(owner: str, name: str, number: int, form: FormDep) -> Response:
        """`do`: pin, unpin, branch (made for the issue) or delete."""
        do = form.text("do")
        repo = hub.access.repo(owner, name, "issues", "write", role="admin" if do == "delete" else None)
        row, actor = issues.find(hub, repo, number), hub.access.user()
        match do:
            case "pin":
                housekeeping.pin(hub, row, actor)
            case "unpin":
                housekeeping.unpin(hub, row, actor)
            case "delete":
                housekeeping.delete(hub, repo, row, actor)
                return to(f"{home(repo)}/issues")
            case "branch":
                sha = git_of(hub, repo).ref(f"refs/heads/{repo['default_branch']}")
                if sha is None:
                    raise conflict("The repository is empty: there is nothing to branch from.")
                housekeeping.link_branch(hub, repo, row, actor, sha, form.text("name").strip() or None)
            case _:
                raise not_found()
        return to(page_of(repo, row))

    @api.post(root + "/subscription")
    def subscription(owner: str, name: str, number: int, form: FormDep) -> Response:
        """Hear of it from now on, or no longer."""
        repo, row = writing(owner, name, number)
        with hub.tx():
            thread = notifications.subscribe(hub, row, current_actor().account_id, "manual")
            if thread is not None:
                hub.db.update("threads", thread, subscribed=int(form.text("do") != "off"), ignored=0)
        return to(page_of(repo, row))

    @api.post("/{owner}/{name}/comments/{comment_id:int}/{do}")
    def change(owner: str, name: str, comment_id: int, do: str, form: FormDep) -> Response:
        """Edit, delete or tick a box of a comment."""
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        row = hub.db.row("SELECT * FROM comments WHERE id = ?", comment_id)
        issue_row = hub.db.get("issues", row["issue_id"]) if row is not None else None
        if row is None or issue_row is None or issue_row["repo_id"] != repo["id"]:
            raise not_found()
        if not comments.may_change(hub, repo, row, hub.access.user()):
            raise forbidden("Must have admin rights to Repository.")
        page = page_of(repo, issue_row)
        match do:
            case "tick":
                comments.edit(hub, row, current_actor(), ticked(row["body"], form))
            case "edit":
                comments.edit(hub, row, current_actor(), form.text("body"))
            case "delete":
                comments.delete(hub, row, current_actor())
                return to(page)
            case _:
                raise not_found()
        return to(f"{page}#issuecomment-{comment_id}")


def ticked(text: str, form: Posted) -> str:
    """The text with the clicked box set; 409 when the text was changed since the page was made."""
    key, _, wanted = form.text("box").partition(":")
    changed = markdown.toggled(text, key, wanted == "1")
    if changed is None:
        raise conflict(CHANGED)
    return changed


def _check_closer(hub: Hub, repo: Row, row: Row) -> None:
    if not Talk(hub, repo).may_close(row):
        raise forbidden("Only the author and people with triage permission can close or reopen this.")


def _linked(hub: Hub, family: Family, rows: list[Row]) -> list[tuple[Row, str, str]]:
    return [(row, family.href(row), shapes.issue_state(hub, row)) for row in rows if family.sees(row)]

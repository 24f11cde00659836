"""What people do to pull requests: review, comment on lines, answer, resolve, merge, draft, ask for reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter, Response

from localhub import automerge, merging, places, pulls, reviewcomments, reviewers, reviews, reviewthreads
from localhub.context import current_actor
from localhub.errors import forbidden, invalid, not_found
from localhub.pages.issue import ticked
from localhub.pages.web import FormDep, Posted, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row

METHODS = ("merge", "squash", "rebase")


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    hub = web.hub
    root = "/{owner}/{name}/pull/{number:int}"

    def writing(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        hub.access.user()
        return repo, pulls.find(hub, repo, number)

    def page(repo: Row, pull: Row, rest: str = "") -> Response:
        return to(f"{home(repo)}/pull/{pull['number']}{rest}")

    @api.post("/{owner}/{name}/pulls")
    def create(owner: str, name: str, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        pull = pulls.create(
            hub, repo, hub.access.user(), title=form.text("title"), head=form.text("head"), base=form.text("base"),
            body=form.text("body") or None, draft=form.text("draft") == "1",
        )  # fmt: skip
        return page(repo, pull)

    @api.post(root + "/edit")
    def edit(owner: str, name: str, number: int, form: FormDep) -> Response:
        """Title and text, or the branch that it goes to."""
        repo, pull = writing(owner, name, number)
        title, text, base = (form.text(key) if form.has(key) else None for key in ("title", "body", "base"))
        pulls.edit(hub, repo, pull, current_actor(), title=title, body=text, base=base)
        return page(repo, pull)

    @api.post(root + "/reviews")
    def review(owner: str, name: str, number: int, form: FormDep) -> Response:
        """Submit a review, the begun one if there is one; `event`: APPROVE, REQUEST_CHANGES, COMMENT or discard."""
        repo, pull = writing(owner, name, number)
        event, text, actor = form.text("event"), form.text("body").strip(), current_actor()
        begun = reviews.pending_of(hub, pull, actor)
        if event == "discard" and begun is not None:
            reviews.delete_pending(hub, begun, actor)
            return page(repo, pull, "/files")
        if event not in reviews.STATES:
            raise invalid("Choose whether you comment, approve or request changes.")
        if not text and event != "APPROVE" and begun is None:
            raise invalid("Write what you think: only an approval goes without words.")
        if begun is not None:
            row = reviews.submit(hub, repo, pull, begun, actor, event=event, body=text or None)
        else:
            commit = form.text("commit") or None
            row = reviews.create(hub, repo, pull, actor, event=event, body=text, commit_id=commit)
        return page(repo, pull, f"#pullrequestreview-{row['id']}")

    @api.post(root + "/lines")
    def line(owner: str, name: str, number: int, form: FormDep) -> Response:
        """A comment on a line, some lines or a file; `do`: alone, or review (which begins one if none is begun)."""
        repo, pull = writing(owner, name, number)
        actor, draft, commit = current_actor(), _draft(form), form.text("commit") or None
        begun = reviews.pending_of(hub, pull, actor)
        if begun is not None:
            at = commit or pull["head_sha"]
            place = places.find(hub, repo, pull, at, draft)
            if isinstance(place, places.Misplaced):
                raise place.of_comment()
            row = reviewcomments.add(hub, repo, pull, begun, actor, draft["body"], at, place)
        elif form.text("do") == "review":
            made = reviews.create(hub, repo, pull, actor, commit_id=commit, comments=[draft])
            (row,) = hub.db.rows("SELECT * FROM review_comments WHERE review_id = ?", made["id"])
        else:
            row = reviewcomments.alone(hub, repo, pull, actor, draft, commit)
        return page(repo, pull, f"/files#discussion_r{row['id']}")

    @api.post(root + "/threads/{thread_id:int}")
    def thread(owner: str, name: str, number: int, thread_id: int, form: FormDep) -> Response:
        """Answer in a thread, resolve it or take that back; `do`: reply, resolve, unresolve."""
        repo, pull = writing(owner, name, number)
        row = hub.db.row("SELECT * FROM review_threads WHERE id = ? AND pull_id = ?", thread_id, pull["id"])
        actor = current_actor()
        found = reviewthreads.comments(hub, thread_id, actor.account_id) if row is not None else []
        if row is None or not found:
            raise not_found()
        back = "/files" if form.text("back") == "files" else ""
        do = form.text("do")
        if do == "reply" or form.text("body").strip():
            begun = reviews.pending_of(hub, pull, actor)
            answer = reviewcomments.reply(hub, repo, pull, actor, found[0], form.text("body"), begun)
            back += f"#discussion_r{answer['id']}"
        else:
            back += f"#thread-{thread_id}"
        if do in ("resolve", "unresolve"):
            reviewthreads.resolve(hub, repo, row, actor, resolved=do == "resolve")
        return page(repo, pull, back)

    @api.post(root + "/discussion/{comment_id:int}/{do}")
    def change(owner: str, name: str, number: int, comment_id: int, do: str, form: FormDep) -> Response:
        """Edit, delete or tick a box of a comment on a line."""
        repo, _ = writing(owner, name, number)
        pull, row = reviewcomments.find(hub, repo, comment_id, current_actor().account_id)
        actor = current_actor()
        if do == "delete":
            reviewcomments.delete(hub, repo, pull, row, actor)
            return page(repo, pull)
        if do not in ("edit", "tick"):
            raise not_found()
        text = form.text("body") if do == "edit" else ticked(row["body"], form)
        reviewcomments.edit(hub, repo, pull, row, actor, text)
        return page(repo, pull, f"#discussion_r{comment_id}")

    @api.post(root + "/reviews/{review_id:int}/dismiss")
    def dismiss(owner: str, name: str, number: int, review_id: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write")
        pull = pulls.find(hub, repo, number)
        found = reviews.find(hub, pull, review_id)
        reviews.dismiss(hub, repo, pull, found, current_actor().account_id, form.text("message") or "Dismissed")
        return page(repo, pull)

    @api.post(root + "/merge")
    def merge(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        pull = pulls.find(hub, repo, number)
        merging.merge(
            hub, repo, pull, current_actor(), method=_method(form), sha=form.text("sha") or None,
            title=form.text("title").strip() or None,
            message=form.text("message").strip() or None,
        )  # fmt: skip
        return page(repo, pull)

    @api.post(root + "/auto-merge")
    def auto_merge(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        pull, actor = pulls.find(hub, repo, number), current_actor()
        if form.text("do") == "off":
            automerge.disable(hub, repo, pull, actor.account_id)
        else:
            title, message = form.text("title").strip() or None, form.text("message").strip() or None
            automerge.enable(hub, repo, pull, actor, _method(form), title, message)
        return page(repo, pull)

    @api.post(root + "/update-branch")
    def update_branch(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        pull = pulls.find(hub, repo, number)
        merging.update_branch(hub, repo, pull, current_actor(), form.text("sha") or None)
        return page(repo, pull)

    @api.post(root + "/draft")
    def draft(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo, pull = writing(owner, name, number)
        pulls.set_draft(hub, repo, pull, current_actor(), draft=form.text("draft") == "1")
        return page(repo, pull)

    @api.post(root + "/reviewers")
    def ask(owner: str, name: str, number: int, form: FormDep) -> Response:
        repo, pull = writing(owner, name, number)
        actor = current_actor()
        if not pulls.may_edit(hub, repo, pull, actor):
            raise forbidden("Must have push access to repository.")
        if form.text("remove"):
            reviewers.unrequest(hub, repo, pull, actor, [form.text("remove")])
        else:
            reviewers.request(hub, repo, pull, actor, form.all("add"))
        return page(repo, pull)


def _draft(form: Posted) -> dict[str, Any]:
    draft: dict[str, Any] = {"path": form.text("path"), "body": form.text("body")}
    if not form.text("line"):
        return draft | {"subject_type": "file"}
    draft |= {"side": form.text("side"), "line": form.number("line")}
    if form.text("start_line") and form.number("start_line") != draft["line"]:
        draft |= {"start_line": form.number("start_line"), "start_side": form.text("start_side") or draft["side"]}
    return draft


def _method(form: Posted) -> merging.Method:
    method = form.text("method", "merge")
    if method not in METHODS:
        raise invalid(f"{method!r} is no way to merge")
    return cast(merging.Method, method)

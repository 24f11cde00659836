"""Reviews, their comments and the threads they form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub import merging, notifications, places, pulls, reviewers
from localhub.errors import GitHubError, check_length, field, forbidden, invalid, not_found
from localhub.events import Event
from localhub.places import Draft
from localhub.render import pulls as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


# -- reviews


def find(hub: Hub, pull: Row, review_id: int) -> Row:
    found = hub.db.row("SELECT * FROM reviews WHERE id = ? AND pull_id = ?", review_id, pull["id"])
    if found is None:
        raise not_found()
    return found


def visible(hub: Hub, pull: Row, account_id: int) -> list[Row]:
    """The reviews that an account sees: pending ones are its own alone."""
    sql = "SELECT * FROM reviews WHERE pull_id = ? AND (state <> 'PENDING' OR user_id = ?) ORDER BY id"
    return hub.db.rows(sql, pull["id"], account_id)


def create(
    hub: Hub,
    repo: Row,
    pull: Row,
    actor: Actor,
    *,
    event: str | None = None,
    body: str | None = None,
    commit_id: str | None = None,
    comments: Sequence[Draft] = (),
) -> Row:
    """A review with its comments; pending without `event` (APPROVE, REQUEST_CHANGES or COMMENT)."""
    _check(pull, actor, event, body, has_comments=bool(comments))
    commit = commit_id or pull["head_sha"]
    spots = [places.find(hub, repo, pull, commit, draft) for draft in comments]
    hub.limits.created(actor)
    now = hub.now()
    with hub.tx():
        pending = "SELECT 1 FROM reviews WHERE pull_id = ? AND user_id = ? AND state = 'PENDING'"
        if hub.db.value(pending, pull["id"], actor.account_id):
            words = "User can only have one pending review per pull request"
            raise GitHubError(422, "Unprocessable Entity", errors=[words])
        review_id = hub.db.insert(
            "reviews", pull_id=pull["id"], user_id=actor.account_id, body=body or "", state="PENDING",
            commit_id=commit, created_at=now, updated_at=now,
        )  # fmt: skip
        for draft, spot in zip(comments, spots, strict=True):
            _insert(hub, pull, review_id, actor.account_id, str(draft["body"]), commit, spot)
        if event is not None:
            _submit(hub, repo, pull, hub.db.get("reviews", review_id), actor, event, body)
    return hub.db.get("reviews", review_id)


def _check(pull: Row, actor: Actor, event: str | None, body: str | None, *, has_comments: bool) -> None:
    check_length("PullRequestReview", "body", body)
    if event is None:
        return
    if event not in STATES:
        raise invalid("Validation Failed", field("PullRequestReview", "event", "invalid"))
    if actor.account_id == pull["author_id"] and event != "COMMENT":
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise GitHubError(422, "Unprocessable Entity", errors=[f"Review Can not {verb} your own pull request"])
    if event != "APPROVE" and not body and not has_comments:
        raise GitHubError(422, "Unprocessable Entity", errors=["Could not comment pull request review."])


def submit(hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, *, event: str, body: str | None = None) -> Row:
    """Submit a pending review."""
    own = "SELECT COUNT(*) FROM review_comments WHERE review_id = ?"
    _check(pull, actor, event, body or review["body"], has_comments=bool(hub.db.value(own, review["id"])))
    if review["state"] != "PENDING":
        raise GitHubError(422, "Unprocessable Entity", errors=["Could not submit a review that is not pending"])
    if review["user_id"] != actor.account_id:
        raise not_found()
    with hub.tx():
        _submit(hub, repo, pull, review, actor, event, body)
    return hub.db.get("reviews", review["id"])


def _submit(hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, event: str, body: str | None) -> None:
    now = hub.now()
    changed: dict[str, Any] = {} if body is None else {"body": body}
    hub.db.update("reviews", review["id"], state=STATES[event], submitted_at=now, updated_at=now, **changed)
    reviewers.forget(hub, pull["id"], actor.account_id)
    pulls.touch(hub, pull["issue_id"])
    row = hub.db.get("reviews", review["id"])
    record(hub, pull["issue_id"], "reviewed", actor.account_id, review_id=row["id"])
    _tell(hub, repo, pull, row, "submitted", actor.account_id)
    for comment in hub.db.rows("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", row["id"]):
        _tell_comment(hub, repo, pull, comment, "created", actor.account_id)
    issue = hub.db.get("issues", pull["issue_id"])
    notifications.thread(hub, issue, by=actor.account_id, kind="review", text=row["body"])
    merging.consider(hub, pull["id"])


def edit(hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, body: str) -> Row:
    check_length("PullRequestReview", "body", body)
    if review["user_id"] != actor.account_id:
        raise forbidden("Must be the author of the review.")
    with hub.tx():
        old = review["body"]
        hub.db.update("reviews", review["id"], body=body, updated_at=hub.now())
        row = hub.db.get("reviews", review["id"])
        if review["state"] != "PENDING" and old != body:
            _tell(hub, repo, pull, row, "edited", actor.account_id, changes={"body": {"from": old}})
    return row


def delete_pending(hub: Hub, review: Row, actor: Actor) -> None:
    if review["state"] != "PENDING" or review["user_id"] != actor.account_id:
        raise GitHubError(422, "Unprocessable Entity", errors=["Can not delete a non-pending pull request review"])
    with hub.tx():
        hub.db.execute("DELETE FROM reviews WHERE id = ?", review["id"])
        hub.db.execute("DELETE FROM review_threads WHERE id NOT IN (SELECT thread_id FROM review_comments)")


def dismiss(hub: Hub, repo: Row, pull: Row, review: Row, by: int, message: str) -> Row:
    """Take an approval or request for changes out of the count."""
    if review["state"] not in ("APPROVED", "CHANGES_REQUESTED"):
        words = f"Can not dismiss a {review['state'].lower()} pull request review"
        raise GitHubError(422, "Unprocessable Entity", errors=[words])
    with hub.tx():
        hub.db.update("reviews", review["id"], state="DISMISSED", updated_at=hub.now())
        row = hub.db.get("reviews", review["id"])
        pulls.touch(hub, pull["issue_id"])
        dismissed = {"state": review["state"].lower(), "review_id": row["id"], "dismissal_message": message}
        record(hub, pull["issue_id"], "review_dismissed", by, dismissed_review=dismissed)
        _tell(hub, repo, pull, row, "dismissed", by)
    merging.consider(hub, pull["id"])
    return row


def dismiss_stale(hub: Hub, repo: Row, pull: Row, by: int) -> None:
    """A push takes approvals of what was there before with it."""
    for row in hub.db.rows("SELECT * FROM reviews WHERE pull_id = ? AND state = 'APPROVED' ORDER BY id", pull["id"]):
        dismiss(hub, repo, pull, row, by, "The head branch has new commits.")


def _tell(hub: Hub, repo: Row, pull: Row, review: Row, action: str, by: int, **more: Any) -> None:
    payload = {
        "review": render.review(hub, repo, pull, review, webhook=True),
        "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
        **more,
    }
    hub.emit(Event("pull_request_review", action, repo["id"], by, payload))


def _tell_comment(hub: Hub, repo: Row, pull: Row, comment: Row, action: str, by: int, **more: Any) -> None:
    payload = {
        "comment": render.comment(hub, repo, pull, comment),
        "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
        **more,
    }
    hub.emit(Event("pull_request_review_comment", action, repo["id"], by, payload))


# -- comments


def comment(hub: Hub, repo: Row, pull: Row, actor: Actor, draft: Draft, commit_id: str | None = None) -> Row:
    """One comment outside of a review begun before; it is a submitted review of its own."""
    commit = commit_id or pull["head_sha"]
    place = places.find(hub, repo, pull, commit, draft)
    return _single(hub, repo, pull, actor, str(draft["body"]), commit, place)


def reply(hub: Hub, repo: Row, pull: Row, actor: Actor, parent: Row, body: str) -> Row:
    """Answer in the thread of a comment."""
    top = parent["in_reply_to"] or parent["id"]
    kept = (
        "path", "diff_hunk", "side", "line", "original_line", "start_side", "start_line", "original_start_line",
        "position", "original_position", "subject_type", "thread_id",
    )  # fmt: skip
    place = {key: parent[key] for key in kept} | {"in_reply_to": top}
    return _single(hub, repo, pull, actor, body, parent["original_commit_id"], place)


def _single(hub: Hub, repo: Row, pull: Row, actor: Actor, body: str, commit: str, place: dict[str, Any]) -> Row:
    check_length("PullRequestReviewComment", "body", body)
    if not body.strip():
        raise invalid("Validation Failed", field("PullRequestReviewComment", "body", "missing_field"))
    hub.limits.created(actor)
    now = hub.now()
    with hub.tx():
        review_id = hub.db.insert(
            "reviews", pull_id=pull["id"], user_id=actor.account_id, body="", state="COMMENTED", commit_id=commit,
            created_at=now, submitted_at=now, updated_at=now,
        )  # fmt: skip
        row = _insert(hub, pull, review_id, actor.account_id, body, commit, place)
        pulls.touch(hub, pull["issue_id"])
        _tell(hub, repo, pull, hub.db.get("reviews", review_id), "submitted", actor.account_id)
        _tell_comment(hub, repo, pull, row, "created", actor.account_id)
        issue = hub.db.get("issues", pull["issue_id"])
        notifications.thread(hub, issue, by=actor.account_id, kind="comment", text=body)
    return row


def _insert(hub: Hub, pull: Row, review_id: int, account: int, body: str, commit: str, place: dict[str, Any]) -> Row:
    values = dict(place)
    if "thread_id" not in values:
        values["thread_id"] = hub.db.insert("review_threads", pull_id=pull["id"], path=values["path"])
    now = hub.now()
    row_id = hub.db.insert(
        "review_comments", pull_id=pull["id"], review_id=review_id, user_id=account, body=body, commit_id=commit,
        original_commit_id=commit, created_at=now, updated_at=now, **values,
    )  # fmt: skip
    return hub.db.get("review_comments", row_id)


def find_comment(hub: Hub, repo: Row, comment_id: int) -> tuple[Row, Row]:
    """(pull request, comment)."""
    row = hub.db.row("SELECT * FROM review_comments WHERE id = ?", comment_id)
    pull = pulls.get(hub, row["pull_id"]) if row is not None else None
    if row is None or pull is None or pull["repo_id"] != repo["id"]:
        raise not_found()
    return pull, row


def edit_comment(hub: Hub, repo: Row, pull: Row, row: Row, actor: Actor, body: str) -> Row:
    check_length("PullRequestReviewComment", "body", body)
    _may_change(hub, repo, row, actor)
    with hub.tx():
        hub.db.update("review_comments", row["id"], body=body, updated_at=hub.now())
        changed = hub.db.get("review_comments", row["id"])
        _tell_comment(hub, repo, pull, changed, "edited", actor.account_id, changes={"body": {"from": row["body"]}})
    return changed


def delete_comment(hub: Hub, repo: Row, pull: Row, row: Row, actor: Actor) -> None:
    _may_change(hub, repo, row, actor)
    with hub.tx():
        _tell_comment(hub, repo, pull, row, "deleted", actor.account_id)
        hub.db.execute("DELETE FROM review_comments WHERE id = ?", row["id"])
        hub.db.execute("DELETE FROM review_threads WHERE id NOT IN (SELECT thread_id FROM review_comments)")


def _may_change(hub: Hub, repo: Row, row: Row, actor: Actor) -> None:
    own = row["user_id"] == actor.account_id
    if not own and (actor.is_bot or hub.access.role(repo, actor.account_id) not in ("write", "maintain", "admin")):
        raise forbidden("Must be the author of the comment or have push access to the repository.")


# -- threads


def threads(hub: Hub, pull_id: int) -> list[Row]:
    """The threads of a pull request whose first comment is submitted, oldest first."""
    return hub.db.rows(
        """SELECT t.* FROM review_threads t WHERE t.pull_id = ? AND EXISTS (
             SELECT 1 FROM review_comments c JOIN reviews r ON r.id = c.review_id
             WHERE c.thread_id = t.id AND r.state <> 'PENDING') ORDER BY t.id""",
        pull_id,
    )


def thread_comments(hub: Hub, thread_id: int) -> list[Row]:
    return hub.db.rows(
        """SELECT c.* FROM review_comments c JOIN reviews r ON r.id = c.review_id
           WHERE c.thread_id = ? AND r.state <> 'PENDING' ORDER BY c.id""",
        thread_id,
    )


def resolve_thread(hub: Hub, repo: Row, thread: Row, actor: Actor, *, resolved: bool) -> Row:
    """Resolve or reopen a thread: by who may write, or the pull request's author."""
    pull = pulls.get(hub, thread["pull_id"])
    if not pulls.may_edit(hub, repo, pull, actor):
        raise forbidden("Must have push access to repository.")
    if (thread["resolved_by"] is not None) == resolved:
        return thread
    with hub.tx():
        hub.db.update("review_threads", thread["id"], resolved_by=actor.account_id if resolved else None)
        changed = hub.db.get("review_threads", thread["id"])
        payload = {
            "thread": render.thread(hub, repo, pull, changed),
            "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
        }
        action = "resolved" if resolved else "unresolved"
        hub.emit(Event("pull_request_review_thread", action, repo["id"], actor.account_id, payload))
    merging.consider(hub, pull["id"])
    return changed

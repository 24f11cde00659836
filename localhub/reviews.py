"""Reviews: pending, submitted, dismissed; see `reviewcomments.py` and `reviewthreads.py` for what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub import automerge, issues, notifications, places, pulls, reviewcomments, reviewers, reviewthreads
from localhub.errors import BODY_LIMIT, GitHubError, forbidden, not_found
from localhub.events import Event
from localhub.places import Draft
from localhub.render import pulls as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


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
    if not places.belongs(hub, repo, pull, commit):
        raise GitHubError(422, "Unprocessable Entity", errors=["The commitOID is not part of the pull request"])
    spots = [_place(hub, repo, pull, commit, draft) for draft in comments]
    reviewcomments.check_open(hub, repo, pull, actor)
    for _ in range(1 + len(comments)):
        hub.limits.created(actor)
    now = hub.now()
    with hub.tx():
        if pending_of(hub, pull, actor) is not None:
            words = "User can only have one pending review per pull request"
            raise GitHubError(422, "Unprocessable Entity", errors=[words])
        review = hub.db.made(
            "reviews", pull_id=pull["id"], user_id=actor.account_id, body=body or "", state="PENDING",
            commit_id=commit, created_at=now, updated_at=now,
        )  # fmt: skip
        for draft, spot in zip(comments, spots, strict=True):
            reviewcomments.insert(hub, pull, review["id"], actor.account_id, str(draft["body"]), commit, spot)
        if event is not None:
            return _submit(hub, repo, pull, review, actor, event, body)
    return review


def _place(hub: Hub, repo: Row, pull: Row, commit: str, draft: Draft) -> dict[str, Any]:
    place = places.find(hub, repo, pull, commit, draft)
    if isinstance(place, places.Misplaced):
        raise place.of_review()
    return place


def pending_of(hub: Hub, pull: Row, actor: Actor) -> Row | None:
    """The review that the actor has begun and not submitted."""
    sql = "SELECT * FROM reviews WHERE pull_id = ? AND user_id = ? AND state = 'PENDING'"
    return hub.db.row(sql, pull["id"], actor.account_id)


def _check_length(body: str | None) -> None:
    if body is not None and len(body) > BODY_LIMIT:
        wrong = f"Body is too long (maximum is {BODY_LIMIT} characters)"
        raise GitHubError(422, "Unprocessable Entity", errors=[wrong])


def _check(pull: Row, actor: Actor, event: str | None, body: str | None, *, has_comments: bool) -> None:
    _check_length(body)
    if event is None:
        return
    if event not in STATES:
        wrong = "Variable $event of type PullRequestReviewEvent was provided invalid value"
        raise GitHubError(422, "Unprocessable Entity", errors=[wrong])
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
        return _submit(hub, repo, pull, review, actor, event, body)


def _submit(hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, event: str, body: str | None) -> Row:
    now = hub.now()
    changed: dict[str, Any] = {} if body is None else {"body": body}
    row = hub.db.changed("reviews", review["id"], state=STATES[event], submitted_at=now, updated_at=now, **changed)
    reviewers.forget(hub, pull["id"], actor.account_id)
    issue = issues.touch(hub, pull["issue_id"])
    record(hub, pull["repo_id"], pull["issue_id"], "reviewed", actor.account_id, review_id=row["id"])
    _tell(hub, repo, pull, row, "submitted", actor.account_id)
    said = hub.db.rows("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", row["id"])
    for comment in said:
        reviewcomments.tell(hub, repo, pull, comment, "created", actor.account_id)
    text = "\n\n".join([row["body"], *(each["body"] for each in said)])  # one mail tells of all of it
    notifications.thread(hub, issue, by=actor.account_id, kind="review", text=text)
    automerge.consider(hub, pull["id"])
    return row


def edit(hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, body: str) -> Row:
    _check_length(body)
    if review["user_id"] != actor.account_id:
        raise forbidden("Must be the author of the review.")
    with hub.tx():
        old = review["body"]
        row = hub.db.changed("reviews", review["id"], body=body, updated_at=hub.now())
        if review["state"] != "PENDING" and old != body:
            _tell(hub, repo, pull, row, "edited", actor.account_id, changes={"body": {"from": old}})
    return row


def delete_pending(hub: Hub, review: Row, actor: Actor) -> None:
    if review["state"] != "PENDING" or review["user_id"] != actor.account_id:
        raise GitHubError(422, "Unprocessable Entity", errors=["Can not delete a non-pending pull request review"])
    with hub.tx():
        hub.db.execute("DELETE FROM reviews WHERE id = ?", review["id"])
        reviewthreads.drop_empty(hub, review["pull_id"])


def dismiss(hub: Hub, repo: Row, pull: Row, review: Row, by: int, message: str) -> Row:
    """Take an approval or request for changes out of the count."""
    with hub.tx():
        review = hub.db.get("reviews", review["id"])
        if review["state"] not in ("APPROVED", "CHANGES_REQUESTED"):
            words = f"Can not dismiss a {review['state'].lower()} pull request review"
            raise GitHubError(422, "Unprocessable Entity", errors=[words])
        row = hub.db.changed("reviews", review["id"], state="DISMISSED", updated_at=hub.now())
        issues.touch(hub, pull["issue_id"])
        dismissed = {"state": review["state"].lower(), "review_id": row["id"], "dismissal_message": message}
        record(hub, pull["repo_id"], pull["issue_id"], "review_dismissed", by, dismissed_review=dismissed)
        _tell(hub, repo, pull, row, "dismissed", by)
    automerge.consider(hub, pull["id"])
    return row


def dismiss_stale(hub: Hub, repo: Row, pull: Row, by: int) -> None:
    """A push takes approvals of what was there before with it."""
    for row in hub.db.rows("SELECT * FROM reviews WHERE pull_id = ? AND state = 'APPROVED' ORDER BY id", pull["id"]):
        dismiss(hub, repo, pull, row, by, "The head branch has new commits.")


def _tell(hub: Hub, repo: Row, pull: Row, review: Row, action: str, by: int, **more: Any) -> None:
    def payload() -> dict[str, Any]:
        return {
            "review": render.review(hub, repo, pull, review, webhook=True),
            "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
            **more,
        }

    hub.emit(Event("pull_request_review", action, repo["id"], by, payload, pull_id=pull["id"]))

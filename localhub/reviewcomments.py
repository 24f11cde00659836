"""Review comments: of a pending review, on their own, in answer to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import issues, notifications, places, pulls, reviewthreads
from localhub.errors import GitHubError, check_length, field, forbidden, invalid, not_found
from localhub.events import Event
from localhub.places import Draft
from localhub.render import pulls as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

KIND = "PullRequestReviewComment"
_PLACE = (
    "path", "diff_hunk", "side", "line", "original_line", "start_side", "start_line", "original_start_line",
    "position", "original_position", "subject_type", "thread_id",
)  # fmt: skip


def find(hub: Hub, repo: Row, comment_id: int, viewer: int) -> tuple[Row, Row]:
    """(pull request, comment); 404 for a comment that is still pending, unless it is the viewer's own."""
    row = hub.db.row(
        f"""SELECT c.* FROM review_comments c JOIN reviews r ON r.id = c.review_id
            WHERE c.id = ? AND {reviewthreads.SEEN}""",  # noqa: S608
        comment_id,
        viewer,
    )
    pull = pulls.get(hub, row["pull_id"]) if row is not None else None
    if row is None or pull is None or pull["repo_id"] != repo["id"]:
        raise not_found()
    return pull, row


def pending(hub: Hub, row: Row) -> bool:
    return bool(hub.db.get("reviews", row["review_id"])["state"] == "PENDING")


def alone(hub: Hub, repo: Row, pull: Row, actor: Actor, draft: Draft, commit_id: str | None = None) -> Row:
    """One comment outside of a review begun before; it is a submitted review of its own."""
    commit = commit_id or pull["head_sha"]
    place = places.find(hub, repo, pull, commit, draft)
    if isinstance(place, places.Misplaced):
        raise place.of_comment()
    return _single(hub, repo, pull, actor, str(draft["body"]), commit, place)


def reply(hub: Hub, repo: Row, pull: Row, actor: Actor, parent: Row, body: str, review: Row | None = None) -> Row:
    """Answer in the thread of a comment, as a part of a pending review if one is given."""
    place = {key: parent[key] for key in _PLACE} | {"in_reply_to": parent["in_reply_to"] or parent["id"]}
    commit = parent["original_commit_id"]
    if review is None:
        return _single(hub, repo, pull, actor, body, commit, place)
    return add(hub, repo, pull, review, actor, body, commit, place)


def add(
    hub: Hub, repo: Row, pull: Row, review: Row, actor: Actor, body: str, commit: str, place: dict[str, Any]
) -> Row:
    """A comment of a pending review: nobody hears of it until that is submitted."""
    _check(body)
    check_open(hub, repo, pull, actor)
    hub.limits.created(actor)
    with hub.tx():
        hub.db.update("reviews", review["id"], updated_at=hub.now())
        return insert(hub, pull, review["id"], actor.account_id, body, commit, place)


def _check(body: str) -> None:
    check_length(KIND, "body", body)
    if not body.strip():
        raise invalid("Validation Failed", field(KIND, "body", "missing_field"))


def check_open(hub: Hub, repo: Row, pull: Row, actor: Actor) -> None:
    """403 in a locked conversation for those who cannot push."""
    if pull["locked"] and not hub.access.allowed(actor, repo, "pull_requests", "write"):
        raise forbidden("Unable to create comment because issue is locked.")


def _single(hub: Hub, repo: Row, pull: Row, actor: Actor, body: str, commit: str, place: dict[str, Any]) -> Row:
    _check(body)
    check_open(hub, repo, pull, actor)
    hub.limits.created(actor)
    now = hub.now()
    with hub.tx():
        begun = "SELECT 1 FROM reviews WHERE pull_id = ? AND user_id = ? AND state = 'PENDING'"
        if hub.db.value(begun, pull["id"], actor.account_id):
            words = "user_id can only have one pending review per pull request"
            raise invalid("Validation Failed", field("PullRequestReview", "user_id", "custom", words))
        review_id = hub.db.insert(
            "reviews", pull_id=pull["id"], user_id=actor.account_id, body="", state="COMMENTED", commit_id=commit,
            created_at=now, submitted_at=now, updated_at=now,
        )  # fmt: skip
        row = insert(hub, pull, review_id, actor.account_id, body, commit, place)
        issue = issues.touch(hub, pull["issue_id"])
        record(hub, pull["repo_id"], pull["issue_id"], "reviewed", actor.account_id, review_id=review_id)
        review = hub.db.get("reviews", review_id)

        def payload() -> dict[str, Any]:
            return {
                "review": render.review(hub, repo, pull, review, webhook=True),
                "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
            }

        hub.emit(Event("pull_request_review", "submitted", repo["id"], actor.account_id, payload, pull_id=pull["id"]))
        tell(hub, repo, pull, row, "created", actor.account_id)
        notifications.thread(hub, issue, by=actor.account_id, kind="comment", text=body)
    return row


def insert(hub: Hub, pull: Row, review_id: int, account: int, body: str, commit: str, place: dict[str, Any]) -> Row:
    """The bare row; in a thread of its own, unless `place` names one."""
    values = dict(place)
    if "thread_id" not in values:
        values["thread_id"] = hub.db.insert("review_threads", pull_id=pull["id"], path=values["path"])
    now = hub.now()
    row_id = hub.db.insert(
        "review_comments", pull_id=pull["id"], review_id=review_id, user_id=account, body=body, commit_id=commit,
        original_commit_id=commit, created_at=now, updated_at=now, **values,
    )  # fmt: skip
    return hub.db.get("review_comments", row_id)


def edit(hub: Hub, repo: Row, pull: Row, row: Row, actor: Actor, body: str) -> Row:
    _check(body)
    _may_change(hub, repo, row, actor)
    with hub.tx():
        hub.db.update("review_comments", row["id"], body=body, updated_at=hub.now())
        changed = hub.db.get("review_comments", row["id"])
        if not pending(hub, row) and body != row["body"]:
            tell(hub, repo, pull, changed, "edited", actor.account_id, changes={"body": {"from": row["body"]}})
    return changed


def delete(hub: Hub, repo: Row, pull: Row, row: Row, actor: Actor) -> None:
    """Remove a comment; a review that had nothing else to say goes with its last one."""
    _may_change(hub, repo, row, actor)
    review = hub.db.get("reviews", row["review_id"])
    with hub.tx():
        if review["state"] != "PENDING":
            tell(hub, repo, pull, row, "deleted", actor.account_id)
        hub.db.execute("DELETE FROM reactions WHERE subject_type = 'review_comment' AND subject_id = ?", row["id"])
        _pass_on(hub, row)
        hub.db.execute("DELETE FROM review_comments WHERE id = ?", row["id"])
        reviewthreads.drop_empty(hub, pull["id"])
        left = hub.db.value("SELECT COUNT(*) FROM review_comments WHERE review_id = ?", review["id"])
        if review["state"] == "COMMENTED" and not review["body"] and not left:
            hub.db.execute("DELETE FROM reviews WHERE id = ?", review["id"])
            hub.db.execute(
                "DELETE FROM issue_events WHERE issue_id = ? AND event = 'reviewed' AND data ->> 'review_id' = ?",
                pull["issue_id"], review["id"],
            )  # fmt: skip


def _pass_on(hub: Hub, row: Row) -> None:
    """Answers to a comment that goes are answers to the oldest of them."""
    answers = hub.db.rows("SELECT id FROM review_comments WHERE in_reply_to = ? ORDER BY id", row["id"])
    for number, each in enumerate(answers):
        hub.db.update("review_comments", each["id"], in_reply_to=answers[0]["id"] if number else None)


def _may_change(hub: Hub, repo: Row, row: Row, actor: Actor) -> None:
    own = row["user_id"] == actor.account_id
    if not own and (actor.is_bot or hub.access.role(repo, actor.account_id) not in ("write", "maintain", "admin")):
        raise forbidden("Must be the author of the comment or have push access to the repository.")


def tell(hub: Hub, repo: Row, pull: Row, comment: Row, action: str, by: int, **more: Any) -> None:
    """The webhook `pull_request_review_comment`."""

    def payload() -> dict[str, Any]:
        return {
            "comment": render.comment(hub, repo, pull, comment),
            "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
            **more,
        }

    hub.emit(Event("pull_request_review_comment", action, repo["id"], by, payload, pull_id=pull["id"]))


def parent_of(hub: Hub, pull: Row, comment_id: int, viewer: int) -> Row:
    """The comment that is answered; 404 when the viewer sees none of this id in the pull request."""
    sql = f"""SELECT c.* FROM review_comments c JOIN reviews r ON r.id = c.review_id
              WHERE c.id = ? AND c.pull_id = ? AND {reviewthreads.SEEN}"""  # noqa: S608
    found = hub.db.row(sql, comment_id, pull["id"], viewer)
    if found is None:
        raise GitHubError(404, "Parent comment not found")
    return found

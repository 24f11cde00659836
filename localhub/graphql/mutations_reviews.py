"""Mutations of reviews, review comments and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import places, pulls, reviewcomments, reviews, reviewthreads
from localhub.graphql.base import QueryError
from localhub.graphql.mutating import Input, Mutating, answer
from localhub.graphql.reviews import PullRequestReview, PullRequestReviewComment, PullRequestReviewThread

if TYPE_CHECKING:
    from localhub.db import Row


class ReviewMutations(Mutating):
    def _review(self, id: str) -> tuple[Row, Row, Row]:
        """Repository, pull request and review."""
        found = self._node(id, PullRequestReview)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        return repo, pulls.get(self._hub, found.row["pull_id"]), found.row

    def _begun(self, input: Input) -> tuple[Row, Row, Row]:
        """The pending review that is named, or the actor's on the pull request that is named, begun if need be."""
        if input.get("pullRequestReviewId"):
            repo, pull, review = self._review(input["pullRequestReviewId"])
            if review["state"] != "PENDING":
                raise QueryError("UNPROCESSABLE", "Review has already been submitted.")
            return repo, pull, review
        if not input.get("pullRequestId"):
            raise QueryError("UNPROCESSABLE", "pullRequestId or pullRequestReviewId is required")
        repo, pull = self._pull(input["pullRequestId"])
        own = reviews.pending_of(self._hub, pull, self._actor)
        return repo, pull, own or reviews.create(self._hub, repo, pull, self._actor, commit_id=input.get("commitOID"))

    def addPullRequestReview(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        drafts: list[dict[str, Any]] = [dict(one) for one in input.get("comments") or [] if one]
        drafts += [_draft(one) for one in input.get("threads") or [] if one]
        event = input.get("event")
        row = reviews.create(
            self._hub, repo, pull, self._actor, event=event, body=input.get("body"),
            commit_id=input.get("commitOID"), comments=drafts,
        )  # fmt: skip
        shown = PullRequestReview(self._scope, row)
        return answer(input, pullRequestReview=shown, reviewEdge={"node": shown, "cursor": shown.id()})

    def submitPullRequestReview(self, input: Input) -> Input:
        repo, pull, review = self._submittable(input)
        row = reviews.submit(self._hub, repo, pull, review, self._actor, event=input["event"], body=input.get("body"))
        return answer(input, pullRequestReview=PullRequestReview(self._scope, row))

    def _submittable(self, input: Input) -> tuple[Row, Row, Row]:
        if input.get("pullRequestReviewId"):
            return self._review(input["pullRequestReviewId"])
        if not input.get("pullRequestId"):
            raise QueryError("UNPROCESSABLE", "pullRequestId or pullRequestReviewId is required")
        repo, pull = self._pull(input["pullRequestId"])
        own = reviews.pending_of(self._hub, pull, self._actor)
        if own is None:
            raise QueryError("NOT_FOUND", "Could not find a pending review on the pull request.")
        return repo, pull, own

    def updatePullRequestReview(self, input: Input) -> Input:
        repo, pull, review = self._review(input["pullRequestReviewId"])
        row = reviews.edit(self._hub, repo, pull, review, self._actor, input["body"])
        return answer(input, pullRequestReview=PullRequestReview(self._scope, row))

    def deletePullRequestReview(self, input: Input) -> Input:
        _, _, review = self._review(input["pullRequestReviewId"])
        shown = PullRequestReview(self._scope, review)  # its columns are in memory: what is deleted is still told of
        reviews.delete_pending(self._hub, review, self._actor)
        return answer(input, pullRequestReview=shown)

    def dismissPullRequestReview(self, input: Input) -> Input:
        repo, pull, review = self._review(input["pullRequestReviewId"])
        self._hub.access.require(self._actor, repo, "pull_requests", "write")
        row = reviews.dismiss(self._hub, repo, pull, review, self._actor.account_id, input["message"])
        return answer(input, pullRequestReview=PullRequestReview(self._scope, row))

    # -- comments

    def addPullRequestReviewThread(self, input: Input) -> Input:
        """A conversation in a pending review; a place outside of the diff gives no thread and no error, as GitHub's."""
        repo, pull, review = self._begun(input)
        draft = _draft(input) | {"subject_type": str(input.get("subjectType") or "LINE").lower()}
        place = places.find(self._hub, repo, pull, review["commit_id"], draft)
        if isinstance(place, places.Misplaced):
            return answer(input, thread=None)
        row = reviewcomments.add(self._hub, repo, pull, review, self._actor, input["body"], review["commit_id"], place)
        thread = self._hub.db.get("review_threads", row["thread_id"])
        return answer(input, thread=PullRequestReviewThread(self._scope, thread))

    def addPullRequestReviewComment(self, input: Input) -> Input:
        repo, pull, review = self._begun(input)
        body = input.get("body") or ""
        if input.get("inReplyTo"):
            parent = self._node(input["inReplyTo"], PullRequestReviewComment).row
            row = reviewcomments.reply(self._hub, repo, pull, self._actor, parent, body, review)
        else:
            commit = input.get("commitOID") or review["commit_id"]
            place = places.find(self._hub, repo, pull, commit, input)
            if isinstance(place, places.Misplaced):
                raise place.of_review()
            row = reviewcomments.add(self._hub, repo, pull, review, self._actor, body, commit, place)
        shown = PullRequestReviewComment(self._scope, row)
        return answer(input, comment=shown, commentEdge={"node": shown, "cursor": shown.id()})

    def addPullRequestReviewThreadReply(self, input: Input) -> Input:
        """In the review that is named, or in the one that the actor has begun, else at once."""
        found = self._node(input["pullRequestReviewThreadId"], PullRequestReviewThread)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        pull = pulls.get(self._hub, found.row["pull_id"])
        begun = reviews.pending_of(self._hub, pull, self._actor)
        review = self._begun(input)[2] if input.get("pullRequestReviewId") else begun
        parent = reviewthreads.comments(self._hub, found.row["id"], self._actor.account_id)[0]
        row = reviewcomments.reply(self._hub, repo, pull, self._actor, parent, input["body"], review)
        return answer(input, comment=PullRequestReviewComment(self._scope, row))

    def _line_comment(self, id: str) -> tuple[Row, Row, Row]:
        found = self._node(id, PullRequestReviewComment)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        return repo, pulls.get(self._hub, found.row["pull_id"]), found.row

    def updatePullRequestReviewComment(self, input: Input) -> Input:
        repo, pull, row = self._line_comment(input["pullRequestReviewCommentId"])
        changed = reviewcomments.edit(self._hub, repo, pull, row, self._actor, input["body"])
        return answer(input, pullRequestReviewComment=PullRequestReviewComment(self._scope, changed))

    def deletePullRequestReviewComment(self, input: Input) -> Input:
        repo, pull, row = self._line_comment(input["id"])
        reviewcomments.delete(self._hub, repo, pull, row, self._actor)
        left = self._hub.db.row("SELECT * FROM reviews WHERE id = ?", row["review_id"])
        return answer(input, pullRequestReview=left and PullRequestReview(self._scope, left))

    # -- threads

    def resolveReviewThread(self, input: Input) -> Input:
        return self._resolve(input, resolved=True)

    def unresolveReviewThread(self, input: Input) -> Input:
        return self._resolve(input, resolved=False)

    def _resolve(self, input: Input, *, resolved: bool) -> Input:
        found = self._node(input["threadId"], PullRequestReviewThread)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, ("pull_requests", "contents"), "write", role="read")
        row = reviewthreads.resolve(self._hub, repo, found.row, self._actor, resolved=resolved)
        return answer(input, thread=PullRequestReviewThread(self._scope, row))


def _draft(given: Input) -> dict[str, Any]:
    """A comment's place as REST names it."""
    names = {"startLine": "start_line", "startSide": "start_side"}
    draft = {names.get(key, key): value for key, value in given.items()}
    return draft if draft.get("start_line") is not None else draft | {"start_side": None}

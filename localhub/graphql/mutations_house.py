"""Mutations that keep house: repositories, pins, locks, reactions, branches of issues, requested reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import housekeeping, locking, merging, reactions, repositories, reviewers
from localhub.errors import GitHubError
from localhub.graphql.accounts import Organization, User
from localhub.graphql.base import QueryError
from localhub.graphql.development import LinkedBranch
from localhub.graphql.issues import Issue, IssueComment
from localhub.graphql.mutating import Input, Mutating, answer
from localhub.graphql.pulls import PullRequest
from localhub.graphql.reactable import REST, Reactable, Reaction
from localhub.graphql.repository import Repository, repository

if TYPE_CHECKING:
    from localhub.db import Row


class HouseMutations(Mutating):
    # -- repositories

    def createRepository(self, input: Input) -> Input:
        owner_id = self._actor.account_id
        if input.get("ownerId"):
            owner_id = int(self._node(input["ownerId"], User, Organization).row["id"])
        if self._actor.kind != "user":
            raise QueryError("FORBIDDEN", "Resource not accessible by integration")
        if owner_id != self._actor.account_id and self._hub.access.member(owner_id, self._actor.account_id) is None:
            raise QueryError("FORBIDDEN", "You need admin access to the organization before adding a repository to it.")
        with self._hub.tx():
            row = repositories.create(
                self._hub,
                owner_id,
                input["name"],
                by=self._actor.account_id,
                description=input.get("description"),
                homepage=input.get("homepageUrl"),
                private=input["visibility"] != "PUBLIC",
            )
            if input.get("hasIssuesEnabled") is False:
                self._hub.db.update("repos", row["id"], has_issues=0)
        return answer(input, repository=repository(self._scope, row["id"]))

    def archiveRepository(self, input: Input) -> Input:
        return self._archive(input, archived=True)

    def unarchiveRepository(self, input: Input) -> Input:
        return self._archive(input, archived=False)

    def _archive(self, input: Input, *, archived: bool) -> Input:
        repo = self._node(input["repositoryId"], Repository).row
        self._hub.access.require(self._actor, repo, "administration", "write", role="admin")
        repositories.change(self._hub, repo, {"archived": archived}, by=self._actor.account_id)
        return answer(input, repository=repository(self._scope, repo["id"]))

    # -- issues

    def pinIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"], role="write")
        housekeeping.pin(self._hub, row, self._actor)
        return answer(input, issue=self._show(row["id"]))

    def unpinIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"], role="write")
        pinned = self._hub.db.row("SELECT * FROM pins WHERE issue_id = ?", row["id"])
        housekeeping.unpin(self._hub, row, self._actor)
        return answer(input, issue=self._show(row["id"]), id=pinned and str(pinned["id"]))

    def deleteIssue(self, input: Input) -> Input:
        found = self._node(input["issueId"], Issue)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "administration", "write", role="admin")
        housekeeping.delete(self._hub, repo, found.row, self._actor)
        return answer(input, repository=Repository(self._scope, repo))

    def lockLockable(self, input: Input) -> Input:
        _, row = self._either(input["lockableId"], role="write")
        reason = input.get("lockReason")
        words = {"OFF_TOPIC": "off-topic", "TOO_HEATED": "too heated", "RESOLVED": "resolved", "SPAM": "spam"}
        locking.lock(self._hub, row, self._actor, locked=True, reason=words[reason] if reason else None)
        return answer(input, lockedRecord=self._show(row["id"]), actor=self._me())

    def unlockLockable(self, input: Input) -> Input:
        _, row = self._either(input["lockableId"], role="write")
        locking.lock(self._hub, row, self._actor, locked=False)
        return answer(input, unlockedRecord=self._show(row["id"]), actor=self._me())

    def createLinkedBranch(self, input: Input) -> Input:
        found = self._node(input["issueId"], Issue)
        home = self._node(input["repositoryId"], Repository) if input.get("repositoryId") else found.repository()
        self._hub.access.require(self._actor, home.row, "contents", "write")
        if home.git.commit(input["oid"]) is None:
            raise QueryError("UNPROCESSABLE", f"No commit found for {input['oid']}")
        row = housekeeping.link_branch(
            self._hub, home.row, found.row, self._actor, input["oid"], input.get("name") or None
        )
        return answer(input, issue=self._show(found.row["id"]), linkedBranch=LinkedBranch(self._scope, row))

    def deleteLinkedBranch(self, input: Input) -> Input:
        found = self._node(input["linkedBranchId"], LinkedBranch)
        self._hub.access.require(self._actor, found.repository().row, "contents", "write")
        housekeeping.unlink_branch(self._hub, found.row)
        return answer(input, issue=self._show(found.row["issue_id"]))

    # -- pull requests

    def requestReviews(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="triage")
        if input.get("teamIds"):
            raise QueryError("NOT_FOUND", f"Could not resolve to a node with the global id of '{input['teamIds'][0]}'")
        asked = self._logins(input.get("userIds") or [])
        if not input.get("union"):
            sql = "SELECT a.login FROM review_requests r JOIN accounts a ON a.id = r.account_id WHERE pull_id = ?"
            gone = [row["login"] for row in self._hub.db.rows(sql, pull["id"]) if row["login"] not in asked]
            reviewers.unrequest(self._hub, repo, pull, self._actor, gone)
        reviewers.request(self._hub, repo, pull, self._actor, asked)
        return answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me(), requestedReviewersEdge=None)

    def updatePullRequestBranch(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        if input.get("updateMethod") == "REBASE":
            raise QueryError("UNPROCESSABLE", "Rebasing a pull request's branch is not supported.")
        merging.update_branch(self._hub, repo, pull, self._actor, input.get("expectedHeadOid"))
        return answer(input, pullRequest=self._show_pull(pull["id"]))

    # -- reactions

    def addReaction(self, input: Input) -> Input:
        subject = self._reactable(input["subjectId"])
        kind, id = subject.SUBJECT, subject.subject_id
        row, _ = reactions.add(self._hub, kind, id, REST[input["content"]], self._actor)
        return self._reacted(input, subject, row)

    def removeReaction(self, input: Input) -> Input:
        subject = self._reactable(input["subjectId"])
        found = reactions.listing(self._hub, subject.SUBJECT, subject.subject_id, REST[input["content"]])
        mine = [row for row in found if row["account_id"] == self._actor.account_id]
        if not mine:
            raise GitHubError(404, "Could not find the reaction.")
        with self._hub.tx():
            self._hub.db.execute("DELETE FROM reactions WHERE id = ?", mine[0]["id"])
        return self._reacted(input, subject, mine[0])

    def _reactable(self, id: str) -> Any:
        subject = self._node(id, Reactable)
        repo = subject.repository().row
        if isinstance(subject, Issue | IssueComment | PullRequest):
            self._require(repo, subject.issue_row, "read")
        else:
            self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        return subject

    def _reacted(self, input: Input, subject: Any, row: Row) -> Input:
        groups = subject.reactionGroups()
        return answer(input, subject=subject, reaction=Reaction(subject, row), reactionGroups=groups)

"""Mutations of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localhub import automerge, issues, merging, pulls
from localhub.graphql.base import QueryError
from localhub.graphql.mutating import BOTH, Input, Mutating, answer
from localhub.graphql.repository import Repository

if TYPE_CHECKING:
    from localhub.db import Row

Method = Literal["merge", "squash", "rebase"]


class PullMutations(Mutating):
    def createPullRequest(self, input: Input) -> Input:
        repo = self._node(input["repositoryId"], Repository).row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        head = input["headRefName"].removeprefix("refs/heads/")
        if input.get("headRepositoryId"):
            other = self._node(input["headRepositoryId"], Repository).row
            head = f"{other['owner_login']}:{head}"
        row = pulls.create(
            self._hub,
            repo,
            self._actor,
            title=input["title"],
            head=head,
            maintainer_can_modify=input.get("maintainerCanModify") is not False,
            base=input["baseRefName"].removeprefix("refs/heads/"),
            body=input.get("body"),
            draft=bool(input.get("draft")),
        )
        return answer(input, pullRequest=self._show_pull(row["id"]))

    def updatePullRequest(self, input: Input) -> Input:
        self._no_projects(input)
        repo, pull = self._pull(input["pullRequestId"])
        state = input.get("state")
        pulls.edit(
            self._hub,
            repo,
            pull,
            self._actor,
            title=input.get("title"),
            body=input.get("body"),
            base=input.get("baseRefName"),
            maintainer_can_modify=input.get("maintainerCanModify"),
            state=state.lower() if state else None,
        )
        self._label_and_assign(input, repo, pull)
        return answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def _label_and_assign(self, input: Input, repo: Row, pull: Row) -> None:
        """What a pull request has as an issue: labels, people and a milestone."""
        changes: Input = self._milestone(input, repo)
        if input.get("labelIds") is not None:
            changes["labels"] = self._label_names(input["labelIds"], repo)
        if input.get("assigneeIds") is not None:
            changes["assignees"] = self._logins(input["assigneeIds"])
        if changes:
            self._hub.access.require(self._actor, repo, BOTH, "write", role="triage")
            issues.edit(self._hub, repo, self._hub.db.get("issues", pull["issue_id"]), self._actor, changes)

    def closePullRequest(self, input: Input) -> Input:
        return self._set_state(input, "closed")

    def reopenPullRequest(self, input: Input) -> Input:
        return self._set_state(input, "open")

    def _set_state(self, input: Input, state: str) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.edit(self._hub, repo, pull, self._actor, state=state)
        return answer(input, pullRequest=self._show_pull(pull["id"]))

    def markPullRequestReadyForReview(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.set_draft(self._hub, repo, pull, self._actor, draft=False)
        return answer(input, pullRequest=self._show_pull(pull["id"]))

    def convertPullRequestToDraft(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.set_draft(self._hub, repo, pull, self._actor, draft=True)
        return answer(input, pullRequest=self._show_pull(pull["id"]))

    def mergePullRequest(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        merging.merge(
            self._hub,
            repo,
            pull,
            self._actor,
            method=_method(input),
            sha=input.get("expectedHeadOid"),
            title=input.get("commitHeadline"),
            message=input.get("commitBody"),
        )
        return answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def enablePullRequestAutoMerge(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        expected = input.get("expectedHeadOid")
        if expected is not None and expected != pull["head_sha"]:
            raise QueryError("UNPROCESSABLE", "Head branch was modified. Review and try again.")
        automerge.enable(
            self._hub, repo, pull, self._actor, _method(input), input.get("commitHeadline"), input.get("commitBody")
        )
        return answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def disablePullRequestAutoMerge(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        automerge.disable(self._hub, repo, pull, self._actor.account_id)
        return answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())


def _method(input: Input) -> Method:
    methods: dict[str, Method] = {"MERGE": "merge", "SQUASH": "squash", "REBASE": "rebase"}
    return methods[input.get("mergeMethod") or "MERGE"]

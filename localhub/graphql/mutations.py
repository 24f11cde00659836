"""The root of mutations. Each calls the service that REST calls, so that the same events follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from localhub import comments, issues, labels, merging, pulls, relations, reviewcomments, reviewthreads
from localhub.graphql import queries
from localhub.graphql.accounts import account
from localhub.graphql.base import QueryError, Scope, not_found
from localhub.graphql.issues import Issue, IssueComment, thread
from localhub.graphql.pulls import PullRequest
from localhub.graphql.repository import Label, Repository
from localhub.graphql.reviews import PullRequestReviewComment, PullRequestReviewThread

if TYPE_CHECKING:
    from localhub.db import Row

Input = dict[str, Any]
Method = Literal["merge", "squash", "rebase"]
_BOTH = ("issues", "pull_requests")
_REASONS = {"COMPLETED": "completed", "NOT_PLANNED": "not_planned", "DUPLICATE": "duplicate"}


class Mutation:
    """Each method is a mutation; they run one after the other, each in a transaction of its own."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._hub = scope.hub
        self._actor = scope.actor

    # -- finding things

    def _node(self, id: str, *kinds: type) -> Any:
        found = queries.node(self._scope, id)
        if not isinstance(found, kinds):
            raise not_found(f"{kinds[0].__name__} node", f"the global id of '{id}'")
        return found

    def _issue(self, id: str, role: str = "triage") -> tuple[Row, Row]:
        """An issue or pull request that the actor may write to: its repository and its row in `issues`."""
        found = self._node(id, Issue, PullRequest)
        repo, row = found.repository().row, found.issue_row
        own = row["author_id"] == self._actor.account_id and not self._actor.is_bot
        self._hub.access.require(self._actor, repo, _BOTH, "write", role="read" if own else role)
        return repo, row

    def _pull(self, id: str) -> tuple[Row, Row]:
        found = self._node(id, PullRequest)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        return repo, pulls.get(self._hub, found.row["id"])

    def _show(self, issue_id: int) -> Any:
        return thread(self._scope, self._hub.db.get("issues", issue_id))

    def _show_pull(self, pull_id: int) -> PullRequest:
        return PullRequest(self._scope, self._hub.db.get("pulls", pull_id))

    def _logins(self, ids: Sequence[str]) -> list[str]:
        return [str(queries.node(self._scope, id).row["login"]) for id in ids]

    def _label_names(self, ids: Sequence[str]) -> list[str]:
        return [str(self._node(id, Label).row["name"]) for id in ids]

    def _me(self) -> Any:
        return account(self._scope, self._actor.account_id)

    # -- issues

    def createIssue(self, input: Input) -> Input:
        repo = self._node(input["repositoryId"], Repository).row
        self._hub.access.require(self._actor, repo, "issues", "write", role="read")
        parent = self._issue(input["parentIssueId"])[1] if input.get("parentIssueId") else None
        with self._hub.tx():
            row = issues.create(
                self._hub,
                repo,
                self._actor,
                input["title"],
                input.get("body"),
                labels=self._label_names(input.get("labelIds") or []),
                assignees=self._logins(input.get("assigneeIds") or []),
            )
            if parent is not None:
                relations.add_sub_issue(self._hub, parent, row, self._actor)
        return _answer(input, issue=self._show(row["id"]))

    def updateIssue(self, input: Input) -> Input:
        repo, row = self._issue(input["id"])
        changes: Input = {key: input[key] for key in ("title", "body") if input.get(key) is not None}
        if input.get("state"):
            changes["state"] = input["state"].lower()
        if input.get("labelIds") is not None:
            changes["labels"] = self._label_names(input["labelIds"])
        if input.get("assigneeIds") is not None:
            changes["assignees"] = self._logins(input["assigneeIds"])
        issues.edit(self._hub, repo, row, self._actor, changes)
        return _answer(input, issue=self._show(row["id"]), actor=self._me())

    def closeIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"])
        reason = _REASONS[input.get("stateReason") or "COMPLETED"]
        if row["state"] == "open":
            issues.close(self._hub, row, self._actor.account_id, reason=reason)
        return _answer(input, issue=self._show(row["id"]))

    def reopenIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"])
        if row["state"] == "closed":
            issues.reopen(self._hub, row, self._actor.account_id)
        return _answer(input, issue=self._show(row["id"]))

    def addSubIssue(self, input: Input) -> Input:
        if not input.get("subIssueId"):
            raise QueryError("UNPROCESSABLE", "subIssueId is required")
        parent = self._issue(input["issueId"])[1]
        child = self._node(input["subIssueId"], Issue).row
        relations.add_sub_issue(self._hub, parent, child, self._actor, replace_parent=bool(input.get("replaceParent")))
        return _answer(input, issue=self._show(parent["id"]), subIssue=self._show(child["id"]))

    def removeSubIssue(self, input: Input) -> Input:
        parent, child = self._issue(input["issueId"])[1], self._node(input["subIssueId"], Issue).row
        relations.remove_sub_issue(self._hub, parent, child, self._actor)
        return _answer(input, issue=self._show(parent["id"]), subIssue=self._show(child["id"]))

    def addBlockedBy(self, input: Input) -> Input:
        row, blocker = self._issue(input["issueId"])[1], self._node(input["blockingIssueId"], Issue).row
        relations.add_blocker(self._hub, row, blocker, self._actor)
        return _answer(input, issue=self._show(row["id"]), blockingIssue=self._show(blocker["id"]))

    def removeBlockedBy(self, input: Input) -> Input:
        row, blocker = self._issue(input["issueId"])[1], self._node(input["blockingIssueId"], Issue).row
        relations.remove_blocker(self._hub, row, blocker, self._actor)
        return _answer(input, issue=self._show(row["id"]), blockingIssue=self._show(blocker["id"]))

    def addLabelsToLabelable(self, input: Input) -> Input:
        repo, row = self._issue(input["labelableId"])
        labels.add(self._hub, repo, row, self._label_names(input["labelIds"]), self._actor)
        return _answer(input, labelable=self._show(row["id"]))

    def removeLabelsFromLabelable(self, input: Input) -> Input:
        repo, row = self._issue(input["labelableId"])
        with self._hub.tx():
            for name in self._label_names(input["labelIds"]):
                labels.remove(self._hub, repo, row, name, self._actor)
        return _answer(input, labelable=self._show(row["id"]))

    # -- comments

    def addComment(self, input: Input) -> Input:
        repo, row = self._issue(input["subjectId"], role="read")
        made = comments.create(self._hub, repo, row, self._actor, input["body"])
        shown = IssueComment(self._scope, made)
        return _answer(input, subject=self._show(row["id"]), commentEdge={"node": shown, "cursor": shown.id()})

    def _comment(self, id: str) -> Row:
        found = self._node(id, IssueComment)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, _BOTH, "write", role="read")
        if not comments.may_change(self._hub, repo, found.row, self._actor):
            name = self._actor.login
            raise QueryError("FORBIDDEN", f"{name} does not have the correct permissions to change this comment")
        row: Row = found.row
        return row

    def updateIssueComment(self, input: Input) -> Input:
        row = comments.edit(self._hub, self._comment(input["id"]), self._actor, input["body"])
        return _answer(input, issueComment=IssueComment(self._scope, row))

    def deleteIssueComment(self, input: Input) -> Input:
        comments.delete(self._hub, self._comment(input["id"]), self._actor)
        return _answer(input)

    # -- pull requests

    def createPullRequest(self, input: Input) -> Input:
        repo = self._node(input["repositoryId"], Repository).row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        row = pulls.create(
            self._hub,
            repo,
            self._actor,
            title=input["title"],
            head=input["headRefName"].removeprefix("refs/heads/"),
            base=input["baseRefName"].removeprefix("refs/heads/"),
            body=input.get("body"),
            draft=bool(input.get("draft")),
        )
        return _answer(input, pullRequest=self._show_pull(row["id"]))

    def updatePullRequest(self, input: Input) -> Input:
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
            state=state.lower() if state else None,
        )
        return _answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def closePullRequest(self, input: Input) -> Input:
        return self._set_state(input, "closed")

    def reopenPullRequest(self, input: Input) -> Input:
        return self._set_state(input, "open")

    def _set_state(self, input: Input, state: str) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.edit(self._hub, repo, pull, self._actor, state=state)
        return _answer(input, pullRequest=self._show_pull(pull["id"]))

    def markPullRequestReadyForReview(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.set_draft(self._hub, repo, pull, self._actor, draft=False)
        return _answer(input, pullRequest=self._show_pull(pull["id"]))

    def convertPullRequestToDraft(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        pulls.set_draft(self._hub, repo, pull, self._actor, draft=True)
        return _answer(input, pullRequest=self._show_pull(pull["id"]))

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
        return _answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def enablePullRequestAutoMerge(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        expected = input.get("expectedHeadOid")
        if expected is not None and expected != pull["head_sha"]:
            raise QueryError("UNPROCESSABLE", "Head branch was modified. Review and try again.")
        merging.enable_auto(
            self._hub, repo, pull, self._actor, _method(input), input.get("commitHeadline"), input.get("commitBody")
        )
        return _answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    def disablePullRequestAutoMerge(self, input: Input) -> Input:
        repo, pull = self._pull(input["pullRequestId"])
        self._hub.access.require(self._actor, repo, "contents", "write")
        merging.disable_auto(self._hub, repo, pull, self._actor.account_id)
        return _answer(input, pullRequest=self._show_pull(pull["id"]), actor=self._me())

    # -- review threads

    def resolveReviewThread(self, input: Input) -> Input:
        return self._resolve(input, resolved=True)

    def unresolveReviewThread(self, input: Input) -> Input:
        return self._resolve(input, resolved=False)

    def _resolve(self, input: Input, *, resolved: bool) -> Input:
        found = self._node(input["threadId"], PullRequestReviewThread)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, ("pull_requests", "contents"), "write", role="read")
        row = reviewthreads.resolve(self._hub, repo, found.row, self._actor, resolved=resolved)
        return _answer(input, thread=PullRequestReviewThread(self._scope, row))

    def addPullRequestReviewThreadReply(self, input: Input) -> Input:
        found = self._node(input["pullRequestReviewThreadId"], PullRequestReviewThread)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        parent = reviewthreads.comments(self._hub, found.row["id"])[0]
        pull = pulls.get(self._hub, found.row["pull_id"])
        row = reviewcomments.reply(self._hub, repo, pull, self._actor, parent, input["body"])
        return _answer(input, comment=PullRequestReviewComment(self._scope, row))


def _answer(input: Input, **fields: Any) -> Input:
    return {"clientMutationId": input.get("clientMutationId"), **fields}


def _method(input: Input) -> Method:
    methods: dict[str, Method] = {"MERGE": "merge", "SQUASH": "squash", "REBASE": "rebase"}
    return methods[input.get("mergeMethod") or "MERGE"]

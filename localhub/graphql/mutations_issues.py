"""Mutations of issues, their comments, relations and labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localhub import assignees, comments, issues, labels, relations
from localhub.editing import permitted
from localhub.graphql.base import QueryError
from localhub.graphql.issues import Issue, IssueComment
from localhub.graphql.mutating import Input, Mutating, answer
from localhub.graphql.repository import Repository
from localhub.graphql.reviews import PullRequestReview, PullRequestReviewComment
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row

_REASONS = {"COMPLETED": "completed", "NOT_PLANNED": "not_planned", "DUPLICATE": "duplicate"}


class IssueMutations(Mutating):
    def createIssue(self, input: Input) -> Input:
        self._no_projects(input)
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
                labels=self._label_names(input.get("labelIds") or [], repo),
                assignees=self._logins(input.get("assigneeIds") or []),
                **self._milestone(input, repo),
            ).row
            if parent is not None:
                relations.add_sub_issue(self._hub, parent, row, self._actor)
        return answer(input, issue=self._show(row["id"]))

    def updateIssue(self, input: Input) -> Input:
        self._no_projects(input)
        repo, row = self._issue(input["id"], author=True)
        changes: Input = {key: input[key] for key in ("title", "body") if input.get(key) is not None}
        if input.get("state"):
            changes["state"] = input["state"].lower()
        if input.get("labelIds") is not None:
            changes["labels"] = self._label_names(input["labelIds"], repo)
        if input.get("assigneeIds") is not None:
            changes["assignees"] = self._logins(input["assigneeIds"])
        changes |= self._milestone(input, repo)
        issues.edit(self._hub, repo, row, self._actor, permitted(self._hub, repo, row, self._actor, changes))
        return answer(input, issue=self._show(row["id"]), actor=self._me())

    def closeIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"], author=True)
        reason = _REASONS[input.get("stateReason") or "COMPLETED"]
        original = self._node(input["duplicateIssueId"], Issue) if input.get("duplicateIssueId") else None
        if original is not None and input.get("stateReason") != "DUPLICATE":
            raise QueryError("UNPROCESSABLE", "duplicateIssueId needs the state reason DUPLICATE")
        with self._hub.tx():
            if row["state"] == "open":
                issues.close(self._hub, row, self._actor.account_id, reason=reason)
            if original is not None:
                of = (row["repo_id"], row["id"])
                record(self._hub, *of, "marked_as_duplicate", self._actor.account_id, _of=original.row["id"])
        return answer(input, issue=self._show(row["id"]))

    def reopenIssue(self, input: Input) -> Input:
        _, row = self._issue(input["issueId"], author=True)
        if row["state"] == "closed":
            issues.reopen(self._hub, row, self._actor.account_id)
        return answer(input, issue=self._show(row["id"]))

    def addSubIssue(self, input: Input) -> Input:
        parent = self._issue(input["issueId"])[1]
        child = self._at(input["subIssueUrl"]) if input.get("subIssueUrl") else self._sub_issue(input.get("subIssueId"))
        relations.add_sub_issue(self._hub, parent, child, self._actor, replace_parent=bool(input.get("replaceParent")))
        return answer(input, issue=self._show(parent["id"]), subIssue=self._show(child["id"]))

    def _sub_issue(self, id: str | None) -> Row:
        if not id:
            raise QueryError("UNPROCESSABLE", "subIssueId or subIssueUrl is required")
        row: Row = self._node(id, Issue).row
        return row

    def _at(self, url: str) -> Row:
        """The issue that has this page."""
        found = re.fullmatch(r"https?://[^/]+/([^/]+)/([^/]+)/issues/(\d{1,18})", url)
        repo = self._hub.access.repo_row(found[1], found[2]) if found else None
        row = None
        if found is not None and repo is not None and self._hub.access.allowed(self._actor, repo, "issues"):
            sql = "SELECT * FROM issues WHERE repo_id = ? AND number = ? AND NOT is_pull"
            row = self._hub.db.row(sql, repo["id"], int(found[3]))
        if row is None:
            raise QueryError("NOT_FOUND", f"Could not resolve to an Issue with the URL of '{url}'.")
        return row

    def removeSubIssue(self, input: Input) -> Input:
        parent, child = self._issue(input["issueId"])[1], self._node(input["subIssueId"], Issue).row
        relations.remove_sub_issue(self._hub, parent, child, self._actor)
        return answer(input, issue=self._show(parent["id"]), subIssue=self._show(child["id"]))

    def reprioritizeSubIssue(self, input: Input) -> Input:
        parent, child = self._issue(input["issueId"])[1], self._node(input["subIssueId"], Issue).row
        after, before = (
            self._node(input[key], Issue).row["id"] if input.get(key) else None for key in ("afterId", "beforeId")
        )
        relations.prioritise(self._hub, parent, child, after=after, before=before)
        return answer(input, issue=self._show(parent["id"]))

    def addBlockedBy(self, input: Input) -> Input:
        row, blocker = self._issue(input["issueId"])[1], self._node(input["blockingIssueId"], Issue).row
        relations.add_blocker(self._hub, row, blocker, self._actor)
        return answer(input, issue=self._show(row["id"]), blockingIssue=self._show(blocker["id"]))

    def removeBlockedBy(self, input: Input) -> Input:
        row, blocker = self._issue(input["issueId"])[1], self._node(input["blockingIssueId"], Issue).row
        relations.remove_blocker(self._hub, row, blocker, self._actor)
        return answer(input, issue=self._show(row["id"]), blockingIssue=self._show(blocker["id"]))

    def addLabelsToLabelable(self, input: Input) -> Input:
        repo, row = self._either(input["labelableId"])
        labels.add(self._hub, repo, row, self._label_names(input["labelIds"], repo), self._actor)
        return answer(input, labelable=self._show(row["id"]))

    def removeLabelsFromLabelable(self, input: Input) -> Input:
        repo, row = self._either(input["labelableId"])
        with self._hub.tx():
            for name in self._label_names(input["labelIds"], repo):
                labels.remove(self._hub, repo, row, name, self._actor)
        return answer(input, labelable=self._show(row["id"]))

    def clearLabelsFromLabelable(self, input: Input) -> Input:
        repo, row = self._either(input["labelableId"])
        labels.replace(self._hub, repo, row, [], self._actor)
        return answer(input, labelable=self._show(row["id"]))

    def addAssigneesToAssignable(self, input: Input) -> Input:
        repo, row = self._either(input["assignableId"])
        assignees.add(self._hub, repo, row, self._logins(input["assigneeIds"]), self._actor)
        return answer(input, assignable=self._show(row["id"]))

    def removeAssigneesFromAssignable(self, input: Input) -> Input:
        _, row = self._either(input["assignableId"])
        assignees.remove(self._hub, row, self._logins(input["assigneeIds"]), self._actor)
        return answer(input, assignable=self._show(row["id"]))

    # -- comments

    def minimizeComment(self, input: Input) -> Input:
        return self._minimize(input, str(input["classifier"]).lower().replace("_", "-"))

    def unminimizeComment(self, input: Input) -> Input:
        return self._minimize(input, None)

    def _minimize(self, input: Input, reason: str | None) -> Input:
        """Hide a comment, or show it again; nobody is told."""
        found = self._node(input["subjectId"], IssueComment, PullRequestReview, PullRequestReviewComment)
        if isinstance(found, IssueComment):
            self._require(found.repository().row, found.issue_row, "triage")
        else:
            self._hub.access.require(self._actor, found.repository().row, "pull_requests", "write", role="triage")
        table = {IssueComment: "comments", PullRequestReview: "reviews"}.get(type(found), "review_comments")
        with self._hub.tx():
            self._hub.db.update(table, found.row["id"], minimized=reason)
        shown = type(found)(self._scope, self._hub.db.get(table, found.row["id"]))
        key = "unminimizedComment" if reason is None else "minimizedComment"
        return answer(input, **{key: shown})

    def addComment(self, input: Input) -> Input:
        repo, row = self._either(input["subjectId"], role="read")
        made = comments.create(self._hub, repo, row, self._actor, input["body"])
        shown = IssueComment(self._scope, made)
        return answer(input, subject=self._show(row["id"]), commentEdge={"node": shown, "cursor": shown.id()})

    def _comment(self, id: str) -> Row:
        found = self._node(id, IssueComment)
        repo = found.repository().row
        self._require(repo, found.issue_row, "read")
        if not comments.may_change(self._hub, repo, found.row, self._actor):
            name = self._actor.login
            raise QueryError("FORBIDDEN", f"{name} does not have the correct permissions to change this comment")
        row: Row = found.row
        return row

    def updateIssueComment(self, input: Input) -> Input:
        row = comments.edit(self._hub, self._comment(input["id"]), self._actor, input["body"])
        return answer(input, issueComment=IssueComment(self._scope, row))

    def deleteIssueComment(self, input: Input) -> Input:
        comments.delete(self._hub, self._comment(input["id"]), self._actor)
        return answer(input)

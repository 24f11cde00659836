"""Issues, comments, labels, sub-issues and dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.github.api import Api, read
from bot.github.errors import NotFound, Refused
from bot.github.transport import decode
from bot.github.values import Comment, Issue, IssueEvent, Label

BODY_LIMIT = 65_536
_CREATE_UNDER = """
mutation($repo: ID!, $parent: ID!, $title: String!, $body: String!) {
  createIssue(input: {repositoryId: $repo, parentIssueId: $parent, title: $title, body: $body}) {
    issue { id number title fullDatabaseId }
  }
}
"""


class Issues:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._nodes: dict[int, str] = {}
        self._repository = ""

    def get(self, number: int) -> Issue:
        return self._api.get(Issue, f"/issues/{number}")

    def create(self, title: str, body: str) -> Issue:
        return self._api.send(Issue, "POST", "/issues", {"title": title[:256], "body": fit(body)}, creates=1)

    def create_under(self, parent: int, title: str, body: str) -> Issue | None:
        """A sub-issue, created and linked in one call; None where this GitHub's schema does not know how."""
        variables = {
            "repo": self._repository_id(),
            "parent": self._node_id(parent),
            "title": title[:256],
            "body": fit(body),
        }
        try:
            data = self._api.graphql(_CREATE_UNDER, variables, creates=1)
        except Refused as error:
            if "parentIssueId" in str(error):  # an older GitHub Enterprise Server
                return None
            raise
        made = data["createIssue"]["issue"]
        return Issue(id=int(made["fullDatabaseId"]), number=made["number"], node_id=made["id"], title=made["title"])

    def _node_id(self, number: int) -> str:
        if number not in self._nodes:
            self._nodes[number] = self.get(number).node_id
        return self._nodes[number]

    def _repository_id(self) -> str:
        if not self._repository:
            self._repository = str(decode(self._api.call("GET", "")[2])["node_id"])
        return self._repository

    def edit(self, number: int, **fields: Any) -> Issue:
        """PATCH; `body`, `title`, `state`, `state_reason`, `labels`."""
        if "body" in fields:
            fields["body"] = fit(fields["body"])
        return self._api.send(Issue, "PATCH", f"/issues/{number}", fields)

    def open_with_label(self, label: str) -> Iterator[Issue]:
        for item in self._api.pages("/issues", {"labels": label, "state": "open"}):
            issue = read(Issue, item)
            if issue.pull_request is None:
                yield issue

    def by_creator(self, login: str, since: str) -> Iterator[Issue]:
        """Newest first; `since` is an ISO time of the last update."""
        query = {"creator": login, "state": "all", "sort": "created", "direction": "desc"}
        if since:
            query["since"] = since
        for item in self._api.pages("/issues", query):
            yield read(Issue, item)

    def sub_issues(self, number: int) -> tuple[Issue, ...]:
        return self._api.list(Issue, f"/issues/{number}/sub_issues")

    def add_sub_issue(self, parent: int, issue_id: int) -> None:
        self._api.call("POST", f"/issues/{parent}/sub_issues", None, {"sub_issue_id": issue_id})

    def blocked_by(self, number: int) -> tuple[Issue, ...]:
        return self._api.list(Issue, f"/issues/{number}/dependencies/blocked_by")

    def add_blocked_by(self, number: int, issue_id: int) -> None:
        """A link that exists already is fine."""
        try:
            self._api.call("POST", f"/issues/{number}/dependencies/blocked_by", None, {"issue_id": issue_id})
        except Refused:
            if all(blocker.id != issue_id for blocker in self.blocked_by(number)):
                raise

    def events(self, number: int) -> tuple[IssueEvent, ...]:
        return self._api.list(IssueEvent, f"/issues/{number}/events")

    # comments

    def comments(self, number: int) -> tuple[Comment, ...]:
        """Oldest first."""
        return self._api.list(Comment, f"/issues/{number}/comments")

    def comment(self, comment_id: int) -> Comment:
        return self._api.get(Comment, f"/issues/comments/{comment_id}")

    def add_comment(self, number: int, body: str) -> Comment:
        return self._api.send(Comment, "POST", f"/issues/{number}/comments", {"body": fit(body)}, creates=1)

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        return self._api.send(Comment, "PATCH", f"/issues/comments/{comment_id}", {"body": fit(body)})

    def react(self, comment_id: int, content: str) -> None:
        self._api.call("POST", f"/issues/comments/{comment_id}/reactions", None, {"content": content})

    # labels

    def labels(self, number: int) -> tuple[str, ...]:
        return tuple(label.name for label in self._api.list(Label, f"/issues/{number}/labels"))

    def add_labels(self, number: int, names: list[str]) -> None:
        self._api.call("POST", f"/issues/{number}/labels", None, {"labels": names})

    def remove_label(self, number: int, name: str) -> None:
        """A label that is not there is fine."""
        from urllib.parse import quote

        try:
            self._api.call("DELETE", f"/issues/{number}/labels/{quote(name, safe='')}")
        except NotFound:
            return

    def ensure_label(self, name: str, colour: str, description: str) -> None:
        """Creates the label unless the repository has it."""
        body: Mapping[str, str] = {"name": name, "color": colour, "description": description}
        try:
            self._api.call("POST", "/labels", None, body)
        except Refused as error:
            if error.status != 422:
                raise


def fit(body: str) -> str:
    """A body within GitHub's limit, cut in the middle so that the marker at its end stays."""
    if len(body) <= BODY_LIMIT:
        return body
    tail = body[-8_000:]
    return body[: BODY_LIMIT - len(tail) - 100] + "\n\n[… cut: GitHub takes no more here …]\n\n" + tail

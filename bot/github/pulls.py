"""Pull requests, their reviews and threads."""

from __future__ import annotations

from typing import Any, Literal

from bot.github.api import Api, read
from bot.github.errors import NotFound, Refused
from bot.github.issues import fit
from bot.github.transport import decode
from bot.github.values import LineComment, Pull, Review, Thread

_READY = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"
_RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved comments(first: 1) { nodes { databaseId } } }
      }
    }
  }
}
"""


class Pulls:
    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, number: int) -> Pull:
        return self._api.get(Pull, f"/pulls/{number}")

    def by_head(self, branch: str) -> tuple[Pull, ...]:
        """Every pull request from this branch of the repository itself, open or not, newest first."""
        owner = self._api.repo.partition("/")[0]
        return self._api.list(Pull, "/pulls", {"head": f"{owner}:{branch}", "state": "all"})

    def open(self) -> tuple[Pull, ...]:
        return self._api.list(Pull, "/pulls", {"state": "open"})

    def recently_closed(self) -> tuple[Pull, ...]:
        """The hundred that changed last, newest first."""
        query = {"state": "closed", "sort": "updated", "direction": "desc", "per_page": 100}
        return tuple(read(Pull, item) for item in decode(self._api.call("GET", "/pulls", query)[2]))

    def create(self, title: str, head: str, base: str, body: str) -> Pull:
        """A draft; where the repository's plan has no drafts, an ordinary one."""
        fields: dict[str, Any] = {"title": title[:256], "head": head, "base": base, "body": fit(body), "draft": True}
        try:
            return self._api.send(Pull, "POST", "/pulls", fields, creates=1)
        except Refused as error:
            if "draft" not in str(error).lower():
                raise
        return self._api.send(Pull, "POST", "/pulls", fields | {"draft": False}, creates=1)

    def edit(self, number: int, **fields: Any) -> Pull:
        if "body" in fields:
            fields["body"] = fit(fields["body"])
        return self._api.send(Pull, "PATCH", f"/pulls/{number}", fields)

    def mark_ready(self, pull: Pull) -> None:
        if pull.draft:
            self._api.graphql(_READY, {"id": pull.node_id})

    def request_review(self, number: int, login: str) -> bool:
        """Whether GitHub took the request; someone who cannot review is no reason to stop."""
        try:
            self._api.call("POST", f"/pulls/{number}/requested_reviewers", None, {"reviewers": [login]})
        except (NotFound, Refused):
            return False
        return True

    def merge(self, number: int, sha: str, method: Literal["merge", "squash", "rebase"], title: str, text: str) -> str:
        """The merge commit. Raises `Refused` with 405 (not mergeable) or 409 (the head moved)."""
        body = {"sha": sha, "merge_method": method, "commit_title": title, "commit_message": text}
        if method == "rebase":
            body = {"sha": sha, "merge_method": method}
        return str(decode(self._api.call("PUT", f"/pulls/{number}/merge", None, body)[2])["sha"])

    # reviews

    def reviews(self, number: int) -> tuple[Review, ...]:
        return self._api.list(Review, f"/pulls/{number}/reviews")

    def review_comments(self, number: int, review_id: int) -> tuple[LineComment, ...]:
        return self._api.list(LineComment, f"/pulls/{number}/reviews/{review_id}/comments")

    def line_comments(self, number: int) -> tuple[LineComment, ...]:
        return self._api.list(LineComment, f"/pulls/{number}/comments")

    def reply(self, number: int, comment_id: int, body: str) -> LineComment:
        path = f"/pulls/{number}/comments/{comment_id}/replies"
        return self._api.send(LineComment, "POST", path, {"body": fit(body)}, creates=1)

    def threads(self, number: int) -> tuple[Thread, ...]:
        owner, _, name = self._api.repo.partition("/")
        found: list[Thread] = []
        after: str | None = None
        while True:
            data = self._api.graphql(_THREADS, {"owner": owner, "name": name, "number": number, "after": after})
            connection = data["repository"]["pullRequest"]["reviewThreads"]
            for node in connection["nodes"]:
                if first := node["comments"]["nodes"]:
                    found.append(
                        Thread(id=node["id"], resolved=node["isResolved"], first_comment=first[0]["databaseId"])
                    )
            if not connection["pageInfo"]["hasNextPage"]:
                return tuple(found)
            after = connection["pageInfo"]["endCursor"]

    def resolve(self, thread: str) -> None:
        self._api.graphql(_RESOLVE, {"id": thread})

"""Reviews over GraphQL: written piece by piece, submitted, changed, dismissed."""

from __future__ import annotations

from typing import Any

import httpx

from tests.localhub.graph import BEGIN_REVIEW, ask, data
from tests.localhub.repository import SAMPLE, branch, put

ADD = """mutation($review: ID, $pull: ID, $line: Int, $start: Int) { addPullRequestReviewThread(input: {
  pullRequestReviewId: $review, pullRequestId: $pull, path: "a.txt", line: $line, startLine: $start, body: "Hm" }) {
  thread { id line startLine comments(first: 1) { nodes { id state pullRequestReview { state } } } } } }"""
REPLY = """mutation($id: ID!, $review: ID) { addPullRequestReviewThreadReply(input: {
  pullRequestReviewThreadId: $id, pullRequestReviewId: $review, body: "And"}) { comment { state replyTo { id } } } }"""
SUBMIT = """mutation($id: ID!, $event: PullRequestReviewEvent!) { submitPullRequestReview(input: {
  pullRequestReviewId: $id, event: $event, body: "So"}) { pullRequestReview { state body submittedAt
  comments(first: 9) { totalCount } } } }"""


def test_a_review_is_written_over_graphql(hub: Any, pull: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        review = data(bob, BEGIN_REVIEW, id=pull["node_id"])["addPullRequestReview"]["pullRequestReview"]
        assert review["state"] == "PENDING"
        thread = data(bob, ADD, review=review["id"], line=30, start=28)["addPullRequestReviewThread"]["thread"]
        (first,) = thread["comments"]["nodes"]
        assert (thread["line"], thread["startLine"], first["state"]) == (30, 28, "PENDING")
        assert data(bob, ADD, pull=pull["node_id"], line=3)["addPullRequestReviewThread"]["thread"]["line"] == 3
        assert data(bob, ADD, review=review["id"], line=20)["addPullRequestReviewThread"]["thread"] is None
        hidden = ask(alice, ADD, review=review["id"], line=3)["errors"][0]
        assert (hidden["type"], hidden["path"]) == ("NOT_FOUND", ["addPullRequestReviewThread"])
        answer = data(bob, REPLY, id=thread["id"])["addPullRequestReviewThreadReply"]["comment"]
        assert answer == {"state": "PENDING", "replyTo": {"id": first["id"]}}
        hub.settle()
        assert hub.hooks.deliveries == []
        done = data(bob, SUBMIT, id=review["id"], event="APPROVE")["submitPullRequestReview"]["pullRequestReview"]
        assert (done["state"], done["body"], done["comments"]["totalCount"]) == ("APPROVED", "So", 3)
        validate_hook(hub.hooks.delivery("pull_request_review", "submitted"))
        hub.hooks.delivery("pull_request_review_comment", "created", 3)
        again = ask(bob, SUBMIT, id=review["id"], event="COMMENT")["errors"][0]
        assert again["type"] == "UNPROCESSABLE"
        assert data(alice, REPLY, id=thread["id"])["addPullRequestReviewThreadReply"]["comment"]["state"] == "SUBMITTED"


def test_reviews_are_changed_over_graphql(hub: Any, pull: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        at_once = """mutation($id: ID!) { addPullRequestReview(input: {pullRequestId: $id, event: REQUEST_CHANGES, body: "No",
          threads: [{path: "a.txt", line: 3, body: "Here"}], comments: [{path: "a.txt", position: 2, body: "There"}]}) {
          reviewEdge { node { id state comments(first: 5) { nodes { id body line } } } } } }"""
        review = data(bob, at_once, id=pull["node_id"])["addPullRequestReview"]["reviewEdge"]["node"]
        said = {one["body"]: one for one in review["comments"]["nodes"]}
        assert (review["state"], said["Here"]["line"], said["There"]["line"]) == ("CHANGES_REQUESTED", 3, 2)
        change = """mutation($r: ID!, $c: ID!) {
          updatePullRequestReview(input: {pullRequestReviewId: $r, body: "Not yet"}) { pullRequestReview { body } }
          updatePullRequestReviewComment(input: {pullRequestReviewCommentId: $c, body: "Here!"}) {
            pullRequestReviewComment { body } } }"""
        changed = data(bob, change, r=review["id"], c=said["Here"]["id"])
        assert changed["updatePullRequestReview"]["pullRequestReview"]["body"] == "Not yet"
        validate_hook(hub.hooks.delivery("pull_request_review", "edited"))
        validate_hook(hub.hooks.delivery("pull_request_review_comment", "edited"))
        delete = """mutation($id: ID!) { deletePullRequestReviewComment(input: {id: $id}) {
          pullRequestReview { comments(first: 5) { totalCount } } } }"""
        left = data(bob, delete, id=said["There"]["id"])["deletePullRequestReviewComment"]["pullRequestReview"]
        assert left["comments"]["totalCount"] == 1
        dismiss = """mutation($id: ID!) { dismissPullRequestReview(input: {pullRequestReviewId: $id, message: "Old"}) {
          pullRequestReview { state } } }"""
        with hub.client("carol") as carol:
            assert ask(carol, dismiss, id=review["id"])["errors"][0]["type"] == "FORBIDDEN"
        dismissed = data(alice, dismiss, id=review["id"])["dismissPullRequestReview"]["pullRequestReview"]
        assert dismissed["state"] == "DISMISSED"
        validate_hook(hub.hooks.delivery("pull_request_review", "dismissed"))
        begun = data(bob, BEGIN_REVIEW, id=pull["node_id"])["addPullRequestReview"]["pullRequestReview"]
        drop = """mutation($id: ID!) { deletePullRequestReview(input: {pullRequestReviewId: $id}) {
          pullRequestReview { state } } }"""
        assert data(bob, drop, id=begun["id"])["deletePullRequestReview"]["pullRequestReview"]["state"] == "PENDING"
        own = ask(alice, BEGIN_REVIEW.replace("$id}", "$id, event: APPROVE}"), id=pull["node_id"])["errors"][0]
        assert (own["type"], own["message"]) == ("UNPROCESSABLE", "Review Can not approve your own pull request")


def test_who_opened_the_pull_request_may_resolve_and_is_told_so(hub: Any) -> None:
    """Carol can only read, but it is her pull request; who commented on it may not, without the right to write."""
    able = """query($id: ID!) { node(id: $id) { ... on PullRequest { reviewThreads(first: 1) { nodes {
      id viewerCanResolve viewerCanUnresolve } } } } }"""
    with hub.client("alice") as alice, hub.client("carol") as carol, hub.client("octo-owner") as triager:
        role = {"permission": "triage"}
        assert alice.put(f"{SAMPLE}/collaborators/octo-owner", json=role).status_code in (201, 204)
        branch(alice, "hers")
        put(alice, "x.txt", "x\n", "hers")
        made = carol.post(f"{SAMPLE}/pulls", json={"title": "Mine", "head": "hers", "base": "main"}).json()
        place = {"commit_id": made["head"]["sha"], "path": "x.txt", "line": 1, "body": "Why?"}
        triager.post(f"{SAMPLE}/pulls/{made['number']}/comments", json=place)

        def may(client: httpx.Client) -> tuple[bool, bool]:
            (thread,) = data(client, able, id=made["node_id"])["node"]["reviewThreads"]["nodes"]
            return thread["viewerCanResolve"], thread["viewerCanUnresolve"]

        assert (may(alice), may(carol), may(triager)) == ((True, False), (True, False), (False, False))
        (thread,) = data(carol, able, id=made["node_id"])["node"]["reviewThreads"]["nodes"]
        resolve = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
        assert ask(triager, resolve, id=thread["id"])["errors"][0]["type"] == "FORBIDDEN"
        assert data(carol, resolve, id=thread["id"])["resolveReviewThread"]["thread"]["isResolved"]
        assert (may(carol), may(triager)) == ((False, True), (False, False))

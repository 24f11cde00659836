"""GraphQL: every root of the schema, asked for everything that it leads to."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.localhub.contract.graphqldocs import our_schema, selection
from tests.localhub.contract.plays.git import head, put
from tests.localhub.contract.plays.issues import opened
from tests.localhub.contract.plays.pulls import proposed
from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"
SCHEMA = our_schema()


def ask(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    answer = body(client.post("/graphql", json={"query": document, "variables": variables}), 200)
    assert "errors" not in answer, f"{document[:120]}: {json.dumps(answer['errors'])[:1500]}"
    found: dict[str, Any] = answer["data"]
    return found


def query(c: Session, name: str, arguments: str = "", depth: int = 2) -> dict[str, Any]:
    kind = SCHEMA.query_type
    assert kind is not None
    return ask(c.alice, f"{{ {name}{arguments} {selection(kind.fields[name].type, depth, SCHEMA)} }}")


def change(client: httpx.Client, name: str, /, depth: int = 2, **values: Any) -> dict[str, Any]:
    """Run a mutation and ask for all that its payload has."""
    kind = SCHEMA.mutation_type
    assert kind is not None
    field = kind.fields[name]
    document = f"mutation($input: {field.args['input'].type}) {{ {name}(input: $input) {selection(field.type, depth, SCHEMA)} }}"
    found: dict[str, Any] = ask(client, document, input=values | {"clientMutationId": "7"})[name]
    assert found["clientMutationId"] == "7"
    return found


@scenario
def graphql_reads(c: Session) -> None:
    body(c.alice.post(f"{REPO}/milestones", json={"title": "v1"}), 201)
    issue = opened(c, "One", labels=["bug"], assignees=["bob"], milestone=1)
    opened(c, "Two"), opened(c, "Three")
    made = proposed(c, "topic", body="Closes #1")
    remark = {"path": "topic.txt", "line": 2, "side": "RIGHT", "body": "Why two?"}
    body(c.bob.post(f"{REPO}/pulls/4/reviews", json={"body": "Hm", "event": "COMMENT", "comments": [remark]}))
    for number in (1, 4):
        said = body(c.bob.post(f"{REPO}/issues/{number}/comments", json={"body": "Said"}), 201)
    body(c.bob.post(f"{REPO}/issues/1/reactions", json={"content": "heart"}), 201)
    body(c.bot.post(f"{REPO}/check-runs", json={"name": "lint", "head_sha": made["head"]["sha"]}), 201)
    body(c.bot.post(f"{REPO}/statuses/{made['head']['sha']}", json={"state": "success", "context": "docs"}), 201)
    c.settle()
    query(c, "viewer")
    query(c, "repository", '(owner: "alice", name: "sample")')
    query(c, "user", '(login: "bob")')
    query(c, "organization", '(login: "acme")')
    query(c, "repositoryOwner", '(login: "acme")')
    query(c, "rateLimit")
    query(c, "node", f'(id: "{issue["node_id"]}")', depth=1)
    ids = json.dumps([issue["node_id"], made["node_id"], said["node_id"]])
    query(c, "nodes", f"(ids: {ids})", depth=1)


@scenario
def graphql_issues(c: Session) -> None:
    bot = c.bot
    repo = body(c.alice.get(REPO))["node_id"]
    bob = body(c.alice.get("/users/bob"))["node_id"]
    label = body(c.alice.get(f"{REPO}/labels/bug"))["node_id"]
    made = change(bot, "createIssue", repositoryId=repo, title="One", body="Text", assigneeIds=[bob], labelIds=[label])
    one, two, three = made["issue"]["id"], opened(c, "Two")["node_id"], opened(c, "Three")["node_id"]
    change(bot, "updateIssue", id=one, title="First", body="Other", assigneeIds=[], labelIds=[])
    change(bot, "addLabelsToLabelable", labelableId=one, labelIds=[label])
    change(bot, "removeLabelsFromLabelable", labelableId=one, labelIds=[label])
    change(bot, "addSubIssue", issueId=one, subIssueId=two)
    change(bot, "removeSubIssue", issueId=one, subIssueId=two)
    change(bot, "addBlockedBy", issueId=two, blockingIssueId=three)
    change(bot, "removeBlockedBy", issueId=two, blockingIssueId=three)
    change(bot, "addComment", subjectId=one, body="Said")
    said = body(bot.get(f"{REPO}/issues/comments"))[0]["node_id"]
    change(bot, "updateIssueComment", id=said, body="Said well")
    change(c.bob, "addReaction", subjectId=said, content="HEART")
    change(c.bob, "removeReaction", subjectId=said, content="HEART")
    change(bot, "deleteIssueComment", id=said)
    change(c.alice, "lockLockable", lockableId=one, lockReason="RESOLVED")
    change(c.alice, "unlockLockable", lockableId=one)
    change(c.alice, "pinIssue", issueId=one)
    change(c.alice, "unpinIssue", issueId=one)
    change(bot, "closeIssue", issueId=one, stateReason="NOT_PLANNED")
    change(bot, "reopenIssue", issueId=one)
    linked = change(bot, "createLinkedBranch", issueId=one, oid=head(c), name="1-first")
    change(bot, "deleteLinkedBranch", linkedBranchId=linked["linkedBranch"]["id"])
    proposed(c, "topic")
    change(c.alice, "deleteIssue", issueId=three)
    change(c.alice, "archiveRepository", depth=1, repositoryId=repo)
    change(c.alice, "unarchiveRepository", depth=1, repositoryId=repo)
    change(c.alice, "createRepository", depth=1, name="fresh", visibility="PRIVATE")


@scenario
def graphql_pull_requests(c: Session) -> None:
    bot = c.bot
    place = {"repositoryId": body(c.alice.get(REPO))["node_id"], "baseRefName": "main"}
    body(c.alice.patch(REPO, json={"allow_auto_merge": True}))
    rule = {"required_status_checks": {"strict": False, "contexts": ["lint"]}, "enforce_admins": False}
    body(
        c.alice.put(
            f"{REPO}/branches/main/protection",
            json=rule | {"required_pull_request_reviews": None, "restrictions": None},
        )
    )
    other = proposed(c, "other")
    change(bot, "closePullRequest", pullRequestId=other["node_id"])
    made = change(bot, "createPullRequest", **place, headRefName="other", title="Again", body="Text", draft=True)
    pull = made["pullRequest"]["id"]
    c.settle()
    change(bot, "updatePullRequest", pullRequestId=pull, title="Other", body="More")
    change(bot, "markPullRequestReadyForReview", pullRequestId=pull)
    change(bot, "convertPullRequestToDraft", pullRequestId=pull)
    change(bot, "markPullRequestReadyForReview", pullRequestId=pull)
    bob = body(c.alice.get("/users/bob"))["node_id"]
    change(bot, "requestReviews", pullRequestId=pull, userIds=[bob])
    c.settle()
    change(c.alice, "enablePullRequestAutoMerge", pullRequestId=pull, mergeMethod="SQUASH")
    change(c.alice, "disablePullRequestAutoMerge", pullRequestId=pull)
    change(bot, "closePullRequest", pullRequestId=pull)
    change(bot, "reopenPullRequest", pullRequestId=pull)
    body(c.alice.delete(f"{REPO}/branches/main/protection"))
    put(c, "later.txt", "later\n")
    change(bot, "updatePullRequestBranch", pullRequestId=pull)
    c.settle()
    change(bot, "mergePullRequest", pullRequestId=pull, mergeMethod="SQUASH")


@scenario
def graphql_reviews(c: Session) -> None:
    made = proposed(c, "topic")
    wanted = {"body": "Why?", "path": "topic.txt", "line": 1, "side": "RIGHT", "commit_id": made["head"]["sha"]}
    body(c.alice.post(f"{REPO}/pulls/{made['number']}/comments", json=wanted), 201)
    threads = f'{{ node(id: "{made["node_id"]}") {{ ... on PullRequest {{ reviewThreads(first: 1) {{ nodes {{ id }} }} }} }} }}'
    (thread,) = ask(c.bot, threads)["node"]["reviewThreads"]["nodes"]
    change(c.bot, "addPullRequestReviewThreadReply", pullRequestReviewThreadId=thread["id"], body="So")
    change(c.bot, "resolveReviewThread", threadId=thread["id"])
    change(c.bot, "unresolveReviewThread", threadId=thread["id"])
